"""Drift beside rollouts, and with fewer rights: each target is held to the revision that it is on."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from controllers.adapters.kube.wire import RequestSeen
from controllers.drift.environment import EnvironmentDrift
from gitops.rollout import events as e
from tests.cluster.rig.api import MERGE_PATCH
from tests.cluster.rig.plane import Plane
from tests.cluster.world import CANARY_EARLY_REST, People, World, config_map, deployment

RBAC = "/apis/rbac.authorization.k8s.io/v1"


@pytest.fixture
def world(clusters: tuple[Plane, ...], namespace: str, tmp_path: Path) -> World:
    """Three clusters, of which one is the canary; an empty repository."""
    return World(People(tmp_path), clusters, namespace, tmp_path, "production")


def shop(world: World, files: dict[str, str], **spec: Any) -> dict[str, str | None]:
    """A repository whose application `shop` has these files; drift is corrected."""
    found = {**world.clusters(), **world.environment_file(**{"drift": "Correct", **spec})}
    return found | {world.path("shop", name): content for name, content in files.items()}


def drift(world: World) -> EnvironmentDrift:
    """What watches the environment."""
    assert world.fleet is not None
    return world.fleet.repositories[0].loops[world.environment]._drift


async def watched(world: World) -> None:
    """Wait until everything is looked at."""
    await world.until(lambda: drift(world).synced, "everything to be watched")


def paint(world: World, index: int, name: str = "web") -> None:
    """Somebody's change on one cluster."""
    path = f"/api/v1/namespaces/{world.namespace}/configmaps/{name}?fieldManager=eve"
    answer = world.planes[index].api.request(
        "PATCH", path, {"data": {"colour": "red"}}, content_type=MERGE_PATCH
    )
    assert answer.ok, answer.body


def colour(world: World, index: int, name: str = "web") -> str:
    """What the object holds on one cluster."""
    live = world.live(index, f"v1/configmaps/{name}")
    return str(live["data"]["colour"]) if live else ""


async def corrected(world: World, index: int, count: int = 1) -> None:
    """Wait for so many corrections on a target."""

    def there() -> bool:
        found = [one for one in world.seen.of(e.DriftCorrected) if one.target == world.target(index)]
        return len(found) >= count

    await world.until(there, f"{count} corrections on {world.target(index)}")


async def test_each_target_is_held_to_its_own_revision_while_a_rollout_waits_between_waves(
    world: World,
) -> None:
    """The canary to the new one, also while it waits for an approval; the others to the old one."""
    gated = [{**CANARY_EARLY_REST[0], "gates": [{"type": "approval"}]}, {"name": "rest"}]
    waves = [{**wave, "progressDeadline": "60s"} for wave in gated]
    plain = [{**wave, "gates": []} for wave in waves]
    first = world.people.push(
        "First", shop(world, {"web.yaml": config_map("web", colour="green")}, waves=plain)
    )
    async with world.controller():
        await world.succeeded(first, "shop")
        second = {
            **world.environment_file(drift="Correct", waves=waves),
            world.path("shop", "web.yaml"): config_map("web", colour="blue"),
        }
        world.people.push("Second", second)
        await world.told("waits for gate approval")
        await watched(world)
        for index in range(3):
            paint(world, index)
        for index in range(3):
            await corrected(world, index)
        assert [colour(world, index) for index in range(3)] == ["blue", "green", "green"]
        assert world.state("shop").rollout is not None


async def test_drift_waits_while_a_rollout_writes_and_the_rollout_has_the_last_word(world: World) -> None:
    """Changes that come in the middle of a rollout never bring back what it replaced."""
    first = world.people.push(
        "First",
        shop(world, {"web.yaml": config_map("web", colour="green"), "app.yaml": deployment("web")}),
    )
    async with world.controller():
        await world.succeeded(first, "shop")
        await watched(world)
        stop = asyncio.Event()

        async def painter() -> None:
            while not stop.is_set():
                for index in range(3):
                    await asyncio.to_thread(paint, world, index)
                await asyncio.sleep(0.1)

        painting = asyncio.create_task(painter())
        files = {
            world.path("shop", "web.yaml"): config_map("web", colour="blue"),
            world.path("shop", "app.yaml"): deployment("web", image="registry.example/web:2.0"),
        }
        second = world.people.push("Second", files)
        await world.succeeded(second, "shop", within=120)
        stop.set()
        await painting
        await world.until(lambda: [colour(world, i) for i in range(3)] == ["blue"] * 3, "blue", within=60)


async def test_a_rollout_gets_over_an_object_that_was_deleted_and_put_back_meanwhile(world: World) -> None:
    """The new object counts its generations from one; it was at two when it was applied."""
    world.planes = world.planes[:1]
    waves = [{"name": "all", "gates": [{"type": "approval"}], "progressDeadline": "60s"}]
    files = shop(world, {"web.yaml": deployment("web")}, waves=[{**waves[0], "gates": []}])
    first = world.people.push("First", files)
    async with world.controller():
        await world.succeeded(first, "shop")
        image = deployment("web", image="registry.example/web:2.0")
        gated = world.environment_file(drift="Correct", waves=waves)
        second = world.people.push("Second", {**gated, world.path("shop", "web.yaml"): image})
        await world.told("waits for gate approval")
        assert world.live(0, "apps/v1/deployments/web")["metadata"]["generation"] > 1
        world.planes[0].api.delete(f"/apis/apps/v1/namespaces/{world.namespace}/deployments/web")
        await corrected(world, 0)
        assert world.live(0, "apps/v1/deployments/web")["metadata"]["generation"] == 1
        world.people.push(f"Go on\n\nGitops-Approve: {world.environment}/shop", {})
        await world.succeeded(second, "shop")


