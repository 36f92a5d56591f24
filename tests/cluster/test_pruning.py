"""What leaves the repository, and what becomes of it in the cluster: the accidents of others, avoided.

| accident elsewhere | shown here not to happen by |
|---|---|
| an object that moves is deleted and made again | the tests of moves, in both orders of the two rollouts |
| a rename, or an empty generator, deletes everything | the tests of renamed, emptied, lost folders |
| a commit that is broken elsewhere turns a move into a deletion | the test of a move to what is broken |
| what only looks like ours is deleted, by pruning or as drift | the test of a stranger with our labels |
| one commit empties many clusters before anybody looks | the test of a wave's budget |
| a deletion that is refused, or waits for a finalizer, is forgotten | the tests of deletions that fail |
| a stateful object, or one that somebody protects, goes with its manifest | the tests of what is held back |
| an object that others made anew is deleted by its name | the test of an object made anew |
| more than a budget goes, or too early; a partial apply; a file is renamed | `test_rollout_objects.py` |
| a process that is killed half way orphans objects, or deletes twice | `test_rollout_crash.py` |
| a rollback leaves what the bad revision added, or deletes what was there before | the test of a revert |
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from controllers.adapters.kube.client import KubeClient
from controllers.adapters.kube.errors import Forbidden, Rejected
from controllers.adapters.kube.resources import Resource
from controllers.rollout import pruning
from gitops.errors import Unreachable
from gitops.inventory import applyset_id, from_config_maps, parent_name
from gitops.ownership import PART_OF
from gitops.rollout import events as e
from tests.cluster.rig.plane import Plane
from tests.cluster.sim.plane import SimPlane
from tests.cluster.world import People, World, config_map, deployment


@pytest.fixture
def world(cluster: Plane, namespace: str, tmp_path: Path) -> World:
    """One cluster, an empty repository."""
    return World(People(tmp_path), (cluster,), namespace, tmp_path, "production")


def elsewhere(world: World, environment: str = "", namespace: str = "") -> World:
    """The same repository and clusters, seen as another environment or namespace."""
    return replace(
        world, environment=environment or world.environment, namespace=namespace or world.namespace
    )


def files(world: World, found: Mapping[str, str | None]) -> dict[str, str | None]:
    """Files of applications, given by `<application>/<file>`."""
    return {world.path(*path.split("/")): content for path, content in found.items()}


def inventory(world: World, application: str) -> dict[str, str]:
    """The objects that an application's inventory holds here, and each one's uid."""
    chosen = f"gitops-waves.io/inventory-of={world.environment},gitops-waves.io/application={application}"
    path = f"/api/v1/namespaces/{world.namespace}/configmaps?labelSelector={chosen}"
    found = from_config_maps(world.planes[0].api.get(path)["items"], world.planes[0].name)
    return {str(key): entry.uid for key, entry in found.entries.items()} if found else {}


@pytest.fixture
def deleted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the controller deletes, other than parts of its inventories: `Kind/name`, each time it does."""
    found: list[str] = []
    delete = KubeClient.delete

    async def noted(self: KubeClient, resource: Resource, name: str, namespace: str = "", **how: Any) -> bool:
        done = await delete(self, resource, name, namespace, **how)
        if done and not name.startswith("gitops-waves."):
            assert how.get("uid"), f"{resource.kind}/{name} is deleted whatever it is by now"
            found.append(f"{resource.kind}/{name}")
        return done

    monkeypatch.setattr(KubeClient, "delete", noted)
    return found


def metadata(world: World, path: str) -> dict[str, Any]:
    """Metadata of an object that has to be there."""
    live = world.live(0, path)
    assert live is not None, f"{path} is gone"
    return dict(live["metadata"])


def owner(world: World, application: str) -> str:
    """The ApplySet id of an application here."""
    return applyset_id(parent_name(world.environment, application), world.namespace)


def one_of(world: World, found: Mapping[str, str | None], **spec: Any) -> str:
    """Push a first commit with one environment; return the revision."""
    return world.people.push(
        "First", {**world.clusters(), **world.environment_file(**spec), **files(world, found)}
    )


async def left(world: World, path: str) -> None:
    """Push that a file of `web` is gone, and wait until that is rolled out."""
    await world.succeeded(world.people.push("Drop", files(world, {path: None})), "web")


