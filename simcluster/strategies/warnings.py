"""Warnings that a write answers beside its result."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from simcluster.kinds.kind import Kind
from simcluster.strategies import amounts
from simcluster.strategies.validation import formats
from simcluster.values import JsonObject

_NULL_SELECTOR = "a null labelSelector results in matching no pod"
_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
_PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"
_VOLUMES = {
    "photonPersistentDisk": "deprecated in v1.11, non-functional in v1.16+",
    "gitRepo": "deprecated in v1.11, and disabled by default in v1.33+",
    "scaleIO": "deprecated in v1.16, non-functional in v1.22+",
    "flocker": "deprecated in v1.22, non-functional in v1.25+",
    "storageos": "deprecated in v1.22, non-functional in v1.25+",
    "quobyte": "deprecated in v1.22, non-functional in v1.25+",
    "glusterfs": "deprecated in v1.25, non-functional in v1.26+",
    "cephfs": "deprecated in v1.28, non-functional in v1.31+",
    "rbd": "deprecated in v1.28, non-functional in v1.31+",
}
_SURPRISING = "which can result in surprising behavior; a DNS label is recommended"
# Where kinds have their pod template.
_TEMPLATES: Mapping[str, tuple[str, ...]] = {
    "DaemonSet": ("spec", "template"),
    "Deployment": ("spec", "template"),
    "Job": ("spec", "template"),
    "CronJob": ("spec", "jobTemplate", "spec", "template"),
    "PodTemplate": ("template",),
    "ReplicaSet": ("spec", "template"),
    "ReplicationController": ("spec", "template"),
    "StatefulSet": ("spec", "template"),
}
# Whose names become those of Pods.
_NAMING = frozenset({"Deployment", "ReplicaSet", "Job", "CronJob", "ReplicationController", "Pod"})
_DEPRECATED = {
    ("", "Endpoints"): "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice",
    ("", "ComponentStatus"): "v1 ComponentStatus is deprecated in v1.19+",
}


def deprecation(kind: Kind) -> str:
    """Return what every request for a deprecated kind is warned with, or ""."""
    return _DEPRECATED.get((kind.group, kind.kind), "")


def warnings(obj: JsonObject, kind: Kind, old: JsonObject | None = None) -> list[str]:
    """Return the warnings for storing `obj`, in the place of `old` where there is one.

    Without those of `deprecation`, which go with refusals too. Pod templates are looked at only when an
    update raises the generation.
    """
    if kind.custom is not None:
        return _finalizers(obj, old)
    found: list[str] = []
    name = obj["metadata"].get("name", "")
    if old is None and kind.kind in _NAMING and formats.dns_label(name):
        used = "the Pod's hostname" if kind.kind == "Pod" else "Pod names and hostnames"
        faults = " ".join(formats.dns_label(name))
        found.append(f"metadata.name: this is used in {used}, {_SURPRISING}: [{faults}]")
    if kind.kind == "Pod":
        return found + _pod(obj, "") if old is None else []
    if kind.kind in _TEMPLATES:
        if old is not None and old["metadata"].get("generation") == obj["metadata"].get("generation"):
            return found
        return found + _template(obj, _TEMPLATES[kind.kind])
    special = _SPECIAL.get((kind.group, kind.kind))
    return found if special is None else found + special(obj)


def _finalizers(obj: JsonObject, old: JsonObject | None) -> list[str]:
    before = old["metadata"].get("finalizers", ()) if old is not None else ()
    text = "prefer a domain-qualified finalizer name including a path (/) to avoid accidental conflicts with"
    return [
        f'metadata.finalizers: "{each}": {text} other finalizer writers'
        for each in sorted(obj["metadata"].get("finalizers", ()))
        if each not in before and "/" not in each and each not in {"orphan", "foregroundDeletion"}
    ]


def _template(obj: JsonObject, path: tuple[str, ...]) -> list[str]:
    template: Any = obj
    for field in path:
        template = template.get(field)
        if template is None:
            return []
    return _pod(template, ".".join(path) + ".")


def _pod(holder: JsonObject, at: str) -> list[str]:
    spec = holder["spec"]
    found: list[str] = []
    for number, each in enumerate(spec.get("topologySpreadConstraints", ())):
        if "labelSelector" not in each:
            found.append(f"{at}spec.topologySpreadConstraints[{number}].labelSelector: {_NULL_SELECTOR}")
    for number, volume in enumerate(spec.get("volumes", ())):
        found += [
            f"{at}spec.volumes[{number}].{each}: {_VOLUMES[each]}" for each in volume if each in _VOLUMES
        ]
    found += _twice(
        [each.get("ip", "") for each in spec.get("hostAliases", ())], f"{at}spec.hostAliases", "ip"
    )
    secrets = [each.get("name", "") for each in spec.get("imagePullSecrets", ())]
    found += _twice(secrets, f"{at}spec.imagePullSecrets", "name")
    found += [
        f'{at}spec.imagePullSecrets[{number}].name: invalid empty name ""'
        for number, name in enumerate(secrets)
        if not name
    ]
    # In the order in which the server visits them.
    containers = [
        (container, f"{at}spec.{field}[{number}]")
        for field in ("initContainers", "containers", "ephemeralContainers")
        for number, container in enumerate(spec.get(field) or ())
    ]
    for container, here in containers:
        found += _container(container, here)
    found += _ports(containers)
    return found + _affinity(spec.get("affinity", {}), f"{at}spec.affinity")


def _twice(values: list[str], at: str, field: str) -> list[str]:
    return [
        f'{at}[{number}].{field}: duplicate {field} "{value}"'
        for number, value in enumerate(values)
        if value in values[:number]
    ]


def _container(container: JsonObject, at: str) -> list[str]:
    found: list[str] = []
    for name in ("memory", "ephemeral-storage"):
        for field in ("limits", "requests"):
            text = container["resources"].get(field, {}).get(name)
            if text is not None and amounts.amount(text) % 1:
                because = "is invalid, must be an integer"
                found.append(f'{at}.resources.{field}[{name}]: fractional byte value "{text}" {because}')
    seen: set[str] = set()
    for number, variable in enumerate(container.get("env", ())):
        name, value = variable["name"], variable.get("value", "")
        reference = f"$({name})"
        if name in seen and ("valueFrom" in variable or value == reference or reference not in value):
            because = "which may be dropped when using apply"
            found.append(f'{at}.env[{number}]: hides previous definition of "{name}", {because}')
        seen.add(name)
    return found


def _ports(containers: list[tuple[JsonObject, str]]) -> list[str]:
    found: list[str] = []
    seen: dict[tuple[int, str], list[tuple[JsonObject, str]]] = {}
    listed = [
        (port, f"{at}.ports[{number}]")
        for container, at in containers
        for number, port in enumerate(container.get("ports", ()))
    ]
    for port, at in listed:
        others = seen.setdefault((port["containerPort"], port["protocol"]), [])
        for other, there in others:
            same = all(port.get(field) == other.get(field) for field in ("hostIP", "hostPort"))
            if same:
                found.append(f"{at}: duplicate port definition with {there}")
            elif not port.get("hostPort") or not other.get("hostPort"):
                found.append(f"{at}: overlapping port definition with {there}")
        others.append((port, at))
    names: dict[str, str] = {}
    for port, at in listed:
        name = port.get("name")
        if name and name in names:
            because = f"services and probes that select ports by name will use {names[name]}"
            found.append(f'{at}: duplicate port name "{name}" with {names[name]}, {because}')
        elif name:
            names[name] = at
    return found


def _affinity(affinity: JsonObject, at: str) -> list[str]:
    found: list[str] = []
    for field in ("podAffinity", "podAntiAffinity"):
        given = affinity.get(field, {})
        for number, term in enumerate(given.get(_REQUIRED, ())):
            if "labelSelector" not in term:
                found.append(f"{at}.{field}.{_REQUIRED}[{number}].labelSelector: {_NULL_SELECTOR}")
        for number, weighted in enumerate(given.get(_PREFERRED, ())):
            if "labelSelector" not in weighted["podAffinityTerm"]:
                where = f"{at}.{field}.{_PREFERRED}[{number}].podAffinityTerm.labelSelector"
                found.append(f"{where}: {_NULL_SELECTOR}")
    return found


def _service(service: JsonObject) -> list[str]:
    spec = service["spec"]
    external, headless = spec.get("externalIPs"), spec.get("clusterIP") == "None"
    found: list[str] = []
    if headless:
        ignored = [("loadBalancerIP", bool(spec.get("loadBalancerIP"))), ("externalIPs", bool(external))]
        ignored.append(("SessionAffinity", spec["sessionAffinity"] != "None"))
        found += [f"spec.{field} is ignored for headless services" for field, given in ignored if given]
    if external and not headless and spec["type"] != "ExternalName":
        found.append("spec.externalIPs is deprecated and may no longer be implemented in some clusters")
    if spec["type"] == "ExternalName" and external:
        found.append('spec.externalIPs is ignored when spec.type is "ExternalName"')
    if spec["type"] != "ExternalName" and spec.get("externalName"):
        found.append('spec.externalName is ignored when spec.type is not "ExternalName"')
    if spec.get("trafficDistribution") == "PreferClose":
        found.append('spec.trafficDistribution: "PreferClose" is deprecated; use "PreferSameZone"')
    return found


def _ingress(ingress: JsonObject) -> list[str]:
    if "kubernetes.io/ingress.class" not in ingress["metadata"].get("annotations", {}):
        return []
    return [
        "annotation \"kubernetes.io/ingress.class\" is deprecated, please use 'spec.ingressClassName' instead"
    ]


def _claim(claim: JsonObject) -> list[str]:
    text = claim["spec"].get("resources", {}).get("requests", {}).get("storage")
    if text is None or not amounts.amount(text) % 1:
        return []
    return [
        f'spec.resources.requests[storage]: fractional byte value "{text}" is invalid, must be an integer'
    ]


def _node(node: JsonObject) -> list[str]:
    if not node["spec"].get("externalID"):
        return []
    return ["spec.externalID: this field is deprecated, and is unused by Kubernetes"]


_SPECIAL: Mapping[tuple[str, str], Callable[[JsonObject], list[str]]] = {
    ("", "Node"): _node,
    ("", "PersistentVolumeClaim"): _claim,
    ("", "Service"): _service,
    ("networking.k8s.io", "Ingress"): _ingress,
}
