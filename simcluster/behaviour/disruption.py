"""PodDisruptionBudgets: how many pods may be evicted now."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from simcluster.behaviour import pods as pod_rules
from simcluster.behaviour.adoption import selects
from simcluster.behaviour.client import Client, Component
from simcluster.behaviour.meta import (
    condition,
    controller_of,
    deleting,
    labels_of,
    scaled,
    spec_of,
    status_of,
)
from simcluster.behaviour.queue import Key
from simcluster.clock import timestamp
from simcluster.values import JsonObject

BUDGETS = "policy/poddisruptionbudgets"
_CONTROLLER = Component("controllermanager")


def sync(client: Client, key: Key) -> None:
    """Write a budget's status where it has changed."""
    found = client.get(BUDGETS, key.namespace, key.name)
    if found is None or deleting(found):
        return
    selector = spec_of(found).get("selector")
    pods = [
        each
        for each in client.items("pods", key.namespace)
        if selector is not None and selects(selector, labels_of(each)) and not pod_rules.finished(each)
    ]
    status = calculate(found, pods, _expected(client, pods), client.now)
    if status != status_of(found):
        client.update_status(found, status, _CONTROLLER)


def calculate(found: JsonObject, pods: Sequence[JsonObject], expected: int, now: datetime) -> JsonObject:
    """Return a budget's status; `expected` is how many pods their controllers want."""
    wanted = spec_of(found)
    if "maxUnavailable" in wanted:
        desired = max(expected - scaled(wanted["maxUnavailable"], expected, up=True), 0)
    elif isinstance(wanted.get("minAvailable"), str):
        desired = scaled(wanted["minAvailable"], expected, up=True)
    else:
        desired, expected = wanted.get("minAvailable", 1), len(pods)
    healthy = sum(1 for each in pods if pod_rules.ready(each) and not deleting(each))
    allowed = max(healthy - desired, 0) if expected else 0
    reason, state = ("SufficientPods", "True") if allowed else ("InsufficientPods", "False")
    told: JsonObject = {
        "type": "DisruptionAllowed",
        "status": state,
        "observedGeneration": found["metadata"].get("generation", 1),
        "lastTransitionTime": timestamp(now),
        "reason": reason,
        "message": "",
    }
    before = condition(found, "DisruptionAllowed")
    if before is not None and before["status"] == state:
        told["lastTransitionTime"] = before["lastTransitionTime"]
    return {
        "observedGeneration": found["metadata"].get("generation", 1),
        "disruptionsAllowed": allowed,
        "currentHealthy": healthy,
        "desiredHealthy": desired,
        "expectedPods": expected,
        "conditions": [told],
    }


def _expected(client: Client, pods: Sequence[JsonObject]) -> int:
    """Add up the sizes of the controllers of the pods, a ReplicaSet's Deployment in its place."""
    sizes: dict[str, int] = {}
    for pod in pods:
        controller = _scaled_controller(client, pod)
        if controller is None:
            sizes[pod["metadata"]["uid"]] = 1
        else:
            wanted = spec_of(controller).get("replicas")
            sizes[controller["metadata"]["uid"]] = 1 if wanted is None else wanted
    return sum(sizes.values())


def _scaled_controller(client: Client, obj: JsonObject) -> JsonObject | None:
    reference = controller_of(obj)
    if reference is None:
        return None
    kind = client.api.registry.of(reference["apiVersion"], reference["kind"])
    found = None
    if kind is not None:
        found = client.get(kind.storage, obj["metadata"]["namespace"], reference["name"])
    if found is None or "replicas" not in spec_of(found):
        return None
    return _scaled_controller(client, found) or found