@pytest.mark.parametrize("first", ["giver", "taker"])
async def test_an_object_that_moves_to_another_environment_is_handed_over(
    world: World, deleted: list[str], first: str
) -> None:
    """Whichever of the two rollouts comes first: never deleted, the same uid, in the other's inventory."""
    giver, taker = world, elsewhere(world, "staging")
    shared = config_map("shared", key="value")
    start = {
        **world.clusters(),
        **giver.environment_file(),
        **taker.environment_file(),
        **files(giver, {"web/own.yaml": config_map("one"), "web/shared.yaml": shared}),
        **files(taker, {"api/own.yaml": config_map("two")}),
    }
    name = f"ConfigMap {world.namespace}/shared"
    started = world.people.push("First", start)
    async with world.controller() as taker.fleet:
        await giver.succeeded(started, "web")
        await taker.succeeded(started, "api")
        uid = metadata(world, "v1/configmaps/shared")["uid"]
        late = taker if first == "giver" else giver
        early = giver if late is taker else taker
        moved = world.people.push(
            "Move",
            {
                **late.environment_file(suspended=True),
                **files(giver, {"web/shared.yaml": None}),
                **files(taker, {"api/shared.yaml": shared}),
            },
        )
        await early.succeeded(moved, "web" if early is giver else "api")
        assert metadata(world, "v1/configmaps/shared")["uid"] == uid
        resumed = world.people.push("Go on", late.environment_file())
        await late.succeeded(resumed, "web" if late is giver else "api")
        live = metadata(world, "v1/configmaps/shared")
        assert (live["uid"], live["labels"][PART_OF]) == (uid, owner(taker, "api"))
        assert live["labels"]["gitops-waves.io/environment"] == "staging"
        assert inventory(taker, "api")[name] == uid
        # The giver's next rollout leaves it alone, and holds it no more.
        after = world.people.push("After", files(giver, {"web/own.yaml": config_map("one", a="b")}))
        await giver.succeeded(after, "web")
        assert inventory(giver, "web").keys() == {f"ConfigMap {world.namespace}/one"}
    assert deleted == []
    assert metadata(world, "v1/configmaps/shared")["uid"] == uid


@pytest.mark.parametrize("first", ["giver", "taker"])
async def test_an_object_that_moves_to_another_application_is_handed_over(
    world: World, deleted: list[str], first: str
) -> None:
    """In both orders, which `dependsOn` sets: the same uid, and at the end one inventory holds it."""
    early, late = ("giver", "taker") if first == "giver" else ("taker", "giver")
    settings = {
        "apiVersion": "gitops-waves.io/v1alpha1",
        "kind": "Application",
        "metadata": {"name": late},
        "spec": {"dependsOn": [early]},
    }
    shared = config_map("shared", key="value")
    found = {
        f"{late}/application.yaml": yaml.safe_dump(settings),
        "giver/own.yaml": config_map("one"),
        "giver/shared.yaml": shared,
        "taker/own.yaml": config_map("two"),
    }
    started = one_of(world, found)
    async with world.controller():
        await world.succeeded(started, late)
        uid = metadata(world, "v1/configmaps/shared")["uid"]
        moved = world.people.push(
            "Move", files(world, {"giver/shared.yaml": None, "taker/shared.yaml": shared})
        )
        await world.succeeded(moved, early)
        await world.succeeded(moved, late)
        live = metadata(world, "v1/configmaps/shared")
        assert (live["uid"], live["labels"][PART_OF]) == (uid, owner(world, "taker"))
        after = world.people.push("After", files(world, {"giver/own.yaml": config_map("one", a="b")}))
        await world.succeeded(after, "giver")
        name = f"ConfigMap {world.namespace}/shared"
        assert inventory(world, "taker")[name] == uid
        assert name not in inventory(world, "giver")
    assert deleted == []


async def test_a_renamed_application_folder_hands_everything_over(world: World, deleted: list[str]) -> None:
    """Nothing is deleted or made again, nobody is asked for permission, and the old name is forgotten."""
    names = ("a", "b", "c")
    started = world.people.push(
        "First",
        {
            **world.clusters(),
            **world.environment_file(),
            **files(world, {f"web/{name}.yaml": config_map(name) for name in names}),
        },
    )
    async with world.controller():
        await world.succeeded(started, "web")
        before = inventory(world, "web")
        renamed = world.people.push(
            "Rename",
            {
                **files(world, dict.fromkeys((f"web/{name}.yaml" for name in names), None)),
                **files(world, {f"shop/{name}.yaml": config_map(name) for name in names}),
            },
        )
        await world.succeeded(renamed, "shop")
        await world.until(lambda: world.seen.of(e.ApplicationRetired, "web"), "web to be retired")
        assert inventory(world, "shop") == before
        assert {metadata(world, f"v1/configmaps/{name}")["labels"][PART_OF] for name in names} == {
            owner(world, "shop")
        }
    assert deleted == []


