"""The rows of what runs Pods, scales them or protects them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from simcluster.printing.cells import (
    NONE,
    UNKNOWN,
    UNSET,
    Row,
    age,
    at,
    containers_of,
    elements,
    human_duration,
    is_true,
    labels_text,
    moment,
    name,
    number,
    selector_text,
    since,
    text,
)
from simcluster.values import JsonObject

_JOB_STATES = (
    ("Complete", "Complete"),
    ("Failed", "Failed"),
    ("", "Terminating"),
    ("Suspended", "Suspended"),
    ("FailureTarget", "FailureTarget"),
    ("SuccessCriteriaMet", "SuccessCriteriaMet"),
)
_METRICS_SHOWN = 2


def deployment(obj: JsonObject, now: datetime) -> Row:
    """Return the cells of a Deployment."""
    return [
        name(obj),
        f"{number(obj, 'status.readyReplicas')}/{number(obj, 'spec.replicas')}",
        number(obj, "status.updatedReplicas"),
        number(obj, "status.availableReplicas"),
        age(obj, now),
        *containers_of(at(obj, "spec.template")),
        selector_text(at(obj, "spec.selector"), ""),
    ]


def replica_set(obj: JsonObject, now: datetime) -> Row:
    """Return the cells of a ReplicaSet."""
    return [*_replicas(obj, now), *containers_of(at(obj, "spec.template")), _selector(obj)]


def replication_controller(obj: JsonObject, now: datetime) -> Row:
    """Return the cells of a ReplicationController, whose selector is a plain map."""
    return [
        *_replicas(obj, now),
        *containers_of(at(obj, "spec.template")),
        labels_text(at(obj, "spec.selector")),
    ]


def _replicas(obj: JsonObject, now: datetime) -> Row:
    return [
        name(obj),
        number(obj, "spec.replicas"),
        number(obj, "status.replicas"),
        number(obj, "status.readyReplicas"),
        age(obj, now),
    ]


def _selector(obj: JsonObject) -> str:
    return selector_text(at(obj, "spec.selector"))


def stateful_set(obj: JsonObject, now: datetime) -> Row:
    """Return the cells of a StatefulSet."""
    return [
        name(obj),
        f"{number(obj, 'status.readyReplicas')}/{number(obj, 'spec.replicas')}",
        age(obj, now),
        *containers_of(at(obj, "spec.template")),
    ]


def daemon_set(obj: JsonObject, now: datetime) -> Row:
    """Return the cells of a DaemonSet."""
    counts = (
        "desiredNumberScheduled",
        "currentNumberScheduled",
        "numberReady",
        "updatedNumberScheduled",
        "numberAvailable",
    )
    return [
        name(obj),
        *(number(obj, f"status.{count}") for count in counts),
        labels_text(at(obj, "spec.template.spec.nodeSelector")),
        age(obj, now),
        *containers_of(at(obj, "spec.template")),
        _selector(obj),
    ]


def job(obj: JsonObject, now: datetime) -> Row:
    """Return the cells of a Job."""
    return [
        name(obj),
        _job_state(obj),
        _completions(obj),
        _job_duration(obj, now),
        age(obj, now),
        *containers_of(at(obj, "spec.template")),
        _selector(obj),
    ]


def _job_state(obj: JsonObject) -> str:
    conditions = elements(obj, "status.conditions")
    deleted = at(obj, "metadata.deletionTimestamp") is not None
    for kind, state in _JOB_STATES:
        if is_true(conditions, kind) if kind else deleted:
            return state
    return "Running"


def _completions(obj: JsonObject) -> str:
    succeeded, wanted = number(obj, "status.succeeded"), at(obj, "spec.completions")
    if wanted is not None:
        return f"{succeeded}/{wanted}"
    parallelism = number(obj, "spec.parallelism")
    return f"{succeeded}/1 of {parallelism}" if parallelism > 1 else f"{succeeded}/1"


def _job_duration(obj: JsonObject, now: datetime) -> str:
    start, end = at(obj, "status.startTime"), at(obj, "status.completionTime")
    if not start:
        return ""
    return human_duration((moment(end) if end else now) - moment(start))


def cron_job(obj: JsonObject, now: datetime) -> Row:
    """Return the cells of a CronJob."""
    suspend, last = at(obj, "spec.suspend"), at(obj, "status.lastScheduleTime")
    return [
        name(obj),
        text(obj, "spec.schedule"),
        text(obj, "spec.timeZone", NONE),
        UNSET if suspend is None else str(suspend),
        len(elements(obj, "status.active")),
        since(last, now) if last else NONE,
        age(obj, now),
        *containers_of(at(obj, "spec.jobTemplate.spec.template")),
        selector_text(at(obj, "spec.jobTemplate.spec.selector")),
    ]


def pod_template(obj: JsonObject, _now: datetime) -> Row:
    """Return the cells of a PodTemplate."""
    template = at(obj, "template")
    return [name(obj), *containers_of(template), labels_text(at(template, "metadata.labels"))]


def controller_revision(obj: JsonObject, now: datetime) -> Row:
    """Return the cells of a ControllerRevision."""
    owner = next((each for each in elements(obj, "metadata.ownerReferences") if each.get("controller")), None)
    shown = NONE
    if owner:
        group = owner["apiVersion"].rpartition("/")[0]
        kind = f"{owner['kind']}.{group}" if group else owner["kind"]
        shown = f"{kind.lower()}/{owner['name']}"
    return [name(obj), shown, number(obj, "revision"), age(obj, now)]


def disruption_budget(obj: JsonObject, now: datetime) -> Row:
    """Return the cells of a PodDisruptionBudget."""
    low, high = at(obj, "spec.minAvailable"), at(obj, "spec.maxUnavailable")
    return [
        name(obj),
        "N/A" if low is None else str(low),
        "N/A" if high is None else str(high),
        number(obj, "status.disruptionsAllowed"),
        age(obj, now),
    ]


def autoscaler(obj: JsonObject, now: datetime) -> Row:
    """Return the cells of a HorizontalPodAutoscaler of autoscaling/v2 or v1."""
    low = at(obj, "spec.minReplicas")
    return [
        name(obj),
        f"{text(obj, 'spec.scaleTargetRef.kind')}/{text(obj, 'spec.scaleTargetRef.name')}",
        _metrics(obj),
        UNSET if low is None else str(low),
        number(obj, "spec.maxReplicas"),
        number(obj, "status.currentReplicas"),
        age(obj, now),
    ]


def _metrics(obj: JsonObject) -> str:
    specs, current = elements(obj, "spec.metrics"), elements(obj, "status.currentMetrics")
    if not specs and at(obj, "spec.targetCPUUtilizationPercentage") is not None:  # autoscaling/v1
        used = at(obj, "status.currentCPUUtilizationPercentage")
        shown = UNKNOWN if used is None else f"{used}%"
        return f"cpu: {shown}/{at(obj, 'spec.targetCPUUtilizationPercentage')}%"
    if not specs:
        return NONE
    found = [
        _metric(spec, current[index] if index < len(current) else {}) for index, spec in enumerate(specs)
    ]
    shown = ", ".join(found[:_METRICS_SHOWN])
    return f"{shown} + {len(found) - _METRICS_SHOWN} more..." if len(found) > _METRICS_SHOWN else shown


def _metric(spec: JsonObject, status: JsonObject) -> str:
    kind = spec.get("type", "")
    source = kind[:1].lower() + kind[1:]
    wanted, seen = spec.get(source) or {}, at(status, f"{source}.current") or {}
    target: dict[str, Any] = wanted.get("target") or {}
    resource = kind in ("Resource", "ContainerResource")
    prefix = f"{wanted.get('name')}: " if resource else ""
    if "averageValue" in target:
        suffix = "" if resource or kind == "Pods" else " (avg)"
        return f"{prefix}{seen.get('averageValue', UNKNOWN)}/{target['averageValue']}{suffix}"
    if resource:
        used, goal = seen.get("averageUtilization"), target.get("averageUtilization")
        return f"{prefix}{UNKNOWN if used is None else f'{used}%'}/{'<auto>' if goal is None else f'{goal}%'}"
    return f"{seen.get('value', UNKNOWN)}/{target.get('value')}"
