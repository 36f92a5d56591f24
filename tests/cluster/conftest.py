"""The world that most tests on clusters live in; those that need more clusters make their own."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from controllers.adapters.kube.client import KubeClient
from controllers.adapters.kube.resources import Resource
from tests.cluster.rig.plane import Plane
from tests.cluster.world import People, World


@pytest.fixture
def world(cluster: Plane, namespace: str, tmp_path: Path) -> World:
    """One cluster, an empty repository."""
    return World(People(tmp_path), (cluster,), namespace, tmp_path, "production")


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


@pytest.fixture
def other_namespace(world: World) -> Iterator[str]:
    """A second namespace."""
    name = f"{world.namespace[:40]}-{secrets.token_hex(3)}"
    world.planes[0].api.create("/api/v1/namespaces", {"metadata": {"name": name}})
    yield name
    world.planes[0].api.request("DELETE", f"/api/v1/namespaces/{name}")
