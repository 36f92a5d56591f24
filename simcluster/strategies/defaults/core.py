"""Defaults of core/v1 besides Pods: Services, ConfigMaps, Secrets, volumes and claims, namespaces, limits."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping

from simcluster.values import JsonObject

_CLIENT_IP_SECONDS = 10800
_EXTERNAL = ("NodePort", "LoadBalancer")

CONSTANTS: Mapping[str, JsonObject] = {
    "core/v1.EndpointPort": {"protocol": "TCP"},
    "core/v1.NamespaceStatus": {"phase": "Active"},
    "core/v1.ObjectFieldSelector": {"apiVersion": "v1"},
    "core/v1.PersistentVolumeClaimSpec": {"volumeMode": "Filesystem"},
    "core/v1.PersistentVolumeClaimStatus": {"phase": "Pending"},
    "core/v1.PersistentVolumeSpec": {"persistentVolumeReclaimPolicy": "Retain", "volumeMode": "Filesystem"},
    "core/v1.PersistentVolumeStatus": {"phase": "Pending"},
    "core/v1.ReplicationControllerSpec": {"replicas": 1},
    "core/v1.Secret": {"type": "Opaque"},
    "core/v1.ServiceSpec": {"sessionAffinity": "None", "type": "ClusterIP"},
}


def _service_port(port: JsonObject) -> None:
    port.setdefault("protocol", "TCP")
    if port.get("targetPort") in {0, "", None}:
        port["targetPort"] = port.get("port", 0)


def _service_spec(spec: JsonObject) -> None:
    if spec["sessionAffinity"] == "None":
        spec.pop("sessionAffinityConfig", None)
    elif spec["sessionAffinity"] == "ClientIP":
        given = (spec.get("sessionAffinityConfig") or {}).get("clientIP") or {}
        if given.get("timeoutSeconds") is None:
            spec["sessionAffinityConfig"] = {"clientIP": {"timeoutSeconds": _CLIENT_IP_SECONDS}}
    kind = spec["type"]
    if kind in _EXTERNAL or (kind == "ClusterIP" and spec.get("externalIPs")):
        spec.setdefault("externalTrafficPolicy", "Cluster")
    if kind in _EXTERNAL or kind == "ClusterIP":
        spec.setdefault("internalTrafficPolicy", "Cluster")
    if kind == "LoadBalancer":
        spec.setdefault("allocateLoadBalancerNodePorts", True)


def _service(service: JsonObject) -> None:
    if service["spec"]["type"] == "LoadBalancer":
        for ingress in service["status"].get("loadBalancer", {}).get("ingress", ()):
            if ingress.get("ip"):
                ingress.setdefault("ipMode", "VIP")


def _secret(secret: JsonObject) -> None:
    written = secret.pop("stringData", None)
    if written:
        encoded = {key: base64.b64encode(text.encode()).decode() for key, text in written.items()}
        secret["data"] = {**secret.get("data", {}), **encoded}


def _namespace(namespace: JsonObject) -> None:
    name = namespace["metadata"].get("name")
    if name:
        labels = namespace["metadata"].get("labels", {})
        namespace["metadata"]["labels"] = {**labels, "kubernetes.io/metadata.name": name}


def _limit_range_item(item: JsonObject) -> None:
    if item["type"] != "Container":
        return
    default = {**item.get("max", {}), **item.get("default", {})}
    request = {**item.get("min", {}), **default, **item.get("defaultRequest", {})}
    if default:
        item["default"] = default
    if request:
        item["defaultRequest"] = request


def _node_status(status: JsonObject) -> None:
    if "capacity" in status and "allocatable" not in status:
        status["allocatable"] = dict(status["capacity"])


def _replication_controller(controller: JsonObject) -> None:
    labels = (controller["spec"].get("template") or {}).get("metadata", {}).get("labels")
    if labels:
        controller["spec"].setdefault("selector", labels)
        controller["metadata"].setdefault("labels", labels)


FINISHES: Mapping[str, Callable[[JsonObject], None]] = {
    "core/v1.LimitRangeItem": _limit_range_item,
    "core/v1.Namespace": _namespace,
    "core/v1.NodeStatus": _node_status,
    "core/v1.ReplicationController": _replication_controller,
    "core/v1.Secret": _secret,
    "core/v1.Service": _service,
    "core/v1.ServicePort": _service_port,
    "core/v1.ServiceSpec": _service_spec,
}