async def test_a_renamed_environment_folder_hands_everything_over(world: World, deleted: list[str]) -> None:
    """The new environment takes over what the old one left; objects keep their uids."""
    after = elsewhere(world, "live")
    started = world.people.push(
        "First",
        {**world.clusters(), **world.environment_file(), **files(world, {"web/a.yaml": config_map("a")})},
    )
    async with world.controller() as after.fleet:
        await world.succeeded(started, "web")
        before = inventory(world, "web")
        renamed = world.people.push(
            "Rename",
            {
                f"environments/{world.environment}/environment.yaml": None,
                **files(world, {"web/a.yaml": None}),
                **after.environment_file(),
                **files(after, {"web/a.yaml": config_map("a")}),
            },
        )
        await after.succeeded(renamed, "web")
        assert inventory(after, "web") == before
    assert deleted == []


@pytest.fixture
def other_namespace(world: World) -> Iterator[str]:
    """A second namespace."""
    name = f"{world.namespace[:40]}-{secrets.token_hex(3)}"
    world.planes[0].api.create("/api/v1/namespaces", {"metadata": {"name": name}})
    yield name
    world.planes[0].api.request("DELETE", f"/api/v1/namespaces/{name}")


async def test_what_does_not_move_with_the_target_namespace_is_handed_over(
    world: World, deleted: list[str], other_namespace: str
) -> None:
    """A cluster-scoped object, and one with a namespace of its own, keep their uids.

    What lives in the old target namespace stays there as it is.
    """
    after = elsewhere(world, namespace=other_namespace)
    role = f"role-{secrets.token_hex(4)}"
    pinned = yaml.safe_load(config_map("pinned"))
    pinned["metadata"]["namespace"] = world.namespace
    rule = {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}
    cluster_role = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": role},
        "rules": [rule],
    }
    manifests = {
        "web/pinned.yaml": yaml.safe_dump(pinned),
        "web/role.yaml": yaml.safe_dump(cluster_role),
        "web/moves.yaml": config_map("moves"),
    }
    api = world.planes[0].api
    path = f"/apis/rbac.authorization.k8s.io/v1/clusterroles/{role}"
    started = world.people.push(
        "First", {**world.clusters(), **world.environment_file(), **files(world, manifests)}
    )
    try:
        async with world.controller() as after.fleet:
            await world.succeeded(started, "web")
            before = inventory(world, "web")
            moved = world.people.push("Move", after.environment_file())
            await after.succeeded(moved, "web")
            now = inventory(after, "web")
            for name in (
                f"ClusterRole.rbac.authorization.k8s.io {role}",
                f"ConfigMap {world.namespace}/pinned",
            ):
                assert now[name] == before[name]
            assert api.get(path)["metadata"]["labels"][PART_OF] == owner(after, "web")
            assert after.live(0, "v1/configmaps/moves")
            assert world.live(0, "v1/configmaps/moves")
        assert deleted == []
    finally:
        api.request("DELETE", path)


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


REFUSALS = {
    "forbidden": Forbidden("configmaps is forbidden: User cannot delete resource"),
    "by-admission": Rejected("admission webhook guard denied the request", code=400),
    "server-error": Unreachable("delete configmaps: HTTP 500: failed calling webhook guard"),
    "timeout": Unreachable("delete configmaps: no answer within 30 s"),
}


