"""HorizontalPodAutoscalers of autoscaling/v1 and v2 (pkg/apis/autoscaling/v1/conversion.go).

v1 shows one metric, the CPU utilization; the others travel in annotations.
"""

from __future__ import annotations

import orjson

from simcluster.values import JsonObject

_PREFIX = "autoscaling.alpha.kubernetes.io/"
_CARRIED = (("spec", "metrics"), ("spec", "behavior"), ("status", "conditions"))


def to_v1(scaler: JsonObject) -> JsonObject:
    """Return an autoscaler of v2 as one of v1."""
    spec, status = dict(scaler.get("spec", {})), dict(scaler.get("status", {}))
    parts = {"spec": spec, "status": status}
    metadata = dict(scaler["metadata"])
    annotations = dict(metadata.get("annotations", {}))
    metrics = spec.get("metrics", [])
    for metric in metrics:
        if _is_cpu(metric):
            spec["targetCPUUtilizationPercentage"] = metric["resource"]["target"]["averageUtilization"]
            metrics = [other for other in metrics if other is not metric]
            break
    spec["metrics"] = metrics
    for metric in status.pop("currentMetrics", None) or ():
        if metric.get("resource", {}).get("name") == "cpu":
            current = metric["resource"].get("current", {}).get("averageUtilization")
            if current is not None:
                status["currentCPUUtilizationPercentage"] = current
    for part, name in _CARRIED:
        value = parts[part].pop(name, None)
        if value:
            annotations[_PREFIX + name] = orjson.dumps(value).decode()
    if annotations:
        metadata["annotations"] = annotations
    return {**scaler, "apiVersion": "autoscaling/v1", "metadata": metadata, "spec": spec, "status": status}


def to_v2(scaler: JsonObject) -> JsonObject:
    """Return an autoscaler of v1 as one of v2; annotations that cannot be read are left out."""
    spec, status = dict(scaler.get("spec", {})), dict(scaler.get("status", {}))
    parts = {"spec": spec, "status": status}
    metadata = dict(scaler["metadata"])
    annotations = dict(metadata.pop("annotations", {}))
    for part, name in _CARRIED:
        text = annotations.pop(_PREFIX + name, None)
        if text:
            parts[part][name] = _read(text)
    target = spec.pop("targetCPUUtilizationPercentage", None)
    if target is not None:
        cpu = {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": target}}
        spec["metrics"] = [{"type": "Resource", "resource": cpu}, *spec.get("metrics", [])]
    current = status.pop("currentCPUUtilizationPercentage", None)
    if current is not None:
        cpu = {"name": "cpu", "current": {"averageUtilization": current}}
        status["currentMetrics"] = [{"type": "Resource", "resource": cpu}]
    if annotations:
        metadata["annotations"] = annotations
    return {**scaler, "apiVersion": "autoscaling/v2", "metadata": metadata, "spec": spec, "status": status}


def _is_cpu(metric: JsonObject) -> bool:
    resource = metric.get("resource", {})
    return resource.get("name") == "cpu" and "averageUtilization" in resource.get("target", {})


def _read(text: str) -> list[JsonObject] | JsonObject:
    try:
        found: list[JsonObject] | JsonObject = orjson.loads(text)
    except orjson.JSONDecodeError:
        return []
    return found
