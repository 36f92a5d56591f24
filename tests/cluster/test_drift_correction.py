"""Drift on a real control plane: put back, reported, left alone, fought over, mutated, or none at all."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import yaml

from controllers.drift.environment import EnvironmentDrift
from gitops.drift import DriftKind
from gitops.inventory import from_config_maps, parent_name
from gitops.objects import ObjectKey
from gitops.rollout import events as e
from tests.cluster.fights import fighting
from tests.cluster.rig.api import APPLY, MERGE_PATCH
from tests.cluster.sim.plane import SimPlane
from tests.cluster.world import World, config_map, deployment

COLOUR = "/data/colour"
MANY = {f"{n}.yaml": config_map(f"c{n}", colour="green") for n in range(20)} | {"app.yaml": deployment("web")}


def shop(world: World, files: dict[str, str], **spec: Any) -> dict[str, str | None]:
    """A repository whose application `shop` has these files; drift is corrected unless `spec` says so."""
    found = {**world.clusters(), **world.environment_file(**{"drift": "Correct", **spec})}
    return found | {world.path("shop", name): content for name, content in files.items()}


def annotated(manifest: str, **annotations: str) -> str:
    """The manifest with annotations of ours."""
    body = yaml.safe_load(manifest)
    body["metadata"]["annotations"] = {f"gitops-waves.io/{key}": value for key, value in annotations.items()}
    return yaml.safe_dump(body)


def drift(world: World) -> EnvironmentDrift:
    """What watches the environment."""
    assert world.fleet is not None
    return world.fleet.repositories[0].loops[world.environment]._drift


async def watched(world: World) -> None:
    """Wait until everything is looked at."""
    await world.until(lambda: drift(world).synced, "everything to be watched")


def patch(world: World, name: str, body: Any, by: str = "kubectl-edit", kind: str = "configmaps") -> None:
    """A person's merge patch."""
    path = f"{collection(world, kind)}/{name}?fieldManager={by}"
    answer = world.planes[0].api.request("PATCH", path, body, content_type=MERGE_PATCH)
    assert answer.ok, answer.body


def collection(world: World, kind: str = "configmaps") -> str:
    """The path of a kind in the namespace."""
    root = "/apis/apps/v1" if kind == "deployments" else "/api/v1"
    return f"{root}/namespaces/{world.namespace}/{kind}"


def data(world: World, name: str) -> Any:
    """The data of a ConfigMap; None where it is not there."""
    live = world.live(0, f"v1/configmaps/{name}")
    return None if live is None else live["data"]


async def recorded(world: World, kind: type[e.Event], count: int = 1) -> Any:
    """Wait for so many events of a kind; give the newest."""
    await world.until(lambda: len(world.seen.of(kind)) >= count, f"{count} of {kind.__name__}")
    return world.seen.of(kind)[-1]


async def test_a_changed_value_is_put_back_and_recorded_with_its_author(world: World) -> None:
    first = world.people.push("First", shop(world, {"web.yaml": config_map("web", colour="green")}))
    async with world.controller():
        await world.succeeded(first, "shop")
        await watched(world)
        patch(world, "web", {"data": {"colour": "red", "smell": "fresh"}})
        event = await recorded(world, e.DriftCorrected)
        assert data(world, "web") == {"colour": "green", "smell": "fresh"}
        assert (event.object, event.kind, event.target) == (
            f"ConfigMap {world.namespace}/web",
            DriftKind.CHANGED,
            world.target(0),
        )
        assert event.patch == ({"op": "replace", "path": COLOUR, "value": "green", "live": "red"},)
        assert [(by.manager, by.operation, by.certain) for by in event.by] == [
            ("kubectl-edit", "Update", True)
        ]
        assert world.state("shop").drift == {}
    # Our own write is no news: nothing follows.
    assert len(world.seen.of(e.DriftCorrected)) == 1


@pytest.mark.parametrize("kind", ["configmaps", "deployments"])
async def test_a_deleted_object_comes_back(world: World, kind: str) -> None:
    files = {"web.yaml": config_map("web", colour="green"), "app.yaml": deployment("web")}
    first = world.people.push("First", shop(world, files))
    async with world.controller():
        await world.succeeded(first, "shop")
        await watched(world)
        before = world.planes[0].api.get(f"{collection(world, kind)}/web")["metadata"]["uid"]
        world.planes[0].api.delete(f"{collection(world, kind)}/web")
        event = await recorded(world, e.DriftCorrected)
        assert event.kind is DriftKind.GONE
        after = world.planes[0].api.get(f"{collection(world, kind)}/web")["metadata"]
        assert after["uid"] != before
        await saved(world, kind, after["uid"])


