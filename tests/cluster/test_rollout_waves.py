"""The main job on real control planes: good commits go wave by wave, bad ones come back."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitops.rollout import events as e
from tests.cluster.rig.control_plane import ControlPlane
from tests.cluster.world import People, World, config_map, deployment


@pytest.fixture
def world(clusters: tuple[ControlPlane, ...], namespace: str, tmp_path: Path) -> World:
    """Three clusters, an empty repository."""
    return World(People(tmp_path), clusters, namespace, tmp_path, "production")


async def test_a_good_commit_goes_wave_by_wave(world: World) -> None:
    """No target of a later wave is written before the earlier wave passed."""
    first = world.people.push(
        "First",
        {
            **world.clusters(),
            **world.environment_file(),
            world.path("web"): deployment("web"),
            world.path("web", "config.yaml"): config_map("web", colour="blue"),
        },
    )
    async with world.controller():
        await world.succeeded(first, "web")
        assert [event.wave for event in world.seen.of(e.WavePassed)] == ["canary", "early", "rest"]
        for index in range(3):
            assert world.live(index, "apps/v1/deployments/web")["status"]["availableReplicas"] == 2
