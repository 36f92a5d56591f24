"""The scheduler places pods where they fit, and says in the real words why they do not."""

from __future__ import annotations

from typing import Any

import pytest

from simcluster.strategies.amounts import thousandths
from tests.unit.simcluster.behaviour.world import JsonObject, World, template


def _spec(**spec: Any) -> JsonObject:
    found: JsonObject = template(**spec)["spec"]
    return found


def _asking(**requests: str) -> JsonObject:
    found = _spec()
    found["containers"][0]["resources"] = {"requests": requests}
    return found


def _why(world: World, name: str = "web") -> str:
    found = world.conditions("Pod", name)["PodScheduled"]
    assert (found["status"], found["reason"]) == ("False", "Unschedulable")
    return str(found["message"])


def _node_of(world: World, name: str) -> str:
    return str(world.get("Pod", name)["spec"].get("nodeName", ""))


def test_pods_of_one_owner_are_spread(world: World) -> None:
    """Three pods, three nodes; the topology of the node comes as labels."""
    world.deploy(replicas=3)
    world.step()
    assert sorted(each["spec"]["nodeName"] for each in world.pods()) == ["node-0", "node-1", "node-2"]
    assert {each["metadata"]["labels"]["topology.kubernetes.io/zone"] for each in world.pods()} == {
        "north-a",
        "north-b",
    }


def test_placed_pod_has_condition_and_event(world: World) -> None:
    """PodScheduled and Scheduled, which nobody owns in managedFields."""
    world.create("Pod", "web", spec=_spec())
    world.step()
    assert world.conditions("Pod", "web")["PodScheduled"]["status"] == "True"
    assert world.told("Pod") == [("Scheduled", "Successfully assigned default/web to node-0")]
    managers = {each["manager"] for each in world.get("Pod", "web")["metadata"]["managedFields"]}
    assert managers == {"unknown", "kubelet"}


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        (
            _asking(cpu="1000"),
            "3 Insufficient cpu",
        ),
        (
            _spec(nodeSelector={"disk": "ssd"}),
            "3 node(s) didn't match Pod's node affinity/selector",
        ),
    ],
    ids=["requests", "selector"],
)
def test_pod_that_fits_nowhere_says_why(world: World, spec: JsonObject, reason: str) -> None:
    """On the pod and in an Event, once."""
    world.create("Pod", "web", spec=spec)
    world.step(100)
    none = "0/3 nodes are available: "
    message = f"{none}{reason}. preemption: {none}3 Preemption is not helpful for scheduling."
    assert _why(world) == message
    assert world.told("Pod") == [("FailedScheduling", message)]
    assert world.status("Pod", "web")["phase"] == "Pending"


def test_cluster_without_nodes_has_room_for_nothing() -> None:
    """It says so shortly."""
    world = World(nodes=0)
    world.create("Pod", "web", spec=_spec())
    world.step()
    assert _why(world) == "no nodes available to schedule pods"


def test_requests_are_held_against_what_is_taken(world: World) -> None:
    """Two of 20 CPUs do not fit on one node of 32; one waits, and comes as soon as there is room."""
    for number in range(4):
        world.create("Pod", f"p{number}", spec=_asking(cpu="20"))
    world.step()
    waiting = [name for name in ("p0", "p1", "p2", "p3") if not _node_of(world, name)]
    assert waiting == ["p3"]
    assert "3 Insufficient cpu" in _why(world, "p3")
    assert "No preemption victims found for incoming pod" in _why(world, "p3")
    world.delete("Pod", "p1")
    world.step()
    assert _node_of(world, "p3") == "node-1"


def test_finished_pod_takes_nothing(world: World) -> None:
    """A Job's ended pod leaves its room to the next one."""
    for number in range(3):
        spec = {**_asking(cpu="30"), "restartPolicy": "Never"}
        world.create("Job", f"job-{number}", spec={"template": {"spec": spec}})
    world.step(2)
    world.create("Pod", "web", spec=_asking(cpu="30"))
    world.step()
    assert _node_of(world, "web")