async def test_after_a_rollout_nothing_is_tried_that_the_rollout_did_not_try_itself(world: World) -> None:
    """News of what it applied and of what it stored come in any order, and are known for what they are."""
    files = {"web.yaml": config_map("web", colour="0"), "app.yaml": deployment("web", replicas=1)}
    first = world.people.push("First", shop(world, files))
    async with world.controller():
        await world.succeeded(first, "shop")
        await watched(world)
        for number in range(1, 4):
            world.requests.clear()
            image = f"registry.example/web:{number}"
            change = {
                world.path("shop", "web.yaml"): config_map("web", colour=str(number)),
                world.path("shop", "app.yaml"): deployment("web", image=image, replicas=1),
            }
            revision = world.people.push(f"Change {number}", change)
            await world.succeeded(revision, "shop")
            await watched(world)
            await world.looked_at(revision)
            tried = [one for one in world.requests if one.dry_run]
            assert len(tried) == len(change) * len(world.planes)
    assert world.seen.of((e.DriftFound, e.DriftCorrected)) == []


async def test_a_service_account_sees_and_corrects_in_its_namespace_only(world: World) -> None:
    """Its rights end at the namespace, so that is where it watches."""
    plane = world.planes[0]
    world.planes = (plane,)
    roles = f"{RBAC}/namespaces/{world.namespace}"
    plane.api.create(
        f"/api/v1/namespaces/{world.namespace}/serviceaccounts", {"metadata": {"name": "deployer"}}
    )
    rule = {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["*"]}
    plane.api.create(f"{roles}/roles", {"metadata": {"name": "deployer"}, "rules": [rule]})
    subject = {"kind": "ServiceAccount", "name": "deployer", "namespace": world.namespace}
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "deployer"}
    binding = {"metadata": {"name": "deployer"}, "roleRef": reference, "subjects": [subject]}
    plane.api.create(f"{roles}/rolebindings", binding)
    files = shop(world, {"web.yaml": config_map("web", colour="green")}, serviceAccountName="deployer")
    first = world.people.push("First", files)
    async with world.controller():
        await world.succeeded(first, "shop")
        await watched(world)
        paint(world, 0)
        await corrected(world, 0)
        assert colour(world, 0) == "green"


async def test_a_cluster_that_was_away_is_caught_up_with(world: World) -> None:
    """What happened meanwhile is found when it answers again; nothing is said to have ended in between."""
    world.planes = world.planes[:1]
    plane = world.planes[0]
    first = world.people.push(
        "First", shop(world, {"web.yaml": config_map("web", colour="green")}, drift="Report")
    )
    async with world.controller():
        await world.succeeded(first, "shop")
        await watched(world)
        paint(world, 0)
        await world.until(lambda: world.seen.of(e.DriftFound), "the finding")
        try:
            plane.kill_apiserver()
            await world.until(lambda: _failing(world.requests), "the silence to be noticed")
        finally:
            await asyncio.to_thread(plane.start_apiserver)
        live = plane.api.get(f"/api/v1/namespaces/{world.namespace}/configmaps/web")
        plane.api.delete(f"/api/v1/namespaces/{world.namespace}/configmaps/web")
        assert live["data"]["colour"] == "red"
        await world.until(lambda: len(world.seen.of(e.DriftFound)) > 1, "the next finding", within=90)
    assert world.seen.of(e.DriftFound)[-1].because == "it is not there any more"
    assert world.seen.of(e.DriftEnded) == []


async def test_where_an_inventory_is_deleted_everything_comes_back_wave_by_wave(world: World) -> None:
    """Once: then all is watched as before. An application that renders nothing has none, and needs none."""
    world.planes = world.planes[:1]
    empty = {world.path("void"): "# nothing yet\n"}
    first = world.people.push("First", shop(world, {"web.yaml": config_map("web", colour="green")}) | empty)
    parent = f"/api/v1/namespaces/{world.namespace}/configmaps/gitops-waves.{world.environment}.shop"
    async with world.controller():
        await world.succeeded(first, "shop")
        await world.succeeded(first, "void")
        await watched(world)
        world.planes[0].api.delete(parent)
        world.planes[0].api.delete(f"/api/v1/namespaces/{world.namespace}/configmaps/web")
        await world.until(lambda: world.successes("shop") == 2, "another rollout")
        assert colour(world, 0) == "green"
        (said,) = world.seen.of(e.TargetUnsettled)
        assert said.target == world.target(0)
        await watched(world)
        paint(world, 0)
        await corrected(world, 0)
    assert world.successes("shop") == 2
    assert len(world.seen.of(e.TargetUnsettled)) == 1


async def test_a_deleted_namespace_is_made_anew_with_all_that_was_in_it(world: World) -> None:
    world.planes = world.planes[:1]
    targets = [{"clusterSelector": {}, "namespace": world.namespace, "createNamespace": True}]
    files = shop(world, {"web.yaml": config_map("web", colour="green")}, targets=targets)
    first = world.people.push("First", files)
    async with world.controller():
        await world.succeeded(first, "shop")
        await watched(world)
        world.planes[0].api.delete(f"/api/v1/namespaces/{world.namespace}")
        await world.until(lambda: world.successes("shop") == 2, "another rollout")
        assert colour(world, 0) == "green"
        await watched(world)


def _failing(requests: list[RequestSeen]) -> bool:
    return any(one.code == 0 for one in requests)
