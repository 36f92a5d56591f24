"""What nodes could not write while the store took nothing, they write when it does again."""

from __future__ import annotations

import pytest

from simcluster.faults import read_only_error
from tests.unit.simcluster.behaviour.world import World


def fill(world: World, *, full: bool) -> None:
    """Let the store take nothing, or everything again."""
    world.cluster.store.refusal = read_only_error() if full else None


@pytest.mark.parametrize("later", [0.0, 0.3, 0.8, 1.5])
def test_a_pod_becomes_ready_whenever_the_store_was_full(world: World, later: float) -> None:
    world.deploy(replicas=2)
    world.step(later)
    fill(world, full=True)
    world.step(3)
    fill(world, full=False)
    for _ in range(20):
        world.step(1)
    assert world.status("Deployment", "web")["readyReplicas"] == 2


@pytest.mark.parametrize("image", ["r/web:2", "r/web:2-slow-stop-5s"])
@pytest.mark.parametrize("later", [0.0, 0.4, 0.9, 1.3, 2.0])
def test_an_old_pod_goes_whenever_the_store_was_full(world: World, later: float, image: str) -> None:
    """Its node was told once to stop it; that must not be forgotten."""
    world.deploy(image.replace(":2", ":1"), replicas=1)
    for _ in range(5):
        world.step(1)
    world.set_image("Deployment", "web", image)
    world.step(later)
    fill(world, full=True)
    for _ in range(8):
        world.step(1)
    fill(world, full=False)
    for _ in range(80):
        world.step(1)
    status = world.status("Deployment", "web")
    assert (status["replicas"], status["readyReplicas"]) == (1, 1)
    assert len(world.all("Pod")) == 1