def test_taints_keep_pods_away_that_do_not_tolerate_them(world: World) -> None:
    """NoSchedule holds, a toleration lifts it, and so does the end of the taint."""
    taint = {"key": "gpu", "value": "yes", "effect": "NoSchedule"}
    for number in range(3):
        world.change("Node", f"node-{number}", lambda node: node["spec"].update(taints=[taint]))
    world.create("Pod", "web", spec=_spec())
    toleration = {"key": "gpu", "operator": "Equal", "value": "yes", "effect": "NoSchedule"}
    world.create("Pod", "gpu", spec=_spec(tolerations=[toleration]))
    world.step()
    assert "3 node(s) had untolerated taint(s)" in _why(world)
    assert _node_of(world, "gpu")
    world.change("Node", "node-1", lambda node: node["spec"].pop("taints"))
    world.step()
    assert _node_of(world, "web") == "node-1"


def test_cordoned_node_gets_no_pods(world: World) -> None:
    """spec.unschedulable is for the scheduler; a new node takes what waits."""
    for number in range(3):
        world.change("Node", f"node-{number}", lambda node: node["spec"].update(unschedulable=True))
    world.create("Pod", "web", spec=_spec())
    world.step()
    assert "3 node(s) were unschedulable" in _why(world)
    world.create("Node", "node-9", metadata={"labels": {"kubernetes.io/hostname": "node-9"}})
    world.step()
    assert _node_of(world, "web") == "node-9"
    assert world.conditions("Node", "node-9")["Ready"]["reason"] == "KubeletReady"


@pytest.mark.parametrize(
    ("operator", "values", "placed"),
    [
        ("In", ["north-b"], True),
        ("In", ["south"], False),
        ("NotIn", ["north-a", "north-b"], False),
        ("Exists", None, True),
        ("DoesNotExist", None, False),
    ],
)
def test_required_node_affinity(world: World, operator: str, values: list[str] | None, placed: bool) -> None:  # noqa: FBT001 - a table
    """Expressions on the node's labels."""
    expression = {
        "key": "topology.kubernetes.io/zone",
        "operator": operator,
        **({"values": values} if values else {}),
    }
    terms = {"nodeSelectorTerms": [{"matchExpressions": [expression]}]}
    affinity = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": terms}}
    world.create("Pod", "web", spec=_spec(affinity=affinity))
    world.step()
    assert bool(_node_of(world, "web")) is placed


def test_host_port_is_there_once_a_node(world: World) -> None:
    """The fourth pod finds no node."""
    spec = _spec(hostNetwork=True)
    for number in range(4):
        world.create("Pod", f"p{number}", spec=spec)
    world.step()
    assert "3 node(s) didn't have free ports for the requested pod ports" in _why(world, "p3")
    assert world.status("Pod", "p0")["podIP"] == "127.0.0.1"


@pytest.mark.parametrize(
    ("quantity", "expected"),
    [
        ("1", 1000),
        ("500m", 500),
        ("1.5", 1500),
        ("1Ki", 1024_000),
        ("2e3", 2_000_000),
        ("3k", 3_000_000),
        ("1u", 1),
        ("nonsense", 0),
        ("2", 2000),
        ("1e999999", (2**63 - 1) * 1000),
        ("1e99999999", 0),
    ],
)
def test_quantities_are_counted_in_thousandths(quantity: str, expected: int) -> None:
    """Rounded up, as resource.Quantity.MilliValue does."""
    assert thousandths(quantity) == expected


def test_pod_of_another_scheduler_is_left_alone(world: World) -> None:
    """It waits for that one, without a word."""
    world.create("Pod", "web", spec=_spec(schedulerName="nobody"))
    world.step(100)
    assert _node_of(world, "web") == ""
    assert world.told("Pod") == []
    world.delete("Pod", "web")
    world.step()
    assert not world.has("Pod", "web")


def test_pod_on_a_node_that_is_missing_does_not_run(world: World) -> None:
    """No kubelet confirms its deletion either: orphaned pods are collected after forty seconds."""
    world.create("Pod", "web", spec=_spec(nodeName="elsewhere"))
    world.step(100)
    assert world.status("Pod", "web")["phase"] == "Pending"
    world.delete("Pod", "web", grace_period=3)
    world.step(39)
    assert world.has("Pod", "web")
    world.step(1)
    assert not world.has("Pod", "web")