async def saved(world: World, kind: str, uid: str) -> None:
    """Wait until the inventory has the new object's uid."""
    group, name = ("apps", "Deployment") if kind == "deployments" else ("", "ConfigMap")
    key = ObjectKey(group, name, world.namespace, "web")

    def stored() -> bool:
        parent = world.live(0, f"v1/configmaps/{parent_name(world.environment, 'shop')}")
        inventory = from_config_maps([parent], "any")
        return inventory is not None and inventory.entries[key].uid == uid and bool(inventory.digest)

    await world.until(stored, "the inventory to be stored")


async def test_what_a_finalizer_holds_is_awaited_and_then_comes_back(world: World) -> None:
    first = world.people.push("First", shop(world, {"web.yaml": config_map("web", colour="green")}))
    async with world.controller():
        await world.succeeded(first, "shop")
        await watched(world)
        patch(world, "web", {"metadata": {"finalizers": ["example.org/hold"]}})
        world.planes[0].api.delete(f"{collection(world)}/web")
        patch(world, "web", {"data": {"colour": "red"}})
        key = ObjectKey("", "ConfigMap", world.namespace, "web")
        (watch,) = drift(world)._clusters.values()
        await world.until(lambda: (s := watch.sight(key)) and s.terminating, "the deletion to be seen")
        assert not world.seen.of((e.DriftFound, e.DriftCorrected))
        patch(world, "web", {"metadata": {"finalizers": None}})
        event = await recorded(world, e.DriftCorrected)
        assert event.kind is DriftKind.GONE
        assert data(world, "web") == {"colour": "green"}


async def test_reported_drift_stays_and_ends_when_somebody_undoes_it(world: World) -> None:
    """Told by status and explain with its age and author; one record when it begins, one when it ends."""
    files = {"web.yaml": config_map("web", colour="green")}
    first = world.people.push("First", shop(world, files, drift="Report"))
    async with world.controller():
        await world.succeeded(first, "shop")
        await watched(world)
        patch(world, "web", {"data": {"colour": "red"}})
        event = await recorded(world, e.DriftFound)
        assert [by.manager for by in event.by] == ["kubectl-edit"]
        sentence = await world.told("has drifted", "web", "kubectl-edit", "since")
        assert "a commit" in sentence
        assert data(world, "web") == {"colour": "red"}
        assert list(world.state("shop").drift) == [world.target(0)]
        # Undone by us as a person would: the value, and whose it is.
        body = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "web", "labels": world.live(0, "v1/configmaps/web")["metadata"]["labels"]},
            "data": {"colour": "green"},
        }
        path = f"{collection(world)}/web?fieldManager=gitops-waves&force=true"
        answer = world.planes[0].api.request("PATCH", path, body, content_type=APPLY)
        assert answer.ok
        await recorded(world, e.DriftEnded)
        assert world.state("shop").drift == {}
    assert len(world.seen.of(e.DriftFound)) == 1
    assert not [one for one in world.writes if one.verb == "apply" and not one.dry_run and one.code == 409]


async def test_the_mode_of_an_object_is_its_manifests(world: World) -> None:
    """Not the live object's: whoever changes it shall not switch off that it is seen."""
    files = {
        "corrected.yaml": annotated(config_map("corrected", colour="green"), drift="Correct"),
        "ignored.yaml": annotated(config_map("ignored", colour="green"), drift="Ignore"),
        "reported.yaml": config_map("reported", colour="green"),
    }
    first = world.people.push("First", shop(world, files, drift="Report"))
    async with world.controller():
        await world.succeeded(first, "shop")
        await watched(world)
        for name in ("ignored", "reported", "corrected"):
            change = {
                "data": {"colour": "red"},
                "metadata": {"annotations": {"gitops-waves.io/drift": "Ignore"}},
            }
            patch(world, name, change if name == "reported" else {"data": {"colour": "red"}})
        corrected = await recorded(world, e.DriftCorrected)
        found = await recorded(world, e.DriftFound)
        await watched(world)
    assert corrected.object.endswith("/corrected")
    assert found.object.endswith("/reported")
    assert data(world, "corrected") == {"colour": "green"}
    assert data(world, "ignored") == data(world, "reported") == {"colour": "red"}
    assert len(world.seen.of((e.DriftCorrected, e.DriftFound))) == 2