@pytest.mark.parametrize("how", sorted(REFUSALS))
async def test_a_deletion_that_is_refused_stays_tracked_and_is_tried_again(
    world: World, monkeypatch: pytest.MonkeyPatch, deleted: list[str], how: str
) -> None:
    """No rollout waits for it, none is needed for it, and a restart does not forget it."""
    refused = [True]
    delete = KubeClient.delete

    async def guarded(self: KubeClient, resource: Resource, name: str, *place: str, **more: Any) -> bool:
        if name == "old" and refused:
            raise REFUSALS[how]
        return await delete(self, resource, name, *place, **more)

    monkeypatch.setattr(KubeClient, "delete", guarded)
    name = f"ConfigMap {world.namespace}/old"
    started = one_of(world, {"web/a.yaml": config_map("a"), "web/old.yaml": config_map("old")})
    async with world.controller():
        await world.succeeded(started, "web")
        uid = metadata(world, "v1/configmaps/old")["uid"]
        await left(world, "web/old.yaml")
        sentence = await world.told("waits for 1 object that left Git to be gone", name, str(REFUSALS[how]))
        assert "since" in sentence
        assert inventory(world, "web")[name] == uid
    async with world.controller():
        await world.told("waits for 1 object that left Git to be gone", name)
        assert metadata(world, "v1/configmaps/old")["uid"] == uid
        refused.clear()
        await world.until(lambda: world.seen.of(e.PruneFinished, "web"), "the end of the prune")
        assert world.live(0, "v1/configmaps/old") is None
        assert inventory(world, "web").keys() == {f"ConfigMap {world.namespace}/a"}
    assert deleted == ["ConfigMap/old"]
    assert len(world.seen.of(e.RolloutStarted)) == 2


async def test_what_a_finalizer_holds_is_awaited_in_order(
    world: World, monkeypatch: pytest.MonkeyPatch, deleted: list[str]
) -> None:
    """What it may need is deleted after it; the sentence names the finalizer; then everything goes."""
    monkeypatch.setattr(pruning, "GONE_WITHIN_SECONDS", 1.0)
    started = one_of(
        world,
        {
            "web/a.yaml": config_map("a"),
            "web/b.yaml": config_map("b"),
            "web/old.yaml": deployment("old"),
            "web/settings.yaml": config_map("settings"),
        },
    )
    api = world.planes[0].api
    path = f"/apis/apps/v1/namespaces/{world.namespace}/deployments/old"
    async with world.controller():
        await world.succeeded(started, "web")
        api.patch(path, {"metadata": {"finalizers": ["example.org/hold"]}})
        dropped = {"web/old.yaml": None, "web/settings.yaml": None}
        pruned = world.people.push("Drop", files(world, dropped))
        sentence = await world.told("web@", "example.org/hold")
        await world.succeeded(pruned, "web")
        sentence = await world.told("waits for 2 objects that left Git to be gone", "example.org/hold")
        assert f"ConfigMap {world.namespace}/settings: it goes after Deployment.apps" in sentence
        assert world.live(0, "v1/configmaps/settings")
        assert len(inventory(world, "web")) == 4
        api.patch(path, {"metadata": {"finalizers": None}})
        await world.until(lambda: world.seen.of(e.PruneFinished, "web"), "the end of the prune")
        assert world.live(0, "v1/configmaps/settings") is None
        assert len(inventory(world, "web")) == 2
    assert deleted == ["Deployment/old", "ConfigMap/settings"]


