"""One object in, one status out, as kstatus computes it (sigs.k8s.io/cli-utils, `pkg/kstatus`).

First what every object may carry (deletion, generation, the `Reconciling` and `Stalled` conditions), then
the rule of the kind, then a `Ready` condition. What remains is Current: a ConfigMap has nothing to wait for,
and neither has a custom resource that reports no conditions.

Where we differ from kstatus: a condition that names an older generation than the object's says nothing about
this one; workloads, and budgets for disruptions, are InProgress until their controller has written
`observedGeneration`; what cannot be read is Unknown, which never passes. Other differences stand at the
rule of the kind.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from gitops.health import resources, workloads
from gitops.health.live import Condition, MalformedError, conditions, one_line, text, whole
from gitops.health.status import Health, HealthStatus, current, failed, in_progress, terminating, unknown
from gitops.objects import GroupKind, JsonObject, split_api_version

Rule: TypeAlias = Callable[[JsonObject], Health]

RULES: dict[GroupKind, Rule] = {
    GroupKind("", "Namespace"): resources.namespace,
    GroupKind("", "PersistentVolumeClaim"): resources.persistent_volume_claim,
    GroupKind("", "Pod"): workloads.pod,
    GroupKind("", "ReplicationController"): workloads.replica_set,
    GroupKind("", "Service"): resources.service,
    GroupKind("apiextensions.k8s.io", "CustomResourceDefinition"): resources.custom_resource_definition,
    GroupKind("apiregistration.k8s.io", "APIService"): resources.api_service,
    GroupKind("apps", "DaemonSet"): workloads.daemon_set,
    GroupKind("apps", "Deployment"): workloads.deployment,
    GroupKind("apps", "ReplicaSet"): workloads.replica_set,
    GroupKind("apps", "StatefulSet"): workloads.stateful_set,
    GroupKind("autoscaling", "HorizontalPodAutoscaler"): resources.horizontal_pod_autoscaler,
    GroupKind("batch", "CronJob"): workloads.cron_job,
    GroupKind("batch", "Job"): workloads.job,
    GroupKind("policy", "PodDisruptionBudget"): resources.pod_disruption_budget,
}


def assess(obj: JsonObject | None, *, applied_generation: int | None = None) -> Health:
    """Say what the live object's state means; never raises, whatever the object looks like.

    The object needs its `apiVersion` and `kind`, which the items of an API server's list lack.

    `None` stands for an object that the cluster does not have. `applied_generation` is `metadata.generation`
    as our apply's answer gave it: an object of a lower one is older than our change, so it proves nothing.
    """
    if obj is None:
        return Health(HealthStatus.NOT_FOUND, "the object does not exist")
    try:
        found = _assess(obj, applied_generation)
    except MalformedError as error:
        return unknown(f"the object cannot be read: {error}")
    return Health(found.status, one_line(found.message))


def _assess(obj: JsonObject, applied_generation: int | None) -> Health:
    group, _ = split_api_version(text(obj, "apiVersion"))
    kind = text(obj, "kind")
    if not kind:
        return unknown("the object has no kind")
    if verdict := _leaving(obj) or _behind(obj, kind, applied_generation) or _standard(obj):
        return verdict
    if rule := RULES.get(GroupKind(group, kind)):
        return rule(obj)
    found = conditions(obj)
    if ready := found.get("Ready"):
        return _ready(obj, ready)
    return current(f"{kind} has no Ready condition" if found else f"{kind} has no conditions to wait for")


def _leaving(obj: JsonObject) -> Health | None:
    since = text(obj, "metadata", "deletionTimestamp")
    return terminating(f"it was marked for deletion at {since}") if since else None


def _behind(obj: JsonObject, kind: str, applied_generation: int | None) -> Health | None:
    """Say so when the state seen is older than what was asked for."""
    generation = whole(obj, "metadata", "generation")
    if generation is None:
        return None
    if applied_generation is not None and generation < applied_generation:
        return in_progress(
            "the cluster has not shown our change yet: "
            f"it is at generation {generation}, we applied {applied_generation}"
        )
    observed = whole(obj, "status", "observedGeneration")
    if observed is not None and observed != generation:
        return in_progress(
            f"the controller has not observed the change yet: {kind} is at generation {generation}, "
            f"observed is {observed}"
        )
    return None


def _stale(obj: JsonObject, condition: Condition) -> bool:
    generation = whole(obj, "metadata", "generation")
    return None not in (generation, condition.generation) and condition.generation != generation


def _standard(obj: JsonObject) -> Health | None:
    """Judge by kstatus' own conditions, which are absent while all is well."""
    found = conditions(obj)
    for kind, verdict in (("Reconciling", in_progress), ("Stalled", failed)):
        condition = found.get(kind)
        if condition is not None and condition.status == "True" and not _stale(obj, condition):
            return verdict(condition.words)
    return None


def _ready(obj: JsonObject, ready: Condition) -> Health:
    """Judge by `Ready`. False is InProgress, as in kstatus: controllers write it while they still try."""
    if _stale(obj, ready):
        generation = whole(obj, "metadata", "generation")
        return in_progress(
            f"condition Ready speaks of generation {ready.generation}, the object is at {generation}"
        )
    if ready.status == "True":
        return current(
            f"condition Ready is True: {ready.words}" if ready.message else "condition Ready is True"
        )
    return in_progress(f"condition Ready is {ready.status or 'not set'}: {ready.words}")