async def test_differences_to_ignore_are_left_when_others_are_put_back(world: World) -> None:
    files = {
        "app.yaml": deployment("web", replicas=1),
        "map.yaml": config_map("web", colour="green", sound="low"),
    }
    ignored = [
        {"kind": "Deployment", "name": "web", "jsonPointers": ["/spec/replicas"]},
        {"kind": "ConfigMap", "managers": ["painter"]},
    ]
    first = world.people.push("First", shop(world, files, ignoreDifferences=ignored))
    async with world.controller():
        await world.succeeded(first, "shop")
        await watched(world)
        patch(world, "web", {"spec": {"replicas": 3}}, by="autoscaler", kind="deployments")
        patch(world, "web", {"data": {"colour": "red"}}, by="painter")
        await watched(world)
        stranger = {"metadata": {"labels": {"tier": "x"}}}
        patch(world, "web", {"spec": {"template": stranger}}, kind="deployments")
        patch(world, "web", {"data": {"sound": "loud"}}, by="kubectl-edit")
        event = await recorded(world, e.DriftCorrected)
        await watched(world)
        assert event.patch == ({"op": "replace", "path": "/data/sound", "value": "low", "live": "loud"},)
        assert data(world, "web") == {"colour": "red", "sound": "low"}
        live = world.live(0, "apps/v1/deployments/web")
        assert live["spec"]["replicas"] == 3
    assert len(world.seen.of((e.DriftCorrected, e.DriftFound))) == 1


async def test_a_restart_with_nothing_changed_writes_and_tries_nothing(world: World) -> None:
    """Watches go on where they were, and only the inventories are listed; corrections count as ours."""
    first = world.people.push("First", shop(world, MANY))
    async with world.controller():
        await world.succeeded(first, "shop")
        await watched(world)
        patch(world, "c3", {"data": {"colour": "red"}})
        patch(world, "web", {"spec": {"replicas": 5}}, kind="deployments")
        patch(world, "web", {"spec": {"paused": True}}, kind="deployments")
        await recorded(world, e.DriftCorrected, 2)
        await watched(world)
    assert await restarted(world, first) == ["configmaps"]


async def restarted(world: World, revision: str) -> list[str]:
    """Start with nothing changed: no write, no dry-run; return what was listed."""
    world.requests.clear()
    async with world.controller():
        await world.looked_at(revision)
        await watched(world)
        assert drift(world).tracked == len(MANY)
        await asyncio.sleep(0.2)  # nothing may follow
    assert [one for one in world.requests if one.verb not in ("list", "watch", "get")] == []
    assert [one for one in world.requests if one.verb == "get" and one.resource != "discovery"] == []
    return sorted(one.resource for one in world.requests if one.verb == "list")


async def test_a_restart_without_what_watches_saw_lists_each_kind_once(world: World) -> None:
    """It is a mere cache: with the folder gone, one list of metadata per kind tells the same."""
    first = world.people.push("First", shop(world, MANY))
    async with world.controller():
        await world.succeeded(first, "shop")
        await watched(world)
    shutil.rmtree(world.folder / "state" / "watches")
    assert await restarted(world, first) == ["configmaps", "configmaps", "deployments"]


async def test_what_changed_while_nobody_watched_is_found_at_the_start(world: World) -> None:
    files = {f"{n}.yaml": config_map(f"c{n}", colour="green") for n in range(3)}
    first = world.people.push("First", shop(world, files))
    async with world.controller():
        await world.succeeded(first, "shop")
        await watched(world)
    patch(world, "c0", {"data": {"colour": "red"}})
    world.planes[0].api.delete(f"{collection(world)}/c1")
    async with world.controller():
        await recorded(world, e.DriftCorrected, 2)
    assert data(world, "c0") == data(world, "c1") == {"colour": "green"}