async def test_an_application_is_not_forgotten_before_its_last_object_is_gone(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It left Git with permission; a finalizer holds one object, and the sentence stays until that goes."""
    monkeypatch.setattr(pruning, "GONE_WITHIN_SECONDS", 1.0)
    started = one_of(world, {"web/a.yaml": config_map("a"), "api/b.yaml": config_map("b")})
    api = world.planes[0].api
    path = f"/api/v1/namespaces/{world.namespace}/configmaps/a"
    async with world.controller():
        await world.succeeded(started, "web")
        api.patch(path, {"metadata": {"finalizers": ["example.org/hold"]}})
        removal = "Drop\n\nGitops-Allow-Prune: production/web\n"
        world.people.push(removal, files(world, {"web/a.yaml": None}))
        await world.told("web@", "waits for 1 object that left Git to be gone", "example.org/hold")
        assert not world.seen.of(e.ApplicationRetired, "web")
        api.patch(path, {"metadata": {"finalizers": None}})
        await world.until(lambda: world.seen.of(e.ApplicationRetired, "web"), "web to be retired")
        assert inventory(world, "web") == {}


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


async def test_a_move_to_what_cannot_be_rendered_yet_waits_for_it(world: World, deleted: list[str]) -> None:
    """The commit that moves an object breaks the other end of it, and the next one mends that."""
    taker = elsewhere(world, "staging")
    shared = config_map("shared", key="value")
    start = {
        **world.clusters(),
        **world.environment_file(),
        **taker.environment_file(),
        **files(world, {"web/own.yaml": config_map("one"), "web/shared.yaml": shared}),
        **files(taker, {"api/own.yaml": config_map("two")}),
    }
    started = world.people.push("First", start)
    async with world.controller() as taker.fleet:
        await world.succeeded(started, "web")
        await taker.succeeded(started, "api")
        uid = metadata(world, "v1/configmaps/shared")["uid"]
        broken = {
            **files(world, {"web/shared.yaml": None}),
            **files(taker, {"api/shared.yaml": shared, "api/own.yaml": "a: [b"}),
        }
        moved = world.people.push("Move, and break", broken)
        await world.succeeded(moved, "web")
        assert metadata(world, "v1/configmaps/shared")["uid"] == uid
        mended = world.people.push("Mend", files(taker, {"api/own.yaml": config_map("two")}))
        await taker.succeeded(mended, "api")
        assert inventory(taker, "api")[f"ConfigMap {world.namespace}/shared"] == uid
    assert deleted == []


async def test_a_policy_of_the_cluster_that_forbids_a_deletion_is_named(world: World) -> None:
    """The API server's own refusal at admission, until the policy is taken away."""
    if isinstance(world.planes[0], SimPlane):
        pytest.skip("simcluster stores admission policies and does not act on them")
    api = world.planes[0].api
    root, name = "/apis/admissionregistration.k8s.io/v1", f"keep-{secrets.token_hex(4)}"
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "resources": ["configmaps"], "operations": ["DELETE"]}
    chosen = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": world.namespace}}}
    validation = {"expression": "!oldObject.metadata.name.startsWith('old')", "message": "the old stay"}
    policy = {"matchConstraints": {"resourceRules": [rule]}, "validations": [validation]}
    binding = {"policyName": name, "validationActions": ["Deny"], "matchResources": chosen}
    api.create(f"{root}/validatingadmissionpolicies", {"metadata": {"name": name}, "spec": policy})
    api.create(f"{root}/validatingadmissionpolicybindings", {"metadata": {"name": name}, "spec": binding})
    maps = f"/api/v1/namespaces/{world.namespace}/configmaps"
    api.create(maps, {"metadata": {"name": "old-probe"}})
    started = one_of(world, {"web/a.yaml": config_map("a"), "web/old.yaml": config_map("old")})
    try:
        refused = f"{maps}/old-probe?dryRun=All"
        await world.until(lambda: not api.request("DELETE", refused).ok, "the policy to act")
        async with world.controller():
            await world.succeeded(started, "web")
            await left(world, "web/old.yaml")
            await world.told("waits for 1 object that left Git to be gone", "the old stay")
            assert len(inventory(world, "web")) == 2
            api.request("DELETE", f"{root}/validatingadmissionpolicybindings/{name}")
            await world.until(lambda: world.seen.of(e.PruneFinished), "the end of the prune", within=120)
            assert world.live(0, "v1/configmaps/old") is None
    finally:
        api.request("DELETE", f"{root}/validatingadmissionpolicybindings/{name}")
        api.request("DELETE", f"{root}/validatingadmissionpolicies/{name}")


async def test_a_right_that_is_missing_is_named_until_it_is_given(world: World) -> None:
    """The API server's own 403: with a service account that may do all but delete."""
    api = world.planes[0].api
    roles = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{world.namespace}"
    verbs = ["get", "list", "watch", "create", "patch"]

    def rules(*more: str) -> dict[str, Any]:
        return {"rules": [{"apiGroups": [""], "resources": ["configmaps"], "verbs": [*verbs, *more]}]}

    account = {"metadata": {"name": "deployer"}}
    api.create(f"/api/v1/namespaces/{world.namespace}/serviceaccounts", account)
    api.create(f"{roles}/roles", {**account, **rules()})
    subject = {"kind": "ServiceAccount", "name": "deployer", "namespace": world.namespace}
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "deployer"}
    api.create(f"{roles}/rolebindings", {**account, "roleRef": role, "subjects": [subject]})
    found = {"web/a.yaml": config_map("a"), "web/old.yaml": config_map("old")}
    started = one_of(world, found, serviceAccountName="deployer")
    async with world.controller():
        await world.succeeded(started, "web")
        await left(world, "web/old.yaml")
        sentence = await world.told("waits for 1 object that left Git to be gone", "forbidden")
        assert "system:serviceaccount" in sentence
        assert len(inventory(world, "web")) == 2
        api.patch(f"{roles}/roles/deployer", rules("delete"))
        await world.until(lambda: world.seen.of(e.PruneFinished), "the end of the prune")
        assert world.live(0, "v1/configmaps/old") is None
        assert len(inventory(world, "web")) == 1
