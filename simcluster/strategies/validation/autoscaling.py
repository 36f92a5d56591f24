"""HorizontalPodAutoscalers."""

from __future__ import annotations

from collections.abc import Mapping

from simcluster.errors import Cause
from simcluster.strategies import amounts
from simcluster.strategies.validation import formats, values
from simcluster.strategies.validation.causes import prohibited, required, unsupported, wrong
from simcluster.values import JsonObject

_METRICS: Mapping[str, str] = {
    "ContainerResource": "containerResource",
    "External": "external",
    "Object": "object",
    "Pods": "pods",
    "Resource": "resource",
}
_TARGET_VERSION = "spec.scaleTargetRef.apiVersion"
_MOST_WINDOW, _MOST_PERIOD = 3600, 1800


def autoscaler(obj: JsonObject) -> list[Cause]:
    """Check a HorizontalPodAutoscaler of either version."""
    spec = obj["spec"]
    least, most = spec["minReplicas"], spec.get("maxReplicas", 0)
    causes: list[Cause] = []
    late: list[Cause] = []
    if least < 0:
        late.append(wrong("spec.minReplicas", least, "must be greater than or equal to 0"))
    if not most:
        late.append(required("spec.maxReplicas"))
    elif most < 0:
        late.append(wrong("spec.maxReplicas", most, "must be greater than or equal to 1"))
    if most < least:
        causes.append(wrong("spec.maxReplicas", most, "must be greater than or equal to `minReplicas`"))
    for field in ("kind", "name"):
        value = spec["scaleTargetRef"].get(field, "")
        found = values.name(value, formats.path_segment(value), f"spec.scaleTargetRef.{field}")
        (causes if value else late).extend(found)
    causes += _target_version(spec["scaleTargetRef"])
    for number, metric in enumerate(spec.get("metrics", ())):
        causes += _metric(metric, f"spec.metrics[{number}]")
    if least == 0 and not {"Object", "External"} & {each.get("type") for each in spec.get("metrics", ())}:
        text = "must specify at least one Object or External metric to support scaling to zero replicas"
        causes.append(prohibited("spec.metrics", text))
    for direction, rules in sorted(spec.get("behavior", {}).items(), reverse=True):
        causes += _rules(rules, f"spec.behavior.{direction}")
    return causes + late


def _target_version(target: JsonObject) -> list[Cause]:
    """Check the version of what is scaled; only ReplicationControllers are of the core group."""
    version = target.get("apiVersion", "")
    group, _, rest = version.rpartition("/")
    at = _TARGET_VERSION
    if "/" in group and rest:
        return [wrong(at, version, f"unexpected GroupVersion string: {version}")]
    if group or target.get("kind") == "ReplicationController":
        return []
    return [wrong(at, version, "apiVersion must specify API group")]


def _metric(metric: JsonObject, at: str) -> list[Cause]:
    kind = metric.get("type", "")
    if kind not in _METRICS:
        causes = [] if kind else [required(f"{at}.type", "must specify a metric source type")]
        return [*causes, unsupported(f"{at}.type", kind, tuple(_METRICS))]
    field = _METRICS[kind]
    source = metric.get(field)
    if source is None:
        return [required(f"{at}.{field}", "must populate information for the given metric source")]
    causes = _source(kind, source, f"{at}.{field}")
    extra = [each for each in _METRICS.values() if each in metric and each != field]
    text = "must populate the given metric source only"
    return causes + [prohibited(f"{at}.{each}", text) for each in extra]


def _source(kind: str, source: JsonObject, at: str) -> list[Cause]:
    causes: list[Cause] = []
    target = source["target"]
    if kind in {"Resource", "ContainerResource"}:
        if not source.get("name"):
            causes.append(required(f"{at}.name", "must specify a resource name"))
        causes += _target(target, f"{at}.target")
        if "averageUtilization" not in target and "averageValue" not in target:
            text = "must set either a target raw value or a target utilization"
            causes.append(required(f"{at}.target.averageUtilization", text))
        elif "averageUtilization" in target and "averageValue" in target:
            text = "may not set both a target raw value and a target utilization"
            causes.append(prohibited(f"{at}.target.averageValue", text))
        return causes
    if not source["metric"].get("name"):
        causes.append(required(f"{at}.metric.name", "must specify a metric name"))
    return causes + _target(target, f"{at}.target")


def _target(target: JsonObject, at: str) -> list[Cause]:
    causes: list[Cause] = []
    kind = target.get("type", "")
    if not kind:
        causes.append(required(f"{at}.type", "must specify a metric target type"))
    if kind not in {"Utilization", "Value", "AverageValue"}:
        text = "must be either Utilization, Value, or AverageValue"
        causes.append(wrong(f"{at}.type", kind, text))
    causes += [
        wrong(f"{at}.{field}", target[field], "must be positive")
        for field in ("value", "averageValue")
        if field in target and amounts.amount(target[field]) <= 0
    ]
    share = target.get("averageUtilization")
    if share is not None and share < 1:
        causes.append(wrong(f"{at}.averageUtilization", share, "must be greater than 0"))
    return causes


def _rules(rules: JsonObject, at: str) -> list[Cause]:
    causes: list[Cause] = []
    window = rules.get("stabilizationWindowSeconds")
    if window is not None and window < 0:
        text = "must be greater than or equal to zero"
        causes.append(wrong(f"{at}.stabilizationWindowSeconds", window, text))
    if window is not None and window > _MOST_WINDOW:
        text = f"must be less than or equal to {_MOST_WINDOW}"
        causes.append(wrong(f"{at}.stabilizationWindowSeconds", window, text))
    policies = ("Disabled", "Max", "Min")
    causes += values.optional_choice(rules.get("selectPolicy"), policies, f"{at}.selectPolicy")
    if not rules.get("policies"):
        causes.append(required(f"{at}.policies", "must specify at least one Policy"))
    for number, policy in enumerate(rules.get("policies", ())):
        here = f"{at}.policies[{number}]"
        if policy.get("type") not in {"Pods", "Percent"}:
            causes.append(unsupported(f"{here}.type", policy.get("type", ""), ("Percent", "Pods")))
        causes += values.positive(policy.get("value", 0), f"{here}.value")
        period = policy.get("periodSeconds", 0)
        causes += values.positive(period, f"{here}.periodSeconds")
        if period > _MOST_PERIOD:
            text = f"must be less than or equal to {_MOST_PERIOD}"
            causes.append(wrong(f"{here}.periodSeconds", period, text))
    return causes


def autoscaler_update(new: JsonObject, old: JsonObject) -> list[Cause]:
    """Check a change of an autoscaler: a target's version that was wrong before may stay so."""
    causes = autoscaler(new)
    if _target_version(old["spec"]["scaleTargetRef"]):
        causes = [cause for cause in causes if cause.field != _TARGET_VERSION]
    return causes


def autoscaler_status(new: JsonObject, old: JsonObject) -> list[Cause]:
    """Check a change of an autoscaler's status."""
    del old
    causes: list[Cause] = []
    for field in ("currentReplicas", "desiredReplicas"):
        causes += values.non_negative(new["status"].get(field), f"status.{field}")
    return causes
