"""Statuses of apps/v1: how many replicas may be what."""

from __future__ import annotations

from collections.abc import Mapping

from simcluster.errors import Cause
from simcluster.strategies.validation.causes import wrong
from simcluster.strategies.validation.workloads import numbers
from simcluster.values import JsonObject

_NOT_MORE: Mapping[str, tuple[str, ...]] = {
    "Deployment": ("updatedReplicas", "readyReplicas", "availableReplicas"),
    "ReplicaSet": ("fullyLabeledReplicas", "readyReplicas", "availableReplicas"),
    "StatefulSet": ("readyReplicas", "currentReplicas", "updatedReplicas", "availableReplicas"),
    "DaemonSet": (),
}
_COUNTED: Mapping[str, tuple[str, ...]] = {
    "Deployment": (
        "observedGeneration",
        "replicas",
        "updatedReplicas",
        "readyReplicas",
        "availableReplicas",
        "unavailableReplicas",
        "terminatingReplicas",
        "collisionCount",
    ),
    "ReplicaSet": (
        "replicas",
        "fullyLabeledReplicas",
        "readyReplicas",
        "availableReplicas",
        "observedGeneration",
        "terminatingReplicas",
    ),
    "StatefulSet": (
        "replicas",
        "readyReplicas",
        "currentReplicas",
        "updatedReplicas",
        "availableReplicas",
        "observedGeneration",
        "collisionCount",
    ),
    "DaemonSet": (
        "currentNumberScheduled",
        "numberMisscheduled",
        "desiredNumberScheduled",
        "numberReady",
        "observedGeneration",
        "updatedNumberScheduled",
        "numberAvailable",
        "numberUnavailable",
        "collisionCount",
    ),
}


def status(new: JsonObject, old: JsonObject) -> list[Cause]:
    """Check a change of the status of any kind of this module."""
    kind, given = new["kind"], new["status"]
    causes = numbers(given, _COUNTED[kind], "status")
    replicas, ready = given.get("replicas", 0), given.get("readyReplicas", 0)
    for field in _NOT_MORE[kind]:
        if given.get(field, 0) > replicas:
            causes.append(wrong(f"status.{field}", given[field], "cannot be greater than status.replicas"))
    if _NOT_MORE[kind] and given.get("availableReplicas", 0) > ready:
        what = "status.readyReplicas" if kind == "StatefulSet" else "readyReplicas"
        text = f"cannot be greater than {what}"
        causes.append(wrong("status.availableReplicas", given["availableReplicas"], text))
    before = old["status"].get("collisionCount")
    if before is not None and given.get("collisionCount", -1) < before:
        causes.append(wrong("status.collisionCount", given.get("collisionCount", 0), "cannot be decremented"))
    return causes