async def test_a_fight_is_named_and_held_off(world: World) -> None:
    """Two corrections at once, from the third on the wait grows; both sides are named."""
    first = world.people.push("First", shop(world, {"web.yaml": config_map("web", colour="green")}))
    async with world.controller():
        await world.succeeded(first, "shop")
        await watched(world)
        async with fighting(
            lambda: data(world, "web")["colour"] == "green",
            lambda: patch(world, "web", {"data": {"colour": "red"}}, by="painter"),
        ):
            event = await recorded(world, e.DriftContested)
            assert (event.rounds, [by.manager for by in event.by]) == (3, ["painter"])
            sentence = await world.told("painter and gitops-waves take it by turns")
            assert "next correction is at" in sentence
            assert len(world.seen.of(e.DriftCorrected)) == 3
            await recorded(world, e.DriftContested, 2)
    assert world.seen.of(e.DriftContested)[1].rounds == 4


def policy(world: World, *, dry_run_too: bool) -> list[tuple[str, dict[str, Any]]]:
    """A mutating policy of the cluster that paints ConfigMaps of the namespace that ask for it."""
    group = "admissionregistration.k8s.io"
    name = f"paint-{world.namespace}"
    conditions = [{"name": "painted", "expression": "has(object.data) && 'paint' in object.data"}]
    if not dry_run_too:
        conditions.append({"name": "real", "expression": "!(has(request.dryRun) && request.dryRun)"})
    expression = 'Object{data: {"colour": "purple"}}'
    where = {"kubernetes.io/metadata.name": world.namespace}
    rules = [
        {
            "apiGroups": [""],
            "apiVersions": ["v1"],
            "operations": ["CREATE", "UPDATE"],
            "resources": ["configmaps"],
        }
    ]
    return [
        (
            "mutatingadmissionpolicies",
            {
                "apiVersion": f"{group}/v1",
                "kind": "MutatingAdmissionPolicy",
                "metadata": {"name": name},
                "spec": {
                    "matchConstraints": {"resourceRules": rules, "namespaceSelector": {"matchLabels": where}},
                    "matchConditions": conditions,
                    "failurePolicy": "Fail",
                    "reinvocationPolicy": "Never",
                    "mutations": [
                        {"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": expression}}
                    ],
                },
            },
        ),
        (
            "mutatingadmissionpolicybindings",
            {
                "apiVersion": f"{group}/v1",
                "kind": "MutatingAdmissionPolicyBinding",
                "metadata": {"name": name},
                "spec": {"policyName": name},
            },
        ),
    ]


async def until_painted(world: World) -> None:
    """Wait until the API server has taken the policy up: it does so a little later."""

    def probe() -> bool:
        body = {"metadata": {"generateName": "probe-"}, "data": {"paint": "me", "colour": "green"}}
        answer = world.planes[0].api.request("POST", collection(world), body)
        assert answer.ok, answer.body
        world.planes[0].api.delete(f"{collection(world)}/{answer.body['metadata']['name']}")
        return bool(answer.body["data"]["colour"] == "purple")

    await world.until(probe, "the policy to act")


@pytest.mark.parametrize("dry_run_too", [True, False])
async def test_a_field_that_is_rewritten_at_every_write_is_told_once_and_not_fought_over(
    world: World, *, dry_run_too: bool
) -> None:
    """A policy that also acts on dry-runs shows no difference at all; one that does not shows a mutation."""
    if isinstance(world.planes[0], SimPlane):
        pytest.skip("simcluster stores admission policies and does not act on them")
    root = "/apis/admissionregistration.k8s.io/v1"
    made: list[Callable[[], object]] = []
    api = world.planes[0].api
    try:
        for plural, body in policy(world, dry_run_too=dry_run_too):
            api.create(f"{root}/{plural}", body)
            made.append(partial(api.delete, f"{root}/{plural}/{body['metadata']['name']}"))
        await until_painted(world)
        files = {"web.yaml": config_map("web", colour="green", paint="me", sound="low")}
        first = world.people.push("First", shop(world, files))
        async with world.controller():
            await world.succeeded(first, "shop")
            await watched(world)
            assert data(world, "web")["colour"] == "purple"
            assert not world.seen.of((e.DriftFound, e.DriftCorrected, e.DriftMutated))
            for number in range(3):
                patch(world, "web", {"data": {"sound": f"loud-{number}"}})
                await recorded(world, e.DriftCorrected, number + 1)
                await world.until(lambda: data(world, "web")["sound"] == "low", "the correction")
            await watched(world)
        mutated = world.seen.of(e.DriftMutated)
        assert len(mutated) == (0 if dry_run_too else 1)
        assert all(operation["path"] == COLOUR for event in mutated for operation in event.patch)
        assert data(world, "web")["colour"] == "purple"
    finally:
        for remove in made:
            remove()
