"""What a cluster holds before anyone uses it, as a new kube-apiserver and its controllers make it.

Made so that a thousand clusters start in seconds: bodies are built once for a process; a cluster gets copies
with its own uids and times, or, where nobody could tell, the very same records.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from random import Random

from simcluster.api.identity import new_uid
from simcluster.rbac import bootstrap as rbac
from simcluster.store.records import Stored, stored
from simcluster.values import JsonObject

REVISION = 1
NAMESPACES = ("default", "kube-node-lease", "kube-public", "kube-system")
_UID = "00000000-0000-4000-8000-000000000000"
_TIME = "2026-01-01T00:00:00Z"
_ZONES = ("a", "b")
_CAPACITY = {"cpu": "32", "memory": "256Gi", "pods": "500"}
ROOT_CERTIFICATES = "kube-root-ca.crt"
_DESCRIPTION = (
    "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such "
    "as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across "
    "distributions of Kubernetes clusters."
)
_CONDITIONS = (
    ("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
    ("MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
    ("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
    ("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
    ("NetworkUnavailable", "False", "RouteCreated", "RouteController created a route"),
)
_PRIORITIES = (
    ("system-cluster-critical", 2000000000, "but can be moved to another node if necessary."),
    ("system-node-critical", 2000001000, "and must not be moved from its node."),
)


def seed(now: str, chance: Random, nodes: int) -> Iterator[Stored]:
    """Return the records that a new cluster starts with, with `nodes` Nodes named `node-0` and on."""
    yield from rbac.records(REVISION)
    yield from _shared()
    for template in _templates(nodes):
        uid = new_uid(chance)
        body = template.body.replace(_UID.encode(), uid.encode()).replace(_TIME.encode(), now.encode())
        yield Stored(
            template.storage,
            template.namespace,
            template.name,
            uid,
            REVISION,
            template.api_version,
            template.labels,
            template.head,
            body,
        )


@cache
def _shared() -> tuple[Stored, ...]:
    """Return the records that are the same in every cluster of the process."""
    found = [
        _record(
            "scheduling.k8s.io/priorityclasses",
            "scheduling.k8s.io/v1",
            "PriorityClass",
            name,
            _priority(value, rest),
        )
        for name, value, rest in _PRIORITIES
    ]
    found.append(
        _record(
            "storage.k8s.io/storageclasses",
            "storage.k8s.io/v1",
            "StorageClass",
            "standard",
            {
                "metadata": {"annotations": {"storageclass.kubernetes.io/is-default-class": "true"}},
                "provisioner": "simcluster.example/volumes",
                "reclaimPolicy": "Delete",
                "volumeBindingMode": "Immediate",
            },
        )
    )
    return tuple(found)


@cache
def _templates(nodes: int) -> tuple[Stored, ...]:
    found = []
    for namespace in NAMESPACES:
        found += [
            _record("namespaces", "v1", "Namespace", namespace, _namespace(namespace)),
            _record(
                "serviceaccounts", "v1", "ServiceAccount", "default", {"metadata": {"namespace": namespace}}
            ),
            _record("configmaps", "v1", "ConfigMap", ROOT_CERTIFICATES, _owned_certificates(namespace)),
        ]
    found.append(_record("services", "v1", "Service", "kubernetes", _service()))
    found += [_record("nodes", "v1", "Node", f"node-{number}", _node(number)) for number in range(nodes)]
    return tuple(found)


def _record(storage: str, api_version: str, kind: str, name: str, rest: JsonObject) -> Stored:
    metadata = {**rest.get("metadata", {}), "name": name, "uid": _UID, "creationTimestamp": _TIME}
    obj = {**rest, "apiVersion": api_version, "kind": kind, "metadata": metadata}
    return stored(storage, obj, REVISION)


def _owned(manager: str, api_version: str, fields: JsonObject) -> list[JsonObject]:
    return [
        {
            "manager": manager,
            "operation": "Update",
            "apiVersion": api_version,
            "time": _TIME,
            "fieldsType": "FieldsV1",
            "fieldsV1": fields,
        }
    ]


def _named(*names: str) -> JsonObject:
    return {f"f:{name}": {} for name in names}


def _namespace(name: str) -> JsonObject:
    fields: JsonObject = {"f:metadata": {"f:labels": {".": {}, "f:kubernetes.io/metadata.name": {}}}}
    return {
        "metadata": {
            "labels": {"kubernetes.io/metadata.name": name},
            "managedFields": _owned("kube-apiserver", "v1", fields),
        },
        "spec": {"finalizers": ["kubernetes"]},
        "status": {"phase": "Active"},
    }


def certificates(namespace: str) -> JsonObject:
    """Return the metadata and data of the ConfigMap of certificates that every namespace has."""
    return {
        "metadata": {
            "name": ROOT_CERTIFICATES,
            "namespace": namespace,
            "annotations": {"kubernetes.io/description": _DESCRIPTION},
        },
        "data": {"ca.crt": "# simcluster: a simulated cluster has no certificate authority of its own\n"},
    }


def _owned_certificates(namespace: str) -> JsonObject:
    fields = {
        "f:data": {".": {}, "f:ca.crt": {}},
        "f:metadata": {"f:annotations": {".": {}, "f:kubernetes.io/description": {}}},
    }
    found = certificates(namespace)
    found["metadata"]["managedFields"] = _owned("kube-controller-manager", "v1", fields)
    return found


def _service() -> JsonObject:
    ports = {
        ".": {},
        'k:{"port":443,"protocol":"TCP"}': {".": {}, **_named("name", "port", "protocol", "targetPort")},
    }
    spec = _named("clusterIP", "internalTrafficPolicy", "ipFamilyPolicy", "sessionAffinity", "type") | {
        "f:ports": ports
    }
    labels = {".": {}, **_named("component", "provider")}
    return {
        "metadata": {
            "namespace": "default",
            "labels": {"component": "apiserver", "provider": "kubernetes"},
            "managedFields": _owned(
                "kube-apiserver", "v1", {"f:metadata": {"f:labels": labels}, "f:spec": spec}
            ),
        },
        "spec": {
            "ports": [{"name": "https", "protocol": "TCP", "port": 443, "targetPort": 6443}],
            "clusterIP": "10.0.0.1",
            "clusterIPs": ["10.0.0.1"],
            "type": "ClusterIP",
            "sessionAffinity": "None",
            "ipFamilies": ["IPv4"],
            "ipFamilyPolicy": "SingleStack",
            "internalTrafficPolicy": "Cluster",
        },
        "status": {"loadBalancer": {}},
    }


def _priority(value: int, rest: str) -> JsonObject:
    fields = _named("description", "preemptionPolicy", "value")
    return {
        "metadata": {
            "generation": 1,
            "managedFields": _owned("kube-apiserver", "scheduling.k8s.io/v1", fields),
        },
        "value": value,
        "description": f"Used for system critical pods that must run in the cluster, {rest}",
        "preemptionPolicy": "PreemptLowerPriority",
    }


def _node(number: int) -> JsonObject:
    """A Node that its kubelet has reported Ready. Nobody owns its fields yet: that keeps it small."""
    name = f"node-{number}"
    return {
        "metadata": {
            "labels": {
                "kubernetes.io/arch": "amd64",
                "kubernetes.io/hostname": name,
                "kubernetes.io/os": "linux",
                "node.kubernetes.io/instance-type": "simcluster",
                "topology.kubernetes.io/region": "north",
                "topology.kubernetes.io/zone": f"north-{_ZONES[number % len(_ZONES)]}",
            },
            "annotations": {"node.alpha.kubernetes.io/ttl": "0"},
        },
        "spec": {},
        "status": node_status(name, _TIME),
    }


def node_status(name: str, now: str) -> JsonObject:
    """Return what a kubelet reports of its Node at first; `now` is in RFC 3339."""
    times = {"lastHeartbeatTime": now, "lastTransitionTime": now}
    return {
        "capacity": _CAPACITY,
        "allocatable": _CAPACITY,
        "conditions": [
            {"type": kind, "status": status, "reason": reason, "message": message, **times}
            for kind, status, reason, message in _CONDITIONS
        ],
        "addresses": [
            {"type": "InternalIP", "address": "127.0.0.1"},
            {"type": "Hostname", "address": name},
        ],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": 0}},
        "nodeInfo": {
            **dict.fromkeys(("bootID", "kubeProxyVersion", "machineID", "osImage", "systemUUID"), ""),
            **dict.fromkeys(("containerRuntimeVersion", "kernelVersion", "kubeletVersion"), "simcluster"),
            "architecture": "amd64",
            "operatingSystem": "linux",
        },
    }
