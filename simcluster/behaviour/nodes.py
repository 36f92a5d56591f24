"""The simulated nodes at work: pods are placed on them, run there as their plays tell, and stop."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import timedelta
from http import HTTPStatus
from typing import Any

from simcluster.behaviour import kubelet, scheduler, volumes
from simcluster.behaviour import pods as pod_rules
from simcluster.behaviour.actions import Record
from simcluster.behaviour.client import KUBELET, Client
from simcluster.behaviour.kubelet import Address, Step
from simcluster.behaviour.meta import condition, deleting, labels_of, new_condition, spec_of, status_of
from simcluster.behaviour.queue import Key
from simcluster.behaviour.scheduler import EMPTY, Load
from simcluster.bootstrap import node_status
from simcluster.clock import timestamp
from simcluster.errors import ApiError
from simcluster.values import JsonObject

PODS = "pods"
NODES = "nodes"
_SCHEDULER = "default-scheduler"
_ORPHANED = 40.0  # seconds for which a node may be missing (podgc's quarantineTime)
_AGAIN = 1.0  # seconds until a node tries again what it could not write
_TOPOLOGY = ("topology.kubernetes.io/region", "topology.kubernetes.io/zone")


class Placement:
    """The scheduler of one cluster: what each node carries, and who waits for room."""

    __slots__ = ("_client", "_loads", "_nodes", "_placed", "waiting")

    def __init__(self, client: Client) -> None:
        self._client = client
        self._loads: dict[str, Load] = {}
        self._nodes: list[JsonObject] | None = None
        self._placed: dict[str, tuple[str, JsonObject]] = {}
        self.waiting: dict[tuple[str, str], None] = {}

    def see(self, pod: JsonObject) -> None:
        """Follow a placed pod's change: what it takes counts until it has ended."""
        uid, node = pod["metadata"]["uid"], str(spec_of(pod).get("nodeName", ""))
        if pod_rules.finished(pod):
            self.gone(uid)
        elif node and uid not in self._placed:
            taken = _taken(pod)
            self._placed[uid] = (node, taken)
            self._loads[node] = _with(self._loads.get(node, EMPTY), taken, 1)

    def gone(self, uid: str) -> None:
        """A pod takes nothing any more."""
        placed = self._placed.pop(uid, None)
        if placed is not None:
            node, taken = placed
            self._loads[node] = _with(self._loads[node], taken, -1)

    def see_nodes(self) -> None:
        """Some node changed."""
        self._nodes = None

    def sync(self, client: Client, key: Key) -> None:
        """Place one pod, or say why it cannot be placed."""
        found = client.get(PODS, key.namespace, key.name)
        self.waiting.pop((key.namespace, key.name), None)
        if found is None or deleting(found) or spec_of(found).get("nodeName") or not _awaited(found):
            return
        if self._nodes is None:
            self._nodes = client.items(NODES)
        nodes = self._nodes
        problem = volumes.unbound(client, found, len(nodes))
        name = None if problem else scheduler.place(found, nodes, self._loads)
        if name is None:
            self._refuse(found, problem or scheduler.explain(found, nodes, self._loads))
            return
        node = next(each for each in nodes if each["metadata"]["name"] == name)
        _bind(client, found, node)

    def _refuse(self, pod: JsonObject, message: str) -> None:
        metadata = pod["metadata"]
        self.waiting[metadata["namespace"], metadata["name"]] = None
        before = condition(pod, "PodScheduled")
        if before is not None and before.get("message") == message:
            return
        found = {
            **new_condition("PodScheduled", "False", "Unschedulable", message, self._client.now),
            "lastProbeTime": None,
            "observedGeneration": metadata.get("generation", 1),
        }
        if before is not None and before["status"] == "False":
            found["lastTransitionTime"] = before["lastTransitionTime"]
        self._client.store.put(PODS, _with_condition(pod, found))
        told = Record(pod, "Warning", "FailedScheduling", message)
        self._client.record_scheduling(told, "Scheduling")


def _awaited(pod: JsonObject) -> bool:
    """Tell whether a pod is this scheduler's, and ready to be placed."""
    spec = spec_of(pod)
    return spec.get("schedulerName", _SCHEDULER) == _SCHEDULER and not spec.get("schedulingGates")


def _taken(pod: JsonObject) -> JsonObject:
    return {
        "amounts": scheduler.requests(pod),
        "ports": scheduler.host_ports(pod),
        "owner": scheduler.owner_of(pod),
    }


def _with(load: Load, taken: Mapping[str, Any], sign: int) -> Load:
    amounts = dict(load.amounts)
    for name, amount in taken["amounts"].items():
        amounts[name] = amounts.get(name, 0) + sign * amount
    owners = Counter(load.owners)
    owners[taken["owner"]] += sign
    ports = load.ports | taken["ports"] if sign > 0 else load.ports - taken["ports"]
    return Load(amounts, ports, load.pods + sign, +owners)


def _with_condition(pod: JsonObject, found: JsonObject) -> JsonObject:
    others = [each for each in status_of(pod).get("conditions") or () if each["type"] != found["type"]]
    return {**pod, "status": {**status_of(pod), "conditions": [*others, found]}}


