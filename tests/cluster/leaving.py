"""What leaves a repository, and what an inventory and the cluster say of it then."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from gitops.inventory import applyset_id, from_config_maps, parent_name
from tests.cluster.world import World


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
