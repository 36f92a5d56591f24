"""Pods and pod templates."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from simcluster.errors import Cause
from simcluster.strategies.validation import (
    containers,
    formats,
    meta,
    resources,
    scheduling,
    security,
    values,
)
from simcluster.strategies.validation.causes import duplicate, prohibited, required, unsupported, wrong
from simcluster.strategies.validation.volumes import volumes
from simcluster.values import JsonObject

_RESTART_POLICIES = ("Always", "OnFailure", "Never")
_DNS_POLICIES = ("ClusterFirstWithHostNet", "ClusterFirst", "Default", "None")
_PREEMPTION = ("PreemptLowerPriority", "Never")
MOST_DEADLINE = 2**31 - 1
_MOST_NAMESERVERS, _MOST_SEARCHES = 3, 32
_MIRROR = "kubernetes.io/config.mirror"
_DELETION_COST = "controller.kubernetes.io/pod-deletion-cost"


def template(given: JsonObject, at: str) -> list[Cause]:
    """Check a PodTemplateSpec."""
    metadata, spec = given["metadata"], given["spec"]
    causes = meta.check_labels(metadata.get("labels"), f"{at}.labels")
    if "annotations" in metadata:
        causes += meta.check_annotations(metadata["annotations"], f"{at}.annotations")
        causes += special_annotations(metadata["annotations"], spec, f"{at}.annotations")
    causes += pod_spec(spec, "", f"{at}.spec")
    if spec.get("ephemeralContainers"):
        text = "ephemeral containers not allowed in pod template"
        causes.append(prohibited(f"{at}.spec.ephemeralContainers", text))
    return causes


def special_annotations(annotations: JsonObject, spec: JsonObject, at: str) -> list[Cause]:
    """Check annotations that Pods are run by."""
    causes: list[Cause] = []
    if _MIRROR in annotations and not spec.get("nodeName"):
        text = "must set spec.nodeName if mirror pod annotation is set"
        causes.append(wrong(f"{at}[{_MIRROR}]", annotations[_MIRROR], text))
    cost = annotations.get(_DELETION_COST)
    if cost is not None and not _is_int32(cost):
        causes.append(wrong(f"{at}[{_DELETION_COST}]", cost, "must be a 32bit integer"))
    return causes


def _is_int32(text: str) -> bool:
    digits = text.removeprefix("-")
    return digits.isdigit() and (digits == "0" or digits[0] != "0") and abs(int(text)) < 1 << 31


def pod_spec(spec: JsonObject, name: str, at: str) -> list[Cause]:
    """Check a PodSpec; `name` is the Pod's, "" in templates."""
    good, causes = volumes(spec["volumes"], name, f"{at}.volumes") if "volumes" in spec else ({}, [])
    claims = frozenset(each.get("name", "") for each in spec.get("resourceClaims", ()))
    around = containers.Pod(
        good, claims, spec.get("terminationGracePeriodSeconds"), spec.get("os"), spec["restartPolicy"]
    )
    given = spec.get("containers") or ()
    causes += containers.containers(given, around, f"{at}.containers")
    if "initContainers" in spec:
        causes += containers.init_containers(spec["initContainers"], given, around, f"{at}.initContainers")
    if "resources" in spec:
        rule = resources.pod_name
        causes += resources.requirements(spec["resources"], rule, claims, f"{at}.resources")
    causes += _host_network(spec, at, whole=bool(name)) if spec.get("hostNetwork") else []
    causes += _policies(spec, at)
    causes += meta.check_labels(spec.get("nodeSelector"), f"{at}.nodeSelector")
    if spec["securityContext"]:
        causes += security.of_pod(spec["securityContext"], f"{at}.securityContext")
    for field, check in _PARTS:
        if field in spec:
            causes += check(spec[field], f"{at}.{field}")
    return causes


def _policies(spec: JsonObject, at: str) -> list[Cause]:
    causes: list[Cause] = []
    if spec["restartPolicy"] not in _RESTART_POLICIES:
        causes.append(unsupported(f"{at}.restartPolicy", spec["restartPolicy"], _RESTART_POLICIES))
    if spec["dnsPolicy"] not in _DNS_POLICIES:
        causes.append(unsupported(f"{at}.dnsPolicy", spec["dnsPolicy"], _DNS_POLICIES))
    if spec["dnsPolicy"] == "None" and not spec.get("dnsConfig", {}).get("nameservers"):
        if "dnsConfig" not in spec:
            causes.append(required(f"{at}.dnsConfig", "must provide `dnsConfig` when `dnsPolicy` is None"))
        else:
            text = "must provide at least one DNS nameserver when `dnsPolicy` is None"
            causes.append(required(f"{at}.dnsConfig.nameservers", text))
    return causes


def _host_network(spec: JsonObject, at: str, *, whole: bool) -> list[Cause]:
    causes: list[Cause] = []
    for number, container in enumerate(spec.get("containers") or ()):
        for index, port in enumerate(container.get("ports", ())):
            host = port.get("hostPort", 0)
            if (whole or host) and host != port.get("containerPort", 0):
                here = f"{at}.containers[{number}].ports[{index}].hostPort"
                causes.append(wrong(here, host, "must match `containerPort` when `hostNetwork` is true"))
    return causes


