"""Questions about pods, and pods made from a template: shared by all controllers that run them."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from simcluster.behaviour.meta import (
    annotations_of,
    condition,
    controller_reference,
    deleting,
    moment,
    spec_of,
    status_of,
)
from simcluster.values import JsonObject

_FINISHED = ("Succeeded", "Failed")
_PHASES = {"Pending": 0, "Unknown": 1, "Running": 2}
_COST = "controller.kubernetes.io/pod-deletion-cost"


def phase(pod: JsonObject) -> str:
    """Return `status.phase`."""
    return str(status_of(pod).get("phase", ""))


def finished(pod: JsonObject) -> bool:
    """Succeeded or Failed: it will not run again."""
    return phase(pod) in _FINISHED


def active(pod: JsonObject) -> bool:
    """Neither finished nor being deleted."""
    return not finished(pod) and not deleting(pod)


def ready(pod: JsonObject) -> bool:
    """The condition Ready is True."""
    found = condition(pod, "Ready")
    return found is not None and found["status"] == "True"


def available_at(pod: JsonObject, min_ready_seconds: int) -> datetime | None:
    """Return when a ready pod has been ready long enough; None when it is not ready."""
    found = condition(pod, "Ready")
    if found is None or found["status"] != "True":
        return None
    return moment(found["lastTransitionTime"]) + timedelta(seconds=min_ready_seconds)


def available(pod: JsonObject, min_ready_seconds: int, now: datetime) -> bool:
    """Ready for at least that long."""
    if not min_ready_seconds:
        return ready(pod)
    at = available_at(pod, min_ready_seconds)
    return at is not None and at <= now


def restarts(pod: JsonObject) -> int:
    """Return the largest restart count of its containers."""
    return max((each["restartCount"] for each in status_of(pod).get("containerStatuses") or ()), default=0)


def from_template(template: JsonObject, owner: JsonObject, name: str, generate_name: str = "") -> JsonObject:
    """Return a pod that `owner` controls, as the template says, with a name that the caller has made.

    A controller's pods have `generateName` beside it, as if the server had made the name.
    """
    told = template.get("metadata") or {}
    metadata: JsonObject = {"name": name}
    if generate_name:
        metadata["generateName"] = generate_name
    metadata["namespace"] = owner["metadata"]["namespace"]
    for key in ("labels", "annotations"):
        metadata[key] = dict(told.get(key) or {})
        if not metadata[key]:
            del metadata[key]
    if told.get("finalizers"):
        metadata["finalizers"] = list(told["finalizers"])
    metadata["ownerReferences"] = [controller_reference(owner)]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": copy.deepcopy(template["spec"])}


def by_least_loss(pods: Iterable[JsonObject], now: datetime) -> list[JsonObject]:
    """Return pods in the order in which a controller that has too many deletes them (ActivePodsWithRanks).

    Not yet assigned, Pending, not ready, low deletion cost, doubled on a node, ready for a short while, often
    restarted, young: each of these goes before its opposite.
    """
    found = list(pods)
    on_node: dict[str, int] = {}
    for pod in found:
        node = spec_of(pod).get("nodeName", "")
        on_node[node] = on_node.get(node, 0) + 1

    def key(pod: JsonObject) -> tuple[Any, ...]:
        node = spec_of(pod).get("nodeName", "")
        since = condition(pod, "Ready")
        ready_for = 0.0
        if since is not None and since["status"] == "True":
            ready_for = (now - moment(since["lastTransitionTime"])).total_seconds()
        created = moment(pod["metadata"]["creationTimestamp"])
        return (
            bool(node),
            _PHASES.get(phase(pod), 3),
            ready(pod),
            _deletion_cost(pod),
            -on_node[node],
            ready_for,
            -restarts(pod),
            (now - created).total_seconds(),
            pod["metadata"]["name"],
        )

    return sorted(found, key=key)


def _deletion_cost(pod: JsonObject) -> int:
    text = annotations_of(pod).get(_COST, "0")
    return int(text) if text.lstrip("-").isdigit() else 0


def failure_condition(kind: str, reason: str, message: str, at: str) -> JsonObject:
    """Return the condition that a ReplicaSet has while its pods cannot be created or deleted."""
    return {
        "type": kind,
        "status": "True",
        "lastTransitionTime": at,
        "reason": reason,
        "message": message,
    }


def retry_at(now: datetime) -> datetime:
    """Return when to try again what the api refused."""
    return now + timedelta(seconds=5)
