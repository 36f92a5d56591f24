"""Disruption budgets, priority classes, leases, runtime classes."""

from __future__ import annotations

from simcluster.errors import Cause
from simcluster.strategies.validation import formats, meta, values
from simcluster.strategies.validation.causes import prohibited, wrong
from simcluster.strategies.validation.internals import internal
from simcluster.values import JsonObject

_MOST_PRIORITY = 1000000000
_SYSTEM = "system-"
_SYSTEM_CLASSES = {"system-cluster-critical": 2000000000, "system-node-critical": 2000001000}


def budget(obj: JsonObject) -> list[Cause]:
    """Check a PodDisruptionBudget."""
    spec = obj["spec"]
    causes: list[Cause] = []
    if "minAvailable" in spec and "maxUnavailable" in spec:
        shown = internal("PodDisruptionBudgetSpec", spec)
        causes.append(wrong("spec", shown, "minAvailable and maxUnavailable cannot be both set"))
    for field in ("minAvailable", "maxUnavailable"):
        if field in spec:
            causes += values.count_or_percent(spec[field], f"spec.{field}")
            causes += values.at_most_100_percent(spec[field], f"spec.{field}")
    causes += meta.label_selector(spec.get("selector"), "spec.selector")
    policies = ("AlwaysAllow", "IfHealthyBudget")
    eviction = spec.get("unhealthyPodEvictionPolicy")
    return causes + values.optional_choice(eviction, policies, "spec.unhealthyPodEvictionPolicy")


def budget_update(new: JsonObject, old: JsonObject) -> list[Cause]:
    """Check a change of a PodDisruptionBudget."""
    del old
    return budget(new)


def budget_status(new: JsonObject, old: JsonObject) -> list[Cause]:
    """Check a change of a budget's status."""
    del old
    causes: list[Cause] = []
    for field in ("disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods"):
        causes += values.non_negative(new["status"].get(field), f"status.{field}")
    return causes


def priority_class(obj: JsonObject) -> list[Cause]:
    """Check a PriorityClass."""
    name, value = obj["metadata"].get("name", ""), obj.get("value", 0)
    causes: list[Cause] = []
    if name.startswith(_SYSTEM):
        if _SYSTEM_CLASSES.get(name) != value:
            text = (
                f"priority class names with '{_SYSTEM}' prefix are reserved for system use only. error: "
                f"{name} is not a known system priority class"
            )
            causes.append(prohibited("metadata.name", text))
    elif value > _MOST_PRIORITY:
        text = f"maximum allowed value of a user defined priority is {_MOST_PRIORITY}"
        causes.append(prohibited("value", text))
    policy = obj["preemptionPolicy"]
    return causes + values.choice(policy, ("PreemptLowerPriority", "Never"), "preemptionPolicy")


def priority_class_update(new: JsonObject, old: JsonObject) -> list[Cause]:
    """Check a change of a PriorityClass: what Pods were given stays."""
    causes: list[Cause] = []
    if new.get("value") != old.get("value"):
        causes.append(prohibited("value", "may not be changed in an update."))
    return causes + meta.immutable(new["preemptionPolicy"], old["preemptionPolicy"], "preemptionPolicy")


def lease(obj: JsonObject) -> list[Cause]:
    """Check a Lease."""
    spec = obj["spec"]
    causes: list[Cause] = []
    seconds = spec.get("leaseDurationSeconds")
    if seconds is not None and seconds <= 0:
        causes.append(wrong("spec.leaseDurationSeconds", seconds, "must be greater than 0"))
    return causes + values.non_negative(spec.get("leaseTransitions"), "spec.leaseTransitions")


def lease_update(new: JsonObject, old: JsonObject) -> list[Cause]:
    """Check a change of a Lease."""
    del old
    return lease(new)


def runtime_class(obj: JsonObject) -> list[Cause]:
    """Check a RuntimeClass."""
    handler = obj.get("handler", "")
    return values.name(handler, formats.dns_label(handler), "handler")


def runtime_class_update(new: JsonObject, old: JsonObject) -> list[Cause]:
    """Check a change of a RuntimeClass: its handler stays."""
    return meta.immutable(new.get("handler"), old.get("handler"), "handler")