def _readiness_gates(given: list[JsonObject], at: str) -> list[Cause]:
    causes: list[Cause] = []
    for number, gate in enumerate(given):
        kind = gate.get("conditionType", "")
        causes += values.faulty(kind, formats.qualified_name(kind), f"{at}[{number}].conditionType")
    return causes


def _scheduling_gates(given: list[JsonObject], at: str) -> list[Cause]:
    causes: list[Cause] = []
    seen: set[str] = set()
    for number, gate in enumerate(given):
        name = gate.get("name", "")
        causes += values.faulty(name, formats.qualified_name(name), f"{at}[{number}]")
        if name in seen:
            causes.append(duplicate(f"{at}[{number}]", name))
        seen.add(name)
    return causes


def _host_aliases(given: list[JsonObject], at: str) -> list[Cause]:
    causes: list[Cause] = []
    for number, alias in enumerate(given):
        causes += values.ip(alias.get("ip", ""), f"{at}[{number}].ip")
        for index, host in enumerate(alias.get("hostnames", ())):
            causes += values.faulty(host, formats.dns_subdomain(host), f"{at}[{number}].hostnames[{index}]")
    return causes


def _dns(config: JsonObject, at: str) -> list[Cause]:
    servers, searches = config.get("nameservers", ()), config.get("searches", ())
    causes: list[Cause] = []
    if len(servers) > _MOST_NAMESERVERS:
        causes.append(wrong(f"{at}.nameservers", servers, "must not have more than 3 nameservers"))
    for number, server in enumerate(servers):
        causes += values.ip(server, f"{at}.nameservers[{number}]")
    if len(searches) > _MOST_SEARCHES:
        causes.append(wrong(f"{at}.searches", searches, "must not have more than 32 search paths"))
    for number, option in enumerate(config.get("options", ())):
        if not option.get("name"):
            causes.append(required(f"{at}.options[{number}]", "must not be empty"))
    return causes


def _subdomain(value: str, at: str) -> list[Cause]:
    return values.faulty(value, formats.dns_subdomain(value), at)


def _label(value: str, at: str) -> list[Cause]:
    return values.faulty(value, formats.dns_label(value), at)


def _deadline_value(value: int, at: str) -> list[Cause]:
    if 1 <= value <= MOST_DEADLINE:
        return []
    return [wrong(at, value, formats.between(1, MOST_DEADLINE))]


def _preemption(value: str, at: str) -> list[Cause]:
    return [] if value in _PREEMPTION else [unsupported(at, value, _PREEMPTION)]


# In the order in which the server looks at them.
_PARTS: tuple[tuple[str, Callable[[Any, str], list[Cause]]], ...] = (
    ("affinity", scheduling.affinity),
    ("dnsConfig", _dns),
    ("readinessGates", _readiness_gates),
    ("schedulingGates", _scheduling_gates),
    ("topologySpreadConstraints", scheduling.spread_constraints),
    ("serviceAccountName", _subdomain),
    ("nodeName", _subdomain),
    ("activeDeadlineSeconds", _deadline_value),
    ("hostname", _label),
    ("subdomain", _label),
    ("tolerations", scheduling.tolerations),
    ("hostAliases", _host_aliases),
    ("priorityClassName", _subdomain),
    ("runtimeClassName", _subdomain),
    ("preemptionPolicy", _preemption),
)


def create(pod: JsonObject) -> list[Cause]:
    """Check a new Pod."""
    spec = pod["spec"]
    causes = whole(pod)
    if spec.get("ephemeralContainers"):
        causes.append(prohibited("spec.ephemeralContainers", "cannot be set on create"))
    if spec.get("nodeName") and spec.get("schedulingGates"):
        text = "cannot be set until all schedulingGates have been cleared"
        causes.append(prohibited("spec.nodeName", text))
    return causes


def whole(pod: JsonObject) -> list[Cause]:
    """Check what new and changed Pods have in common."""
    spec, metadata = pod["spec"], pod["metadata"]
    causes: list[Cause] = []
    if "annotations" in metadata:
        causes += special_annotations(metadata["annotations"], spec, "metadata.annotations")
    causes += pod_spec(spec, metadata.get("name", ""), "spec")
    for field in ("containers", "initContainers"):
        for number, container in enumerate(spec.get(field) or ()):
            image = container.get("image", "")
            if image != image.strip():
                text = "must not have leading or trailing whitespace"
                causes.append(wrong(f"spec.{field}[{number}].image", image, text))
    return causes


def status(new: JsonObject, old: JsonObject) -> list[Cause]:
    """Check a change of a Pod's status."""
    del old
    nominated = new["status"].get("nominatedNodeName", "")
    if not nominated:
        return []
    return values.faulty(nominated, formats.dns_subdomain(nominated), "status.nominatedNodeName")
