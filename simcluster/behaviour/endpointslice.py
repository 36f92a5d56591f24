"""Which addresses a Service has: EndpointSlices of up to 100 endpoints, and the older Endpoints."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import orjson

from simcluster.behaviour import pods as pod_rules
from simcluster.behaviour.meta import age_key, controller_reference, deleting, spec_of, status_of
from simcluster.values import JsonObject

SERVICE_LABEL = "kubernetes.io/service-name"
TRIGGERED = "endpoints.kubernetes.io/last-change-trigger-time"
_MANAGED = {"endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io"}
_HEADLESS = "service.kubernetes.io/headless"
_SLICE_MAX = 100


def backing(pods: Iterable[JsonObject]) -> list[JsonObject]:
    """Return the pods that have an address and have not ended, oldest first."""
    found = [each for each in pods if status_of(each).get("podIP") and not pod_rules.finished(each)]
    return sorted(found, key=age_key)


def ports_of(service: JsonObject, pod: JsonObject) -> list[JsonObject]:
    """Return a Service's ports as they are on one pod; a named target that the pod lacks is left out."""
    found = []
    for port in spec_of(service).get("ports") or ():
        number = _number(port, pod)
        if number is not None:
            name, protocol = port.get("name", ""), port.get("protocol", "TCP")
            entry = {"name": name, "protocol": protocol, "port": number}
            if port.get("appProtocol"):
                entry["appProtocol"] = port["appProtocol"]
            found.append(entry)
    return found


def _number(port: JsonObject, pod: JsonObject) -> int | None:
    target = port.get("targetPort", port["port"])
    if isinstance(target, int):
        return target or int(port["port"])
    for container in spec_of(pod).get("containers") or ():
        for each in container.get("ports") or ():
            if each.get("name") == target and each.get("protocol", "TCP") == port.get("protocol", "TCP"):
                return int(each["containerPort"])
    return None


def slices(service: JsonObject, pods: Iterable[JsonObject], zones: dict[str, str]) -> list[JsonObject]:
    """Return the wanted slices without names; at least one. `zones` are the nodes'."""
    grouped: dict[bytes, tuple[list[JsonObject], list[JsonObject]]] = {}
    for pod in backing(pods):
        ports = ports_of(service, pod)
        _, endpoints = grouped.setdefault(orjson.dumps(ports), (ports, []))
        endpoints.append(_endpoint(service, pod, zones))
    if not grouped:
        return [_slice(service, [], [])]
    found = []
    for _, (ports, endpoints) in sorted(grouped.items()):
        starts = range(0, len(endpoints), _SLICE_MAX)
        found += [_slice(service, ports, endpoints[first : first + _SLICE_MAX]) for first in starts]
    return found


def _slice(service: JsonObject, ports: list[JsonObject], endpoints: list[JsonObject]) -> JsonObject:
    metadata = service["metadata"]
    both = {**(metadata.get("labels") or {}), **_MANAGED, SERVICE_LABEL: metadata["name"]}
    if spec_of(service).get("clusterIP") == "None":
        both[_HEADLESS] = ""
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "generateName": f"{metadata['name']}-",
            "namespace": metadata["namespace"],
            "labels": both,
            "ownerReferences": [controller_reference(service)],
        },
        "addressType": "IPv4",
        "endpoints": endpoints or None,
        "ports": ports or None,
    }


def _endpoint(service: JsonObject, pod: JsonObject, zones: dict[str, str]) -> JsonObject:
    ready = pod_rules.ready(pod)
    published = bool(spec_of(service).get("publishNotReadyAddresses"))
    node = spec_of(pod).get("nodeName", "")
    found: JsonObject = {
        "addresses": [status_of(pod)["podIP"]],
        "conditions": {
            "ready": published or (ready and not deleting(pod)),
            "serving": ready,
            "terminating": deleting(pod),
        },
        "nodeName": node,
        "targetRef": _target(pod),
    }
    if zones.get(node):
        found["zone"] = zones[node]
    if spec_of(pod).get("hostname") and spec_of(pod).get("subdomain") == service["metadata"]["name"]:
        found["hostname"] = spec_of(pod)["hostname"]
    return found


def _target(pod: JsonObject) -> JsonObject:
    metadata = pod["metadata"]
    return {
        "kind": "Pod",
        "namespace": metadata["namespace"],
        "name": metadata["name"],
        "uid": metadata["uid"],
    }


def endpoints(service: JsonObject, pods: Iterable[JsonObject]) -> JsonObject:
    """Return the wanted Endpoints."""
    metadata = service["metadata"]
    both = {**(metadata.get("labels") or {}), "endpoints.kubernetes.io/managed-by": "endpoint-controller"}
    if spec_of(service).get("clusterIP") == "None":
        both[_HEADLESS] = ""
    found: JsonObject = {
        "apiVersion": "v1",
        "kind": "Endpoints",
        "metadata": {"name": metadata["name"], "namespace": metadata["namespace"], "labels": both},
    }
    subsets = _subsets(service, [each for each in backing(pods) if not deleting(each)])
    return {**found, "subsets": subsets} if subsets else found


def _subsets(service: JsonObject, pods: Sequence[JsonObject]) -> list[JsonObject]:
    published = bool(spec_of(service).get("publishNotReadyAddresses"))
    grouped: dict[bytes, JsonObject] = {}
    for pod in pods:
        ports = ports_of(service, pod)
        subset = grouped.setdefault(orjson.dumps(ports), {"ports": ports} if ports else {})
        kind = "addresses" if published or pod_rules.ready(pod) else "notReadyAddresses"
        address: JsonObject = {"ip": status_of(pod)["podIP"], "targetRef": _target(pod)}
        if spec_of(pod).get("nodeName"):
            address["nodeName"] = spec_of(pod)["nodeName"]
        if spec_of(pod).get("hostname") and spec_of(pod).get("subdomain") == service["metadata"]["name"]:
            address["hostname"] = spec_of(pod)["hostname"]
        subset.setdefault(kind, []).append(address)
    for subset in grouped.values():
        for port in subset.get("ports") or ():
            if not port["name"]:
                del port["name"]
    return [subset for _, subset in sorted(grouped.items())]
