"""Claims are bound where a storage class says so, and wait where none does."""

from __future__ import annotations

from typing import Any

import pytest

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


def _volume(world: World, name: str, size: str = "2Gi", **spec: Any) -> None:
    offered = {"capacity": {"storage": size}, "accessModes": ["ReadWriteOnce"], "hostPath": {"path": "/x"}}
    world.create("PersistentVolume", name, spec={**offered, **spec})


@pytest.mark.parametrize("reference", [None, {"namespace": "default", "name": "data"}])
def test_claim_gets_the_volume_that_it_names(world: World, reference: Any) -> None:
    """Whether the volume names it too or is nobody's; also when the volume comes later."""
    _claim(world, storageClassName="", volumeName="there")
    world.step()
    assert world.status("PersistentVolumeClaim", "data")["phase"] == "Pending"
    _volume(world, "there", **({"claimRef": reference} if reference else {}))
    world.step()
    found = world.get("PersistentVolumeClaim", "data")
    assert found["status"] == {
        "phase": "Bound",
        "accessModes": ["ReadWriteOnce"],
        "capacity": {"storage": "2Gi"},
    }
    assert found["metadata"]["annotations"] == {"pv.kubernetes.io/bind-completed": "yes"}
    volume = world.get("PersistentVolume", "there")
    assert volume["status"]["phase"] == "Bound"
    assert volume["spec"]["claimRef"]["uid"] == found["metadata"]["uid"]
    by_us = volume["metadata"].get("annotations", {}).get("pv.kubernetes.io/bound-by-controller")
    assert by_us == (None if reference else "yes")


def test_claim_does_not_get_the_volume_of_another(world: World) -> None:
    """It stays pending, although it names the volume."""
    _volume(world, "there", claimRef={"namespace": "default", "name": "other"})
    _claim(world, storageClassName="", volumeName="there")
    world.step()
    assert world.status("PersistentVolumeClaim", "data")["phase"] == "Pending"
    assert world.status("PersistentVolume", "there")["phase"] == "Available"


def test_claim_that_names_none_gets_the_smallest_that_fits(world: World) -> None:
    """Not one that is too small, of another class, or of other modes; a volume kept for it goes first."""
    _volume(world, "small", "500Mi")
    _volume(world, "classy", "1Gi", storageClassName="fast")
    _volume(world, "shared", "1Gi", accessModes=["ReadOnlyMany"])
    _volume(world, "large", "10Gi")
    _volume(world, "fits", "2Gi")
    _claim(world, storageClassName="")
    world.step()
    found = world.get("PersistentVolumeClaim", "data")
    assert found["spec"]["volumeName"] == "fits"
    assert found["metadata"]["annotations"]["pv.kubernetes.io/bound-by-controller"] == "yes"
    _volume(world, "kept", "20Gi", claimRef={"namespace": "default", "name": "second"})
    wanted = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    world.create("PersistentVolumeClaim", "second", spec={**wanted, "storageClassName": ""})
    world.step()
    assert world.get("PersistentVolumeClaim", "second")["spec"]["volumeName"] == "kept"


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
