"""What leaves the repository, and what becomes of it in the cluster: the accidents of others, avoided.

| accident elsewhere | shown here not to happen by |
|---|---|
| an object that moves is deleted and made again | `test_pruning_moves.py`, in both orders of rollouts |
| a rename deletes everything | `test_pruning_moves.py` |
| an empty generator, or a folder that is lost, deletes everything | the tests of what is emptied, or lost |
| a commit that is broken elsewhere turns a move into a deletion | `test_pruning_moves.py` |
| what only looks like ours is deleted, by pruning or as drift | the test of a stranger with our labels |
| one commit empties many clusters before anybody looks | the test of a wave's budget |
| a deletion that is refused, or waits for a finalizer, is forgotten | `test_pruning_refused.py` |
| a stateful object, or one that somebody protects, goes with its manifest | the tests of what is held back |
| an object that others made anew is deleted by its name | the test of an object made anew |
| more than a budget goes, or too early; a partial apply; a file is renamed | `test_rollout_objects.py` |
| a process that is killed half way orphans objects, or deletes twice | `test_rollout_crash.py` |
| a rollback leaves what the bad revision added, or deletes what was there before | the test of a revert |
"""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from gitops.ownership import PART_OF
from gitops.rollout import events as e
from tests.cluster.leaving import elsewhere, files, inventory, left, metadata, one_of
from tests.cluster.rig.plane import Plane
from tests.cluster.world import People, World, config_map, deployment


def stateful_set(name: str) -> str:
    """A StatefulSet as YAML."""
    template = {
        "metadata": {"labels": {"app": name}},
        "spec": {"containers": [{"name": "main", "image": "registry.example/db:1.0"}]},
    }
    spec = {
        "replicas": 1,
        "serviceName": name,
        "selector": {"matchLabels": {"app": name}},
        "template": template,
    }
    return yaml.safe_dump(
        {"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": name}, "spec": spec}
    )


async def test_a_revert_takes_back_what_the_bad_revision_added(world: World, deleted: list[str]) -> None:
    """Also a StatefulSet; one that an earlier rollout kept stays, and so does what a revision took over."""
    world.planes[0].api.create(
        f"/api/v1/namespaces/{world.namespace}/configmaps", {"metadata": {"name": "theirs"}}
    )
    started = world.people.push(
        "First",
        {
            **world.clusters(),
            **world.environment_file(),
            **files(world, {"web/web.yaml": deployment("web"), "web/old.yaml": stateful_set("old")}),
        },
    )
    async with world.controller():
        await world.succeeded(started, "web")
        kept = world.people.push("Drop the old", files(world, {"web/old.yaml": None}))
        await world.succeeded(kept, "web")
        before = inventory(world, "web")
        assert f"StatefulSet.apps {world.namespace}/old" in before
        world.people.push(
            "Break",
            files(
                world,
                {
                    "web/web.yaml": deployment("web", "registry.example/web:2.0-crash-loop"),
                    "web/added.yaml": config_map("added"),
                    "web/new.yaml": stateful_set("new"),
                    "web/theirs.yaml": config_map("theirs"),
                },
            ),
        )
        await world.until(lambda: world.seen.of(e.RolloutReverted), "the revert", within=90)
        assert inventory(world, "web") == before
    assert world.live(0, "v1/configmaps/added") is None
    assert world.live(0, "apps/v1/statefulsets/new") is None
    assert metadata(world, "apps/v1/statefulsets/old")["uid"] in before.values()
    assert world.live(0, "v1/configmaps/theirs")
    assert sorted(deleted) == ["ConfigMap/added", "StatefulSet/new"]


async def test_an_object_made_anew_by_others_is_left_and_said(world: World, deleted: list[str]) -> None:
    """It has the name and even the labels, but another uid: it stays, and the record says why."""
    started = one_of(world, {"web/a.yaml": config_map("a"), "web/old.yaml": config_map("old")})
    api = world.planes[0].api
    path = f"/api/v1/namespaces/{world.namespace}/configmaps"
    async with world.controller():
        await world.succeeded(started, "web")
        live = world.live(0, "v1/configmaps/old")
        api.request("DELETE", f"{path}/old")
        labels = live["metadata"]["labels"]
        anew = api.create(path, {"metadata": {"name": "old", "labels": labels}, "data": {"of": "others"}})
        await left(world, "web/old.yaml")
        told = world.seen.of(e.TargetApplied)[-1].released
        assert "another object of the same name" in told[f"ConfigMap {world.namespace}/old"]
        assert inventory(world, "web").keys() == {f"ConfigMap {world.namespace}/a"}
    assert metadata(world, "v1/configmaps/old")["uid"] == anew["metadata"]["uid"]
    assert deleted == []


