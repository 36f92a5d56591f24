"""Claims are bound where a storage class says so, and wait where none does."""

from __future__ import annotations

from typing import Any

from tests.unit.simcluster.behaviour.world import World, template


def _claim(world: World, **spec: Any) -> None:
    wanted = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}, **spec}
    world.create("PersistentVolumeClaim", "data", spec=wanted)


def _pod(world: World) -> None:
    volume = {"name": "data", "persistentVolumeClaim": {"claimName": "data"}}
    world.create("Pod", "web", spec={**template()["spec"], "volumes": [volume]})


def test_claim_is_bound_to_a_new_volume(world: World) -> None:
    """Of the default class; the volume names the claim."""
    _claim(world)
    world.step()
    found = world.get("PersistentVolumeClaim", "data")
    assert found["status"] == {
        "phase": "Bound",
        "accessModes": ["ReadWriteOnce"],
        "capacity": {"storage": "1Gi"},
    }
    assert found["metadata"]["annotations"]["pv.kubernetes.io/bind-completed"] == "yes"
    volume = world.get("PersistentVolume", found["spec"]["volumeName"])
    assert volume["status"]["phase"] == "Bound"
    assert volume["spec"]["claimRef"]["name"] == "data"


def test_claim_without_a_class_waits(world: World) -> None:
    """Pending, with an Event; its pod waits with it, and both come when there is a class."""
    world.delete("StorageClass", "standard")
    _claim(world)
    _pod(world)
    world.step()
    assert world.status("PersistentVolumeClaim", "data")["phase"] == "Pending"
    assert world.told("PersistentVolumeClaim") == [
        ("FailedBinding", "no persistent volumes available for this claim and no storage class is set")
    ]
    assert world.conditions("Pod", "web")["PodScheduled"]["message"] == (
        "0/3 nodes are available: pod has unbound immediate PersistentVolumeClaims. not found"
    )
    default = {"storageclass.kubernetes.io/is-default-class": "true"}
    world.create("StorageClass", "fast", metadata={"annotations": default}, provisioner="example.com/fast")
    world.step(1)
    assert world.status("PersistentVolumeClaim", "data")["phase"] == "Bound"
    assert world.conditions("Pod", "web")["Ready"]["status"] == "True"


def test_deleted_claim_waits_for_its_pod_and_takes_its_volume_along(world: World) -> None:
    """While a pod uses it, it is only marked."""
    _claim(world)
    _pod(world)
    world.step(1)
    world.delete("PersistentVolumeClaim", "data")
    world.step(1)
    assert "deletionTimestamp" in world.get("PersistentVolumeClaim", "data")["metadata"]
    world.delete("Pod", "web")
    world.step(1)
    assert not world.has("PersistentVolumeClaim", "data")
    assert world.all("PersistentVolume") == []


def test_pod_whose_claim_is_missing_waits(world: World) -> None:
    """It is placed when the claim comes."""
    _pod(world)
    world.step()
    assert (
        'persistentvolumeclaim "data" not found' in world.conditions("Pod", "web")["PodScheduled"]["message"]
    )
    _claim(world)
    world.step(1)
    assert world.status("Pod", "web")["phase"] == "Running"
