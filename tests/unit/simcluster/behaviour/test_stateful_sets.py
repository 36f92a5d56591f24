"""StatefulSets start, update and stop their pods in order; figures and texts were measured on 1.37."""

from __future__ import annotations

from typing import Any

from tests.unit.simcluster.behaviour.world import JsonObject, World, template


def _create(world: World, image: str = "r/db:1", replicas: int = 3, **spec: Any) -> None:
    wanted = {
        "replicas": replicas,
        "serviceName": "db",
        "selector": {"matchLabels": {"app": "db"}},
        "template": template(image, "db"),
        **spec,
    }
    world.create("StatefulSet", "db", spec=wanted)


def _pods(world: World) -> dict[str, str]:
    return {each["metadata"]["name"]: each["spec"]["containers"][0]["image"] for each in world.pods()}


def test_pods_start_one_after_another(world: World) -> None:
    """Each waits until the one before it is ready."""
    _create(world)
    for count in (1, 2, 3):
        world.step()
        assert sorted(_pods(world)) == [f"db-{number}" for number in range(count)]
        world.step(0.8)
    revision = world.status("StatefulSet", "db")["updateRevision"]
    assert world.status("StatefulSet", "db") == {
        "observedGeneration": 1,
        "replicas": 3,
        "readyReplicas": 3,
        "availableReplicas": 3,
        "currentReplicas": 3,
        "updatedReplicas": 3,
        "currentRevision": revision,
        "updateRevision": revision,
        "collisionCount": 0,
    }
    assert world.told("StatefulSet") == [
        ("SuccessfulCreate", f"Create Pod db-{number} in StatefulSet db successful") for number in range(3)
    ]


def test_pod_has_an_identity(world: World) -> None:
    """Name, labels, host name and subdomain."""
    _create(world, replicas=1)
    world.step()
    pod = world.pod()
    labels = pod["metadata"]["labels"]
    assert labels["statefulset.kubernetes.io/pod-name"] == "db-0"
    assert labels["apps.kubernetes.io/pod-index"] == "0"
    assert labels["controller-revision-hash"] == world.status("StatefulSet", "db")["updateRevision"]
    assert (pod["spec"]["hostname"], pod["spec"]["subdomain"]) == ("db-0", "db")
    assert pod["metadata"]["generateName"] == "db-"


def test_parallel_pods_start_together(world: World) -> None:
    """podManagementPolicy: Parallel."""
    _create(world, podManagementPolicy="Parallel")
    world.step()
    assert len(_pods(world)) == 3


def test_update_goes_from_the_highest_number_down(world: World) -> None:
    """One pod at a time; the revision becomes the current one when all have it."""
    _create(world)
    world.step(5)
    first = world.status("StatefulSet", "db")["currentRevision"]
    world.set_image("StatefulSet", "db", "r/db:2")
    seen = []
    for _ in range(3):
        world.step()
        seen.append([name for name, image in sorted(_pods(world).items()) if image == "r/db:2"])
        assert world.status("StatefulSet", "db")["currentRevision"] == first
        world.step(0.8)
    assert seen == [["db-2"], ["db-1", "db-2"], ["db-0", "db-1", "db-2"]]
    status = world.status("StatefulSet", "db")
    assert status["currentRevision"] == status["updateRevision"] != first
    assert [each["revision"] for each in world.cluster_revisions()] == [1, 2]


def test_partition_keeps_the_lower_numbers(world: World) -> None:
    """Below it pods stay, and come back as they were."""
    _create(world, updateStrategy={"type": "RollingUpdate", "rollingUpdate": {"partition": 2}})
    world.step(5)
    world.set_image("StatefulSet", "db", "r/db:2")
    world.step(5)
    assert _pods(world) == {"db-0": "r/db:1", "db-1": "r/db:1", "db-2": "r/db:2"}
    world.delete("Pod", "db-0")
    world.step(5)
    assert _pods(world)["db-0"] == "r/db:1"
    status = world.status("StatefulSet", "db")
    assert (status["currentReplicas"], status["updatedReplicas"]) == (2, 1)


def test_broken_update_stops_at_the_first_pod(world: World) -> None:
    """The others are not touched while it is not ready."""
    _create(world)
    world.step(5)
    world.set_image("StatefulSet", "db", "r/db:2-crash-loop")
    world.step(60)
    assert _pods(world) == {"db-0": "r/db:1", "db-1": "r/db:1", "db-2": "r/db:2-crash-loop"}


def test_on_delete_updates_only_what_is_deleted(world: World) -> None:
    """updateStrategy: OnDelete."""
    _create(world, updateStrategy={"type": "OnDelete"})
    world.step(5)
    world.set_image("StatefulSet", "db", "r/db:2")
    world.step(5)
    world.delete("Pod", "db-1")
    world.step(5)
    assert _pods(world) == {"db-0": "r/db:1", "db-1": "r/db:2", "db-2": "r/db:1"}


def test_scaling_down_takes_the_highest_numbers(world: World) -> None:
    """One after another."""
    _create(world)
    world.step(5)
    world.set_spec("StatefulSet", "db", replicas=1)
    world.step(5)
    assert sorted(_pods(world)) == ["db-0"]
    assert [reason for reason, _ in world.told("StatefulSet")].count("SuccessfulDelete") == 2


def test_claims_are_made_bound_and_kept(world: World) -> None:
    """Each pod has its own; they outlive a smaller size."""
    claim: JsonObject = {
        "metadata": {"name": "data"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    }
    _create(world, replicas=2, volumeClaimTemplates=[claim])
    world.step(5)
    assert world.status("StatefulSet", "db")["readyReplicas"] == 2
    assert {
        each["metadata"]["name"]: each["status"]["phase"] for each in world.all("PersistentVolumeClaim")
    } == {"data-db-0": "Bound", "data-db-1": "Bound"}
    volume = next(each for each in world.get("Pod", "db-1")["spec"]["volumes"] if each["name"] == "data")
    assert volume["persistentVolumeClaim"] == {"claimName": "data-db-1"}
    world.set_spec("StatefulSet", "db", replicas=1)
    world.step(5)
    assert world.has("PersistentVolumeClaim", "data-db-1")
    assert ("SuccessfulCreate", "Create Claim data-db-0 Pod db-0 in StatefulSet db success") in world.told(
        "StatefulSet"
    )