async def test_what_was_put_back_as_drift_is_ours_still(world: World, deleted: list[str]) -> None:
    """Its new uid is not in the inventory yet when a commit drops it; no orphan is left."""
    found = {"web/a.yaml": config_map("a"), "web/old.yaml": config_map("old")}
    started = one_of(world, found, drift="Correct")
    path = f"/api/v1/namespaces/{world.namespace}/configmaps/old"
    async with world.controller():
        await world.succeeded(started, "web")
        uid = metadata(world, "v1/configmaps/old")["uid"]
        world.planes[0].api.request("DELETE", path)
        await world.until(lambda: world.seen.of(e.DriftCorrected), "the correction")
        assert metadata(world, "v1/configmaps/old")["uid"] != uid
        await left(world, "web/old.yaml")
    assert world.live(0, "v1/configmaps/old") is None
    assert deleted == ["ConfigMap/old"]


async def test_what_prune_disabled_protects_is_left_untracked_with_a_record(
    world: World, deleted: list[str]
) -> None:
    """The annotation in the manifest is enough, and no drift is seen in what is nobody's any more."""
    body = yaml.safe_load(config_map("old"))
    body["metadata"]["annotations"] = {"gitops-waves.io/prune": "disabled"}
    found = {"web/a.yaml": config_map("a"), "web/old.yaml": yaml.safe_dump(body)}
    started = one_of(world, found, drift="Correct")
    async with world.controller():
        await world.succeeded(started, "web")
        uid = metadata(world, "v1/configmaps/old")["uid"]
        await left(world, "web/old.yaml")
        told = world.seen.of(e.TargetApplied)[-1].released
        assert told == {
            f"ConfigMap {world.namespace}/old": "its annotation gitops-waves.io/prune is disabled"
        }
        assert inventory(world, "web").keys() == {f"ConfigMap {world.namespace}/a"}
    assert metadata(world, "v1/configmaps/old")["uid"] == uid
    assert deleted == []


async def test_a_stateful_object_is_held_back_until_a_commit_permits_it(
    world: World, deleted: list[str]
) -> None:
    """The sentence says how; the trailer alone is enough, without any other change."""
    name = f"StatefulSet.apps {world.namespace}/db"
    started = one_of(world, {"web/a.yaml": config_map("a"), "web/db.yaml": stateful_set("db")})
    async with world.controller():
        await world.succeeded(started, "web")
        await left(world, "web/db.yaml")
        sentence = await world.told("web@", "keeps 1 object that left Git", name)
        assert "Gitops-Allow-Prune: production/web" in sentence
        assert "gitops-waves.io/prune: enabled" in sentence
        assert name in inventory(world, "web")
        assert deleted == []
        allowed = world.people.push("It may go\n\nGitops-Allow-Prune: production/web\n", {})
        await world.until(lambda: world.live(0, "apps/v1/statefulsets/db") is None, "the deletion")
        await world.succeeded(allowed, "web")
        assert not any("keeps" in str(one) for one in world.fleet.waits("production") or ())  # type: ignore[union-attr]
        assert inventory(world, "web").keys() == {f"ConfigMap {world.namespace}/a"}
    assert deleted == ["StatefulSet/db"]


async def test_a_stateful_object_goes_where_its_annotation_says_so(world: World, deleted: list[str]) -> None:
    """Written into the manifest beforehand, nobody has to be asked."""
    body = yaml.safe_load(stateful_set("db"))
    body["metadata"]["annotations"] = {"gitops-waves.io/prune": "enabled"}
    started = one_of(world, {"web/a.yaml": config_map("a"), "web/db.yaml": yaml.safe_dump(body)})
    async with world.controller():
        await world.succeeded(started, "web")
        await left(world, "web/db.yaml")
    assert deleted == ["StatefulSet/db"]
    assert world.live(0, "apps/v1/statefulsets/db") is None


@pytest.mark.parametrize("how", ["deleted", "annotated"])
async def test_a_stateful_object_is_released_by_hand(world: World, deleted: list[str], how: str) -> None:
    """No commit is needed for it: what a person does to the live object is seen."""
    name = f"StatefulSet.apps {world.namespace}/db"
    path = f"/apis/apps/v1/namespaces/{world.namespace}/statefulsets/db"
    started = one_of(world, {"web/a.yaml": config_map("a"), "web/db.yaml": stateful_set("db")})
    async with world.controller():
        await world.succeeded(started, "web")
        await left(world, "web/db.yaml")
        await world.told("web@", "keeps 1 object that left Git", name)
        if how == "deleted":
            world.planes[0].api.delete(path)
        else:
            world.planes[0].api.patch(
                path, {"metadata": {"annotations": {"gitops-waves.io/prune": "enabled"}}}
            )
        await world.until(lambda: world.successes("web") == 3, "another rollout")
        assert world.state("web").held == {}
        assert inventory(world, "web").keys() == {f"ConfigMap {world.namespace}/a"}
    assert world.live(0, "apps/v1/statefulsets/db") is None
    assert deleted == ([] if how == "deleted" else ["StatefulSet/db"])
    assert len(world.seen.of(e.TargetUnsettled)) == 1


