"""Dependents follow their owners, as the propagation says."""

from __future__ import annotations

import pytest

from tests.unit.simcluster.behaviour.world import JsonObject, World


def _left(world: World) -> tuple[int, int, int]:
    return len(world.all("Deployment")), len(world.all("ReplicaSet")), len(world.pods())


def _owner(obj: JsonObject, **more: object) -> JsonObject:
    metadata = obj["metadata"]
    return {
        "apiVersion": obj["apiVersion"],
        "kind": obj["kind"],
        "name": metadata["name"],
        "uid": metadata["uid"],
        **more,
    }


@pytest.mark.parametrize("propagation", ["Background", "Foreground", None])
def test_deleted_deployment_takes_everything_along(world: World, propagation: str | None) -> None:
    """ReplicaSet and pods, in any order."""
    world.deploy(replicas=2)
    world.step(1)
    world.delete("Deployment", "web", propagation=propagation)
    world.step(1)
    assert _left(world) == (0, 0, 0)


def test_foreground_deletion_ends_with_the_owner(world: World) -> None:
    """The Deployment waits for its ReplicaSet, which waits for its slow pod."""
    world.deploy("r/web:1-slow-stop-5")
    world.step(1)
    world.delete("Deployment", "web", propagation="Foreground")
    world.step(4)
    assert _left(world) == (1, 1, 1)
    assert world.get("Deployment", "web")["metadata"]["finalizers"] == ["foregroundDeletion"]
    world.step(2)
    assert _left(world) == (0, 0, 0)


def test_background_deletion_ends_with_the_dependents(world: World) -> None:
    """The Deployment and the ReplicaSet are gone while the pod still stops."""
    world.deploy("r/web:1-slow-stop-5")
    world.step(1)
    world.delete("Deployment", "web", propagation="Background")
    world.step(1)
    assert _left(world) == (0, 0, 1)


def test_orphans_stay(world: World) -> None:
    """Without their owner reference."""
    world.deploy()
    world.step(1)
    world.delete("Deployment", "web", propagation="Orphan")
    world.step(1)
    assert _left(world) == (0, 1, 1)
    assert "ownerReferences" not in world.all("ReplicaSet")[0]["metadata"]


def test_dependent_of_nobody_is_collected(world: World) -> None:
    """An owner that never was, or is of another uid, is absent."""
    owner = world.create("ConfigMap", "owner")
    ghost = _owner(owner, uid="00000000-0000-4000-8000-000000000001")
    world.create("ConfigMap", "dependent", metadata={"ownerReferences": [ghost]})
    world.step()
    assert not world.has("ConfigMap", "dependent")


def test_dependent_of_two_goes_with_the_last_owner(world: World) -> None:
    """The reference to the first one is taken off."""
    first, second = (world.create("ConfigMap", name) for name in ("first", "second"))
    world.create("ConfigMap", "dependent", metadata={"ownerReferences": [_owner(first), _owner(second)]})
    world.step()
    world.delete("ConfigMap", "first")
    world.step()
    (reference,) = world.get("ConfigMap", "dependent")["metadata"]["ownerReferences"]
    assert reference["name"] == "second"
    world.delete("ConfigMap", "second")
    world.step()
    assert not world.has("ConfigMap", "dependent")


def test_foreground_waits_only_for_blocking_dependents(world: World) -> None:
    """One without `blockOwnerDeletion` does not hold the owner."""
    owner = world.create("ConfigMap", "owner")
    metadata = {"ownerReferences": [_owner(owner)], "finalizers": ["example.com/wait"]}
    world.create("ConfigMap", "loose", metadata=metadata)
    world.step()
    world.delete("ConfigMap", "owner", propagation="Foreground")
    world.step()
    assert not world.has("ConfigMap", "owner")
    assert "deletionTimestamp" in world.get("ConfigMap", "loose")["metadata"]


def test_foreign_finalizer_holds_a_foreground_deletion(world: World) -> None:
    """Until it is taken off; then both go."""
    owner = world.create("ConfigMap", "owner")
    reference = _owner(owner, blockOwnerDeletion=True)
    metadata = {"ownerReferences": [reference], "finalizers": ["example.com/wait"]}
    world.create("ConfigMap", "dependent", metadata=metadata)
    world.step()
    world.delete("ConfigMap", "owner", propagation="Foreground")
    world.step()
    assert world.has("ConfigMap", "owner")
    world.change("ConfigMap", "dependent", lambda obj: obj["metadata"].pop("finalizers"))
    world.step()
    assert not world.has("ConfigMap", "owner")
    assert not world.has("ConfigMap", "dependent")


def test_cluster_scoped_owner(world: World) -> None:
    """A namespaced object may belong to one."""
    node = world.create("Node", "node-9")
    world.create("ConfigMap", "dependent", metadata={"ownerReferences": [_owner(node)]})
    world.step()
    assert world.has("ConfigMap", "dependent")
    world.delete("Node", "node-9")
    world.step()
    assert not world.has("ConfigMap", "dependent")
