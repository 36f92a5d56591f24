"""core/v1 besides Pods, Services, limits and storage: namespaces, ConfigMaps, Secrets, Nodes, events."""

from __future__ import annotations

import base64
from collections.abc import Mapping

import orjson

from simcluster.errors import Cause
from simcluster.kinds import json_syntax
from simcluster.strategies.validation import formats, meta, pods, scheduling, values
from simcluster.strategies.validation.causes import (
    prohibited,
    required,
    too_long,
    unsupported,
    wrong,
)
from simcluster.values import JsonObject

_MOST_DATA = 1 << 20
_FROZEN = "field is immutable when `immutable` is set"
_REDACTED = "<secret contents redacted>"
_DOCKER = {"kubernetes.io/dockercfg": ".dockercfg", "kubernetes.io/dockerconfigjson": ".dockerconfigjson"}
_ALL_OF: Mapping[str, tuple[str, ...]] = {
    "kubernetes.io/tls": ("tls.crt", "tls.key"),
    "kubernetes.io/ssh-auth": ("ssh-privatekey",),
}
_BASIC = ("username", "password")
_ACCOUNT = "kubernetes.io/service-account.name"
_STANDARD = frozenset({"kubernetes", "orphan", "foregroundDeletion"})


def namespace(obj: JsonObject) -> list[Cause]:
    """Check a new Namespace."""
    causes: list[Cause] = []
    for each in obj["spec"].get("finalizers", ()):
        causes += values.faulty(each, formats.qualified_name(each), "spec.finalizers")
        if "/" not in each and each not in _STANDARD:
            text = "name is neither a standard finalizer name nor is it fully qualified"
            causes.append(wrong("spec.finalizers", each, text))
    return causes


def namespace_status(new: JsonObject, old: JsonObject) -> list[Cause]:
    """Check a change of a Namespace's status against whether it is being deleted."""
    del old
    phase = new["status"].get("phase", "")
    if "deletionTimestamp" not in new["metadata"]:
        text = "may only be 'Active' if `deletionTimestamp` is empty"
        return [] if phase == "Active" else [wrong("status.Phase", phase, text)]
    text = "may only be 'Terminating' if `deletionTimestamp` is not empty"
    return [] if phase == "Terminating" else [wrong("status.Phase", phase, text)]


def config_map(obj: JsonObject) -> list[Cause]:
    """Check the data of a ConfigMap."""
    data, binary = obj.get("data", {}), obj.get("binaryData", {})
    causes: list[Cause] = []
    size = 0
    for key, value in data.items():
        faults = formats.config_key(key)
        if faults:
            causes += values.faulty(key, faults, f"data[{key}]")
        if key in binary:
            causes.append(wrong(f"data[{key}]", key, "duplicate of key present in binaryData"))
        size += len(value.encode())
    for key, value in binary.items():
        causes += values.faulty(key, formats.config_key(key), f"binaryData[{key}]")
        size += _decoded_size(value)
    if size > _MOST_DATA:
        causes.append(too_long("", _MOST_DATA))
    return causes


def config_map_update(new: JsonObject, old: JsonObject) -> list[Cause]:
    """Check a change of a ConfigMap, which may have been frozen."""
    return _frozen(new, old, ("data", "binaryData")) + config_map(new)


def _frozen(new: JsonObject, old: JsonObject, fields: tuple[str, ...]) -> list[Cause]:
    if not old.get("immutable"):
        return []
    causes = [] if new.get("immutable") else [prohibited("immutable", _FROZEN)]
    return causes + [prohibited(field, _FROZEN) for field in fields if new.get(field) != old.get(field)]


def _decoded_size(value: str) -> int:
    return len(value) * 3 // 4 - value.count("=")


def secret(obj: JsonObject) -> list[Cause]:
    """Check a Secret's keys, its size, and what its type requires. Values appear nowhere."""
    data, kind = obj.get("data", {}), obj.get("type", "")
    causes: list[Cause] = []
    size = 0
    for key, value in data.items():
        faults = formats.config_key(key)
        if faults:
            causes += values.faulty(key, faults, f"data[{key}]")
        size += _decoded_size(value)
    if size > _MOST_DATA:
        causes.append(too_long("data", _MOST_DATA))
    if kind == "kubernetes.io/service-account-token" and not obj["metadata"].get("annotations", {}).get(
        _ACCOUNT
    ):
        causes.append(required(f"metadata.annotations[{_ACCOUNT}]"))
    elif kind in _DOCKER:
        causes += _docker(data.get(_DOCKER[kind]), f"data[{_DOCKER[kind]}]")
    elif kind == "kubernetes.io/basic-auth" and not data.keys() & set(_BASIC):
        causes += [required(f"data[{key}]") for key in _BASIC]
    elif kind in _ALL_OF:
        causes += [required(f"data[{key}]") for key in _ALL_OF[kind] if key not in data]
    return causes


