"""Applications that kustomize builds: a shared base rolls out, fails and comes back with its users alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitops.rollout import events as e
from tests.cluster.rig.plane import Plane
from tests.cluster.world import People, World, config_map, deployment

BASE = "bases/web"
SETTINGS = "settings-f2fg2f8dc4"  # kustomize names a generated ConfigMap after what is in it
USERS = ("web", "shop")


@pytest.fixture
def world(clusters: tuple[Plane, ...], namespace: str, tmp_path: Path) -> World:
    """Two clusters, two waves."""
    return World(People(tmp_path), clusters[:2], namespace, tmp_path, "production")


def base(image: str = "registry.example/web:1.0") -> dict[str, str | None]:
    """What both users stand on."""
    return {f"{BASE}/deployment.yaml": deployment("app", image, annotations={"place": "${cluster}"})}


def overlay(name: str) -> str:
    """A user's own kustomization."""
    return f"resources: [../../../{BASE}]\nnamePrefix: {name}-\n"


def files(world: World) -> dict[str, str | None]:
    """Two applications on one base, and a plain one."""
    overlays = {world.path(name, "kustomization.yaml"): overlay(name) for name in USERS}
    return {
        **world.clusters(),
        **world.environment_file(),
        **base(),
        f"{BASE}/kustomization.yaml": "resources: [deployment.yaml]\n"
        "configMapGenerator: [{name: settings, literals: [colour=green]}]\n",
        **overlays,
        world.path("api"): config_map("api", version="1"),
    }


async def test_a_change_to_a_shared_base_rolls_out_exactly_its_users(world: World) -> None:
    """The other application is neither rolled out nor written to; variables are filled in what was built."""
    first = world.people.push("First", files(world))
    async with world.controller():
        for name in (*USERS, "api"):
            await world.succeeded(first, name)
        for index, plane in enumerate(world.planes):
            for name in USERS:
                assert place_of(world, index, name) == plane.name
        assert world.live(0, f"v1/configmaps/web-{SETTINGS}")["data"] == {"colour": "green"}
        untouched = world.live(0, "v1/configmaps/api")["metadata"]["resourceVersion"]
        second = world.people.push("Change the base", base("registry.example/web:2.0"))
        for name in USERS:
            await world.succeeded(second, name)
        assert [image_of(world, 1, name) for name in USERS] == ["registry.example/web:2.0"] * 2
        third = world.people.push(
            "Change an overlay",
            {world.path("web", "kustomization.yaml"): overlay("web") + "replicas: [{name: app, count: 1}]\n"},
        )
        await world.succeeded(third, "web")
    assert {name: world.successes(name) for name in (*USERS, "api")} == {"web": 3, "shop": 2, "api": 1}
    assert world.live(0, "v1/configmaps/api")["metadata"]["resourceVersion"] == untouched


async def test_a_base_that_fails_is_taken_back_for_all_its_users(world: World) -> None:
    """Both go back to last good; one revert commit of the base is enough for both."""
    first = world.people.push("First", files(world))
    async with world.controller():
        for name in USERS:
            await world.succeeded(first, name)
        bad = world.people.push("Break the base", base("registry.example/web:2.0-crash-loop"))
        await world.until(
            lambda: {one.application for one in world.seen.of(e.RolloutReverted)} == set(USERS), "both back"
        )
        assert [image_of(world, 0, name) for name in USERS] == ["registry.example/web:1.0"] * 2
        assert world.people.tree(world.people.head()) == world.people.tree(first)
        assert len(world.people.log(f"{bad}..{world.people.head()}")) == 1
    assert {one.application for one in world.seen.of(e.RolloutStarted)} == {*USERS, "api"}


async def test_a_broken_base_holds_up_its_users_and_nobody_else(world: World) -> None:
    """The sentence has the line of the base that is wrong."""
    first = world.people.push("First", files(world))
    async with world.controller():
        for name in (*USERS, "api"):
            await world.succeeded(first, name)
        second = world.people.push(
            "Break",
            {
                f"{BASE}/kustomization.yaml": "resources: [deployment.yaml, https://example.org/more.yaml]\n",
                world.path("api"): config_map("api", version="2"),
            },
        )
        await world.succeeded(second, "api")
        for name in USERS:
            await world.told(
                f"{name} cannot be rolled out", f"{BASE}/kustomization.yaml:1:30", "commit a copy"
            )
    assert {name: world.successes(name) for name in (*USERS, "api")} == {"web": 1, "shop": 1, "api": 2}


def place_of(world: World, index: int, name: str) -> str:
    """The variable in a Deployment that a prefix has renamed."""
    found = world.live(index, f"apps/v1/deployments/{name}-app")
    return str(found["spec"]["template"]["metadata"]["annotations"]["place"])


def image_of(world: World, index: int, name: str) -> str:
    """What one cluster runs."""
    found = world.live(index, f"apps/v1/deployments/{name}-app")
    return str(found["spec"]["template"]["spec"]["containers"][0]["image"])
