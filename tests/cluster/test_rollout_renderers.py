"""An application that changes its renderer, and renderers that are gone after a restart."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from gitops.rollout import events as e
from tests import tools
from tests.cluster.rig.plane import Plane
from tests.cluster.test_rollout_helm import (
    CRASHING,
    HEALTHY,
    USERS,
    application,
    chart,
    files,
    image,
)
from tests.cluster.world import People, World, deployment

MISSING = "helm is not on the PATH"


@pytest.fixture
def world(
    clusters: tuple[Plane, ...], namespace: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> World:
    """Two clusters, two waves, and helm on the PATH."""
    tools.put_on_path(monkeypatch)
    return World(People(tmp_path), clusters[:2], namespace, tmp_path, "production")


async def test_a_chart_that_fails_gives_way_to_the_plain_files_before_it(world: World) -> None:
    """And the other way round: each revision is rendered as it wants."""
    manifest = world.path("web", "web.yaml")
    plain = {manifest: deployment("web", replicas=1), world.path("web", "application.yaml"): None}
    start = {**files(world), **plain}
    del start[world.path("web", "application.yaml")], start[world.path("web", "canary.yaml")]
    first = world.people.push("Plain", start)
    async with world.controller():
        await world.succeeded(first, "web")
        uid = world.live(0, "apps/v1/deployments/web")["metadata"]["uid"]
        becomes = {
            manifest: None,
            world.path("web", "application.yaml"): application(
                "web", values={"place": "x", "image": CRASHING}
            ),
        }
        world.people.push("Become a chart", becomes)
        await world.until(lambda: world.seen.of(e.RolloutReverted, "web"), "plain files again")
        assert world.people.tree(world.people.head()) == world.people.tree(first)
        assert image(world, 0, "web") == HEALTHY
        becomes[world.path("web", "application.yaml")] = application("web")
        third = world.people.push("Become a good chart", becomes)
        await world.succeeded(third, "web")
        plain[manifest] = deployment("web", CRASHING, replicas=1)
        world.people.push("Plain and broken", plain)
        await world.until(lambda: len(world.seen.of(e.RolloutReverted, "web")) == 2, "a chart again")
        assert world.people.tree(world.people.head()) == world.people.tree(third)
        assert image(world, 0, "web") == HEALTHY
        assert world.live(0, "apps/v1/deployments/web")["metadata"]["uid"] == uid


async def test_a_renderer_that_is_gone_after_a_restart_fails_no_rollout(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was under way waits for it, new inputs are not refused, and what fails is still taken back."""
    first = world.people.push("First", files(world))
    async with world.controller():
        for name in USERS:
            await world.succeeded(first, name)
        bad = world.people.push("Break the chart", chart(CRASHING))
        await world.until(lambda: image(world, 0, "web") == CRASHING, "the canary to be written to")
        assert not world.seen.of(e.RolloutFailed)
    with monkeypatch.context() as patched:
        patched.setattr("controllers.adapters.renderers.executables.search_path", lambda: "/nonexistent")
        async with world.controller(renderCache={"mebibytes": 0}):
            await world.told(f"web@{world.target(0)}", MISSING)
            world.people.push("A new user", {world.path("late", "application.yaml"): application("late")})
            await world.told("late waits for what its manifests are made of", MISSING)
            assert not world.seen.of((e.RolloutFailed, e.RevisionRefused))
            patched.undo()
            tools.put_on_path(monkeypatch)
            await world.until(lambda: world.seen.of(e.RolloutReverted), "the chart to be taken back")
            for name in USERS:  # whichever was first: one revert commit of the chart is enough for all
                await world.until(partial(healthy, world, name), f"{name} to be back")
    assert len(world.people.log(f"{bad}..{world.people.head()}")) == 2, "the new user, and a revert"


def healthy(world: World, name: str) -> bool:
    """Whether no cluster runs what was broken."""
    return all(image(world, index, name) == HEALTHY for index in (0, 1))
