"""Promise 3: only this revision's health, observed after the apply, opens a gate."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitops.rollout import events as e
from tests.cluster.rig.plane import Plane
from tests.cluster.world import People, World, deployment


@pytest.fixture
def world(clusters: tuple[Plane, ...], namespace: str, tmp_path: Path) -> World:
    """Two clusters, the first one the canary."""
    return World(People(tmp_path), clusters[:2], namespace, tmp_path, "production")


async def test_old_health_does_not_open_a_gate(world: World) -> None:
    """While the controller manager has not observed the update, the healthy old state counts for nothing."""
    first = world.people.push(
        "First", {**world.clusters(), **world.environment_file(), world.path("web"): deployment("web")}
    )
    async with world.controller():
        await world.succeeded(first, "web")
        world.planes[0].pause_controllers()
        try:
            second = world.people.push(
                "Second", {world.path("web"): deployment("web", "registry.example/web:2.0")}
            )
            await world.until(lambda: len(world.seen.of(e.TargetApplied)) == 3, "the canary to be applied")
            live = world.live(0, "apps/v1/deployments/web")
            assert live["status"]["observedGeneration"] < live["metadata"]["generation"]
            assert live["status"]["availableReplicas"] == 2
            sentence = await world.told("has not observed the change yet", within=20)
            assert world.target(0) in sentence
            assert len(world.seen.of(e.TargetHealthy)) == 2
        finally:
            world.planes[0].resume_controllers()
        await world.succeeded(second, "web")


@pytest.mark.parametrize(
    ("play", "sign"),
    [("crash-loop", "CrashLoopBackOff"), ("image-pull-error", "ImagePullBackOff")],
)
async def test_a_clear_sign_fails_the_target_long_before_the_deadline(
    world: World, play: str, sign: str
) -> None:
    """Evidence names what a person would look for: reason, events, exit code, log lines."""
    files = {**world.clusters(), **world.environment_file()}
    first = world.people.push("First", {**files, world.path("web"): deployment("web")})
    async with world.controller():
        await world.succeeded(first, "web")
        world.people.push("Bad", {world.path("web"): deployment("web", f"registry.example/web:2-{play}")})
        failed = await world.until(lambda: world.seen.of(e.RolloutFailed), "the failure", within=30)
        assert any(sign in line for line in (failed[0].because, *failed[0].evidence))
        assert world.seen.of(e.TargetFailed)[0].cause == "Health"


@pytest.mark.long
async def test_a_pod_that_cannot_be_scheduled_fails_the_target(world: World) -> None:
    """The scheduler's own words are the evidence."""
    files = {**world.clusters(), **world.environment_file()}
    first = world.people.push("First", {**files, world.path("web"): deployment("web")})
    greedy = deployment("web").replace(
        "name: main", "name: main\n        resources: {requests: {cpu: '9000'}}"
    )
    async with world.controller():
        await world.succeeded(first, "web")
        world.people.push("Greedy", {world.path("web"): greedy})
        failed = await world.until(lambda: world.seen.of(e.RolloutFailed), "the failure", within=40)
        assert any("Insufficient cpu" in line for line in (failed[0].because, *failed[0].evidence))