def _docker(value: str | None, at: str) -> list[Cause]:
    if value is None:
        return [required(at)]
    text = base64.b64decode(value)
    because = json_syntax.error(text)
    if because:
        return [wrong(at, _REDACTED, because)]
    read = orjson.loads(text)
    return [] if isinstance(read, dict) else [wrong(at, _REDACTED, "json: cannot unmarshal into Go value")]


def secret_update(new: JsonObject, old: JsonObject) -> list[Cause]:
    """Check a change of a Secret: its type stays, and all of it once it is frozen."""
    return (
        _frozen(new, old, ("data",)) + secret(new) + meta.immutable(new.get("type"), old.get("type"), "type")
    )


def node(obj: JsonObject) -> list[Cause]:
    """Check a new Node."""
    causes = scheduling.taints(obj["spec"].get("taints", ()), "metadata.taints")
    for number, block in enumerate(obj["spec"].get("podCIDRs", ())):
        causes += values.cidr(block, f"spec.podCIDRs[{number}]")
    return causes


def node_update(new: JsonObject, old: JsonObject) -> list[Cause]:
    """Check a change of a Node: addresses of Pods and the provider's name stay."""
    causes: list[Cause] = []
    spec, before = new["spec"], old["spec"]
    had, has = before.get("podCIDRs", []), spec.get("podCIDRs", [])
    if had and had != has:
        text = 'node updates may not change podCIDR except from "" to valid'
        causes.append(prohibited("spec.podCIDRs", text))
    causes += scheduling.taints(spec.get("taints", ()), "metadata.taints")
    if before.get("providerID") and spec.get("providerID") != before["providerID"]:
        what = "cannot be modified once set" if spec.get("providerID") else "cannot be cleared once set"
        causes.append(wrong("spec.providerID", None, f"field {what}"))
    return causes


def event(obj: JsonObject) -> list[Cause]:
    """Check an Event of either group; `regarding` and `note` are the newer one's words."""
    newer = obj["apiVersion"].startswith("events.k8s.io")
    involved = obj.get("regarding" if newer else "involvedObject", {})
    namespace, own = involved.get("namespace", ""), obj["metadata"].get("namespace", "")
    causes: list[Cause] = []
    if namespace != own and (namespace or own != "default"):
        causes.append(wrong("involvedObject.namespace", namespace, "does not match event.namespace"))
    if obj.get("eventTime"):
        causes += _reporter(obj, newer=newer)
    if newer:
        causes += [] if obj.get("eventTime") else [required("eventTime")]
        if obj.get("type") not in {"Normal", "Warning"}:
            causes.append(wrong("type", "", f"has invalid value: {obj.get('type', '')}"))
    return causes


def _reporter(obj: JsonObject, *, newer: bool) -> list[Cause]:
    field = "reportingController" if newer else "reportingComponent"
    controller = obj.get(field, "")
    causes = [] if controller else [required(field)]
    causes += values.faulty(controller, formats.qualified_name(controller), field)
    return causes + [
        required(each) for each in ("reportingInstance", "action", "reason") if not obj.get(each)
    ]


def pod_template(obj: JsonObject) -> list[Cause]:
    """Check a PodTemplate."""
    return pods.template(obj["template"], "template")


def pod_template_update(new: JsonObject, old: JsonObject) -> list[Cause]:
    """Check a change of a PodTemplate."""
    del old
    return pod_template(new)


def replication_controller(obj: JsonObject) -> list[Cause]:
    """Check a ReplicationController."""
    spec = obj["spec"]
    causes = values.non_negative(spec.get("minReadySeconds"), "spec.minReadySeconds")
    selector = spec.get("selector", {})
    if not selector:
        causes.append(required("spec.selector"))
    causes += values.non_negative(spec.get("replicas"), "spec.replicas")
    template = spec.get("template")
    if template is None:
        return [*causes, required("spec.template")]
    labels = template["metadata"].get("labels", {})
    if any(labels.get(key) != value for key, value in selector.items()):
        text = "`selector` does not match template `labels`"
        causes.append(wrong("spec.template.metadata.labels", labels, text))
    causes += pods.template(template, "spec.template")
    if template["spec"]["restartPolicy"] != "Always":
        policy = template["spec"]["restartPolicy"]
        causes.append(unsupported("spec.template.spec.restartPolicy", policy, ("Always",)))
    return causes


def replication_controller_update(new: JsonObject, old: JsonObject) -> list[Cause]:
    """Check a change of a ReplicationController."""
    del old
    return replication_controller(new)