def _bind(client: Client, pod: JsonObject, node: JsonObject) -> None:
    """Write what the binding subresource writes. It keeps no managed fields, so neither does this."""
    name = node["metadata"]["name"]
    found = {
        "type": "PodScheduled",
        "status": "True",
        "lastProbeTime": None,
        "lastTransitionTime": timestamp(client.now),
    }
    bound = _with_condition(pod, found)
    topology = {key: value for key, value in labels_of(node).items() if key in _TOPOLOGY}
    bound["metadata"] = {**pod["metadata"], "labels": {**labels_of(pod), **topology}}
    if not bound["metadata"]["labels"]:
        del bound["metadata"]["labels"]
    bound["spec"] = {**pod["spec"], "nodeName": name}
    client.store.put(PODS, bound)
    metadata = pod["metadata"]
    message = f"Successfully assigned {metadata['namespace']}/{metadata['name']} to {name}"
    client.record_scheduling(Record(pod, "Normal", "Scheduled", message), "Binding")


class Kubelets:
    """The kubelets of one cluster's nodes: they take the pods' steps when these are due."""

    __slots__ = ("_addresses", "_client", "_stopping")

    def __init__(self, client: Client) -> None:
        self._client = client
        self._addresses = 0
        self._stopping: set[str] = set()

    def sync(self, client: Client, key: Key) -> None:
        """Begin a pod that was placed, stop one that is deleted."""
        found = client.get(PODS, key.namespace, key.name)
        if found is None:
            return
        node = spec_of(found).get("nodeName")
        if node and self._client.store.get(NODES, "", node) is None:
            if deleting(found):  # no kubelet confirms it; the collector of orphaned pods comes late
                self._stop_in(_ORPHANED, found)
            return
        if deleting(found):
            self._stop(found)
            return
        due = kubelet.begin(found)
        if due is not None and due.seconds == 0:
            self._take(found, due.step)
        elif due is not None:
            self._later(found, due)

    def forget(self, uid: str) -> None:
        """The pod is gone."""
        self._stopping.discard(uid)

    def _later(self, pod: JsonObject, due: kubelet.Due) -> None:
        metadata = pod["metadata"]
        namespace, name, uid = metadata["namespace"], metadata["name"], metadata["uid"]

        def take() -> None:
            found = self._client.get(PODS, namespace, name)
            if found is not None and found["metadata"]["uid"] == uid and not deleting(found):
                self._take(found, due.step)

        self._in(due.seconds, take)

    def _in(self, seconds: float, act: Callable[[], None]) -> None:
        """Do something later; again after a while where the api refused it, as a full store does."""

        def tried() -> None:
            try:
                act()
            except ApiError as error:
                if error.code != HTTPStatus.NOT_FOUND:
                    self._in(_AGAIN, act)

        self._client.queue.at(self._client.now + timedelta(seconds=seconds), tried)

    def _take(self, pod: JsonObject, step: Step) -> None:
        taken = kubelet.take(pod, step, self._address(pod, step), self._client.now)
        if taken.status is not None:
            pod = self._client.update_status(pod, taken.status, KUBELET)
        if taken.warning is not None:
            self._client.record(Record(pod, "Warning", *taken.warning), KUBELET)
        if taken.next is not None:
            self._later(pod, taken.next)

    def _address(self, pod: JsonObject, step: Step) -> Address:
        if step not in (Step.START, Step.PULL_FAILED):
            return Address("", "")
        node = self._client.get(NODES, "", spec_of(pod)["nodeName"])
        host = _internal_ip(node) if node is not None else "127.0.0.1"
        if spec_of(pod).get("hostNetwork"):
            return Address(host, host)
        self._addresses += 1
        high, low = divmod(self._addresses, 1 << 16)
        return Address(f"10.{128 + high % 128}.{low >> 8}.{low & 255}", host)

    def _stop(self, pod: JsonObject) -> None:
        self._stop_in(kubelet.stops_after(pod) if spec_of(pod).get("nodeName") else 0, pod)

    def _stop_in(self, seconds: float, pod: JsonObject) -> None:
        uid = pod["metadata"]["uid"]
        if uid in self._stopping:
            return
        self._stopping.add(uid)
        if seconds:
            self._in(seconds, lambda: self._client.delete(pod, grace_period=0))
            return
        try:
            self._client.delete(pod, grace_period=0)
        except ApiError:
            self._stopping.discard(uid)  # whoever asked comes back, and it begins anew
            raise


def _internal_ip(node: JsonObject) -> str:
    for address in status_of(node).get("addresses") or ():
        if address["type"] == "InternalIP":
            return str(address["address"])
    return "127.0.0.1"


def sync_node(client: Client, key: Key) -> None:
    """Report a new Node as Ready, as its kubelet would."""
    found = client.get(NODES, "", key.name)
    if found is None or condition(found, "Ready") is not None:
        return
    reported, before = node_status(key.name, timestamp(client.now)), status_of(found)
    # How large a Node is, and where, may have been said by who made it.
    for field in ("addresses", "capacity"):
        reported[field] = before.get(field) or reported[field]
    reported["allocatable"] = before.get("allocatable") or reported["capacity"]
    client.update_status(found, {**before, **reported}, KUBELET)
