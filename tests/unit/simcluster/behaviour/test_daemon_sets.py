"""DaemonSets have one pod on every node that allows it; figures and texts were measured on 1.37."""

from __future__ import annotations

from typing import Any

from tests.unit.simcluster.behaviour.world import World, images, template


def _create(world: World, image: str = "r/agent:1", **spec: Any) -> None:
    selector = {"matchLabels": {"app": "agent"}}
    pod = template(image, "agent", **spec.pop("pod", {}))
    world.create("DaemonSet", "agent", spec={"selector": selector, "template": pod, **spec})


def test_every_node_gets_a_pod(world: World) -> None:
    """Three nodes, three pods; the status counts nodes."""
    _create(world)
    world.step(1)
    assert sorted(each["spec"]["nodeName"] for each in world.pods()) == ["node-0", "node-1", "node-2"]
    assert world.status("DaemonSet", "agent") == {
        "observedGeneration": 1,
        "currentNumberScheduled": 3,
        "desiredNumberScheduled": 3,
        "numberMisscheduled": 0,
        "numberReady": 3,
        "numberAvailable": 3,
        "updatedNumberScheduled": 3,
    }


def test_pod_stands_the_taints_that_a_daemon_must(world: World) -> None:
    """And it fits on its own node only."""
    _create(world)
    world.step()
    pod = world.pods()[0]
    tolerated = {(each["key"], each["effect"]) for each in pod["spec"]["tolerations"]}
    assert ("node.kubernetes.io/unschedulable", "NoSchedule") in tolerated
    assert ("node.kubernetes.io/not-ready", "NoExecute") in tolerated
    required = pod["spec"]["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    (field,) = required["nodeSelectorTerms"][0]["matchFields"]
    assert field["values"] == [pod["spec"]["nodeName"]]
    assert pod["metadata"]["labels"]["pod-template-generation"] == "1"


def test_new_node_gets_a_pod_and_a_removed_one_loses_it(world: World) -> None:
    """As nodes come and go."""
    _create(world)
    world.step(1)
    world.create("Node", "node-9")
    world.step(1)
    assert world.status("DaemonSet", "agent")["numberReady"] == 4
    world.delete("Node", "node-9")
    world.step(1)
    assert world.status("DaemonSet", "agent")["numberReady"] == 3


def test_node_selector_and_taints_choose_the_nodes(world: World) -> None:
    """A node that stops to match loses its pod; a NoSchedule taint leaves the pod that is there."""
    _create(world, pod={"nodeSelector": {"topology.kubernetes.io/zone": "north-a"}})
    world.step(1)
    assert len(world.pods()) == 2
    taint = {"key": "gpu", "effect": "NoSchedule"}
    world.change("Node", "node-0", lambda node: node["spec"].update(taints=[taint]))
    world.step(1)
    assert len(world.pods()) == 2
    assert world.status("DaemonSet", "agent")["numberMisscheduled"] == 1
    world.change(
        "Node", "node-2", lambda node: node["metadata"]["labels"].update({"topology.kubernetes.io/zone": "b"})
    )
    world.step(1)
    assert [each["spec"]["nodeName"] for each in world.pods()] == ["node-0"]


def test_update_replaces_one_node_after_another(world: World) -> None:
    """One may be unavailable; the status counts what is updated."""
    _create(world)
    world.step(1)
    world.set_image("DaemonSet", "agent", "r/agent:2")
    world.step()
    assert images(world.pods()) == ["r/agent:1", "r/agent:1", "r/agent:2"]
    assert world.status("DaemonSet", "agent")["numberUnavailable"] == 1
    world.step(5)
    assert images(world.pods()) == ["r/agent:2"] * 3
    status = world.status("DaemonSet", "agent")
    assert (status["updatedNumberScheduled"], status["numberAvailable"]) == (3, 3)


def test_broken_update_stops_at_the_first_node(world: World) -> None:
    """The other nodes keep the old pod."""
    _create(world)
    world.step(1)
    world.set_image("DaemonSet", "agent", "r/agent:2-never-ready")
    world.step(60)
    assert images(world.pods()) == ["r/agent:1", "r/agent:1", "r/agent:2-never-ready"]


def test_surge_makes_the_new_pod_before_the_old_one_goes(world: World) -> None:
    """With a surge of 1 there are never fewer than three ready."""
    rolling = {"maxSurge": 1, "maxUnavailable": 0}
    _create(world, updateStrategy={"type": "RollingUpdate", "rollingUpdate": rolling})
    world.step(1)
    world.set_image("DaemonSet", "agent", "r/agent:2")
    world.step()
    assert images(world.pods()) == ["r/agent:1", "r/agent:1", "r/agent:1", "r/agent:2"]
    world.step(5)
    assert images(world.pods()) == ["r/agent:2"] * 3


def test_on_delete_waits_for_a_deletion(world: World) -> None:
    """updateStrategy: OnDelete."""
    _create(world, updateStrategy={"type": "OnDelete"})
    world.step(1)
    world.set_image("DaemonSet", "agent", "r/agent:2")
    world.step(5)
    assert images(world.pods()) == ["r/agent:1"] * 3
    world.delete("Pod", world.pods()[0]["metadata"]["name"])
    world.step(2)
    assert images(world.pods()) == ["r/agent:1", "r/agent:1", "r/agent:2"]


def test_failed_pod_is_replaced(world: World) -> None:
    """With an Event that says so."""
    _create(world, "r/agent:1")
    world.step(1)
    name = world.pods()[0]["metadata"]["name"]
    kind = world.kind("Pod")
    pod = world.get("Pod", name)
    pod["status"]["phase"] = "Failed"
    world.cluster.api.update(kind, "default", name, pod, subresource="status")
    world.step(1)
    assert not world.has("Pod", name)
    assert len(world.pods()) == 3
    assert "FailedDaemonPod" in [reason for reason, _ in world.told("DaemonSet")]
