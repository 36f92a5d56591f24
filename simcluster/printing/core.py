"""The rows of the core group's kinds other than Pods and what runs them, and of Leases and Events."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from simcluster.printing.cells import (
    NONE,
    UNKNOWN,
    Row,
    age,
    at,
    condition,
    cut_short,
    elements,
    labels_text,
    name,
    number,
    since,
    text,
)
from simcluster.values import JsonObject

_ROLE = "node-role.kubernetes.io/"


def named(obj: JsonObject, now: datetime) -> Row:
    """Return the cells of a kind that shows its name and age only."""
    return [name(obj), age(obj, now)]


def created(obj: JsonObject, _now: datetime) -> Row:
    """Return the cells of a kind that the server has no printer for: its name and when it was created."""
    return [name(obj), text(obj, "metadata.creationTimestamp")]


def config_map(obj: JsonObject, now: datetime) -> Row:
    """Return the cells of a ConfigMap."""
    return [name(obj), len(obj.get("data") or {}) + len(obj.get("binaryData") or {}), age(obj, now)]


def secret(obj: JsonObject, now: datetime) -> Row:
    """Return the cells of a Secret: how many values it has, none of them."""
    return [name(obj), text(obj, "type"), len(obj.get("data") or {}), age(obj, now)]


def namespace(obj: JsonObject, now: datetime) -> Row:
    """Return the cells of a Namespace."""
    return [name(obj), text(obj, "status.phase"), age(obj, now)]


def service(obj: JsonObject, now: datetime) -> Row:
    """Return the cells of a Service."""
    addresses = elements(obj, "spec.clusterIPs")
    ports = [_service_port(each) for each in elements(obj, "spec.ports")]
    return [
        name(obj),
        text(obj, "spec.type"),
        addresses[0] if addresses else NONE,
        _external(obj),
        ",".join(ports) or NONE,
        age(obj, now),
        labels_text(at(obj, "spec.selector")),
    ]


def _service_port(port: JsonObject) -> str:
    node_port = f":{port['nodePort']}" if port.get("nodePort") else ""
    return f"{port.get('port')}{node_port}/{port.get('protocol', 'TCP')}"


def _external(obj: JsonObject) -> str:
    kind, extra = text(obj, "spec.type"), elements(obj, "spec.externalIPs")
    if kind == "ExternalName":
        return text(obj, "spec.externalName")
    if kind == "LoadBalancer":
        return ",".join([*balancers(obj), *extra]) or "<pending>"
    if kind in ("ClusterIP", "NodePort"):
        return ",".join(extra) or NONE
    return UNKNOWN


def balancers(obj: JsonObject) -> list[str]:
    """Return the addresses of a Service's or Ingress' load balancers, sorted."""
    found = elements(obj, "status.loadBalancer.ingress")
    return sorted({each.get("ip") or each.get("hostname") for each in found} - {None, ""})


def endpoints(obj: JsonObject, now: datetime) -> Row:
    """Return the cells of an Endpoints."""
    return [name(obj), cut_short(list(_addresses(obj)), empty="") or _no_endpoints(obj), age(obj, now)]


def _no_endpoints(obj: JsonObject) -> str:
    return "" if elements(obj, "subsets") else NONE


def _addresses(obj: JsonObject) -> Iterator[str]:
    for subset in elements(obj, "subsets"):
        for port in subset.get("ports") or [{}]:
            for address in subset.get("addresses") or []:
                host = f"[{address['ip']}]" if ":" in address["ip"] and port else address["ip"]
                yield f"{host}:{port['port']}" if port else host


def node(obj: JsonObject, now: datetime) -> Row:
    """Return the cells of a Node."""
    kernel = text(obj, "status.nodeInfo.kernelVersion", UNKNOWN)
    architecture = text(obj, "status.nodeInfo.architecture")
    return [
        name(obj),
        _node_state(obj),
        ",".join(sorted(_roles(obj))) or NONE,
        age(obj, now),
        text(obj, "status.nodeInfo.kubeletVersion"),
        _node_address(obj, "InternalIP"),
        _node_address(obj, "ExternalIP"),
        text(obj, "status.nodeInfo.osImage", UNKNOWN),
        f"{kernel} ({architecture})" if architecture else kernel,
        text(obj, "status.nodeInfo.containerRuntimeVersion", UNKNOWN),
    ]


def _node_state(obj: JsonObject) -> str:
    ready = condition(elements(obj, "status.conditions"), "Ready")
    state = "Unknown"
    if ready:
        state = "Ready" if ready.get("status") == "True" else "NotReady"
    return f"{state},SchedulingDisabled" if at(obj, "spec.unschedulable") else state


def _roles(obj: JsonObject) -> set[str]:
    labels = at(obj, "metadata.labels") or {}
    found = {key.removeprefix(_ROLE) for key in labels if key.startswith(_ROLE)}
    return (found | {labels.get("kubernetes.io/role", "")}) - {""}


def _node_address(obj: JsonObject, kind: str) -> str:
    found = (each["address"] for each in elements(obj, "status.addresses") if each.get("type") == kind)
    return next(found, NONE)


def event(obj: JsonObject, now: datetime) -> Row:
    """Return the cells of an Event, in either of its two forms."""
    about = obj.get("involvedObject") or obj.get("regarding") or {}
    first = _either(obj, "firstTimestamp", "deprecatedFirstTimestamp") or text(obj, "eventTime")
    last = _either(obj, "lastTimestamp", "deprecatedLastTimestamp") or first
    count = number(obj, "count") or number(obj, "deprecatedCount") or 1
    if obj.get("series"):
        last, count = text(obj, "series.lastObservedTime"), number(obj, "series.count")
    kind = str(about.get("kind", "")).lower()
    return [
        since(last, now),
        text(obj, "type"),
        text(obj, "reason"),
        f"{kind}/{about['name']}" if about.get("name") else kind,
        about.get("fieldPath") or "",
        _source(obj),
        _either(obj, "message", "note").strip(),
        since(first, now),
        count,
        name(obj),
    ]


def _either(obj: JsonObject, *paths: str) -> str:
    return next((found for found in (text(obj, path) for path in paths) if found), "")


def _source(obj: JsonObject) -> str:
    component = _either(
        obj,
        "source.component",
        "deprecatedSource.component",
        "reportingComponent",
        "reportingController",
    )
    host = _either(obj, "source.host", "deprecatedSource.host", "reportingInstance")
    return f"{component}, {host}" if host else component


def resource_quota(obj: JsonObject, now: datetime) -> Row:
    """Return the cells of a ResourceQuota: what is used of what is allowed, limits apart."""
    hard, used = at(obj, "status.hard") or {}, at(obj, "status.used") or {}
    shown = [(key, f"{key}: {used.get(key, '0')}/{hard[key]}") for key in sorted(hard)]
    requests = ", ".join(each for key, each in shown if not key.startswith("limits."))
    limits = ", ".join(each for key, each in shown if key.startswith("limits."))
    return [name(obj), requests, limits, age(obj, now)]


def component_status(obj: JsonObject, _now: datetime) -> Row:
    """Return the cells of a ComponentStatus."""
    healthy = condition(obj.get("conditions") or [], "Healthy")
    if healthy is None:
        return [name(obj), "Unknown", "", ""]
    state = "Healthy" if healthy.get("status") == "True" else "Unhealthy"
    return [name(obj), state, healthy.get("message", ""), healthy.get("error", "")]


def lease(obj: JsonObject, now: datetime) -> Row:
    """Return the cells of a Lease."""
    return [name(obj), text(obj, "spec.holderIdentity"), age(obj, now)]