async def test_a_wave_deletes_no_more_than_its_budget_from_all_its_targets(
    clusters: tuple[Plane, ...], namespace: str, tmp_path: Path, deleted: list[str]
) -> None:
    """Two of five objects may go from each target; three targets together would lose more than five.

    What is started side by side does not slip through; a restart counts on; the trailer permits the rest.
    """
    world = World(People(tmp_path), clusters[:3], namespace, tmp_path, "production")
    names = [f"c{number}" for number in range(5)]
    prune = {"maxObjects": "50%", "maxObjectsPerWave": 5}
    waves = [{"name": "all", "progressDeadline": "60s", "maxFailures": 0}]
    found = {f"web/{name}.yaml": config_map(name) for name in names}
    started = one_of(world, found, prune=prune, waves=waves)

    def there() -> int:
        return sum(
            world.live(index, f"v1/configmaps/{name}") is not None for index in range(3) for name in names
        )

    async with world.controller():
        await world.succeeded(started, "web")
        world.people.push("Drop two", files(world, {"web/c0.yaml": None, "web/c1.yaml": None}))
        sentence = await world.told("web is halted", "on other targets of the wave", "budget of 5")
        assert "prune.maxObjectsPerWave" in sentence
        assert len(deleted) <= 4
    async with world.controller():
        await world.told("web is halted", "budget of 5")
        assert there() >= 11
        allowed = world.people.push("Yes\n\nGitops-Allow-Prune: production/web\n", {})
        await world.succeeded(allowed, "web")
    assert there() == 9
    assert len(deleted) == 6


async def test_an_emptied_file_deletes_nothing_unasked(world: World, deleted: list[str]) -> None:
    """The folder and its file are there, and render nothing: a generator failed, most likely."""
    started = one_of(world, {"web/a.yaml": config_map("a") + "---\n" + config_map("b")})
    async with world.controller():
        await world.succeeded(started, "web")
        world.people.push("Empty", files(world, {"web/a.yaml": "# nothing\n"}))
        sentence = await world.told("web is halted", "renders no object at all", "would delete all 2")
        assert "Gitops-Allow-Prune: production/web" in sentence
        assert len(inventory(world, "web")) == 2
    assert deleted == []


async def test_what_is_lost_leaves_objects_as_they_are(
    world: World, other_namespace: str, deleted: list[str]
) -> None:
    """A target that is no longer chosen, then the whole environment: nothing is deleted anywhere."""
    other = elsewhere(world, namespace=other_namespace)
    targets = [{"clusterSelector": {}, "namespace": one.namespace} for one in (world, other)]
    started = one_of(world, {"web/a.yaml": config_map("a")}, targets=targets)
    async with world.controller():
        await world.succeeded(started, "web")
        fewer = world.people.push("One target less", world.environment_file(targets=targets[:1]))
        await world.succeeded(fewer, "web")
        assert other.live(0, "v1/configmaps/a")
        gone = world.people.push(
            "Lose the folder",
            {
                f"environments/{world.environment}/environment.yaml": None,
                **files(world, {"web/a.yaml": None}),
                **elsewhere(world, "staging").environment_file(),
            },
        )
        await world.looked_at(gone)
    assert world.live(0, "v1/configmaps/a")
    assert other.live(0, "v1/configmaps/a")
    assert deleted == []


async def test_a_stranger_with_our_labels_is_never_deleted(world: World, deleted: list[str]) -> None:
    """It is not in the inventory, and so nobody's to prune; correcting drift deletes nothing either."""
    found = {f"web/{name}.yaml": config_map(name) for name in ("a", "b", "c")}
    started = one_of(world, found, drift="Correct")
    path = f"/api/v1/namespaces/{world.namespace}/configmaps"
    async with world.controller():
        await world.succeeded(started, "web")
        labels = metadata(world, "v1/configmaps/a")["labels"]
        world.planes[0].api.create(path, {"metadata": {"name": "stranger", "labels": labels}})
        await left(world, "web/b.yaml")
        world.planes[0].api.patch(f"{path}/c", {"metadata": {"labels": {PART_OF: None}}})
        await world.until(lambda: world.seen.of(e.DriftCorrected), "the correction")
    assert world.live(0, "v1/configmaps/stranger")
    assert deleted == ["ConfigMap/b"]
