"""Containers of Pods: names, images, ports, mounts, restart policies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from simcluster.errors import Cause
from simcluster.strategies.validation import environment, formats, probes, resources, security, values
from simcluster.strategies.validation.causes import (
    duplicate,
    not_found,
    prohibited,
    required,
    unsupported,
    wrong,
)
from simcluster.values import JsonObject

_MESSAGE_POLICIES = ("File", "FallbackToLogsOnError")
_PULL_POLICIES = ("Always", "IfNotPresent", "Never")
_RESTART_POLICIES = ("Always", "Never", "OnFailure")
_PROPAGATIONS = ("Bidirectional", "HostToContainer", "None")
_RECURSIVE = ("Disabled", "Enabled", "IfPossible")
_NOT_FOR_INIT = "may not be set for init containers without restartPolicy=Always"


@dataclass(frozen=True, slots=True)
class Pod:
    """What of a Pod bears on its containers."""

    volumes: Mapping[str, JsonObject]
    claims: frozenset[str]
    grace: int | None
    os: JsonObject | None
    restart_policy: str


def containers(given: Sequence[JsonObject], pod: Pod, at: str) -> list[Cause]:
    """Check `containers`."""
    if not given:
        return [required(at)]
    causes: list[Cause] = []
    names: set[str] = set()
    for number, container in enumerate(given):
        here = f"{at}[{number}]"
        causes += _container(container, pod, here)
        name = container.get("name", "")
        if name in names:
            causes.append(duplicate(f"{here}.name", name))
        names.add(name)
        if "lifecycle" in container:
            causes += probes.lifecycle(container, pod.grace, pod.os, here)
        for field in probes.PROBES:
            if field in container:
                causes += probes.probe(container, field, here)
        if "restartPolicy" in container or "restartPolicyRules" in container:
            causes += _restart_policy(container, here)
    return causes + _host_ports(given, at)


def init_containers(
    given: Sequence[JsonObject], others: Sequence[JsonObject], pod: Pod, at: str
) -> list[Cause]:
    """Check `initContainers`, whose names must differ from those of the `others` too."""
    causes: list[Cause] = []
    names = {container.get("name", "") for container in others}
    for number, container in enumerate(given):
        here, name = f"{at}[{number}]", container.get("name", "")
        causes += _container(container, pod, here)
        causes += _restart_policy(container, here)
        if name in names:
            causes.append(duplicate(f"{here}.name", name))
        elif name:
            names.add(name)
        causes += _host_ports([container], at)
        if container.get("restartPolicy") == "Always":
            causes += probes.lifecycle(container, pod.grace, pod.os, here)
            for field in probes.PROBES:
                causes += probes.probe(container, field, here)
        else:
            fields = ("lifecycle", *probes.PROBES)
            causes += [prohibited(f"{here}.{field}", _NOT_FOR_INIT) for field in fields if field in container]
    return causes


def _container(container: JsonObject, pod: Pod, at: str) -> list[Cause]:
    causes: list[Cause] = []
    name = container.get("name", "")
    faults = formats.dns_label(name) if name else ()
    if faults or not name:
        causes += values.name(name, faults, f"{at}.name")
    if not container.get("image"):
        causes.append(required(f"{at}.image"))
    policy = container.get("terminationMessagePolicy", "")
    if policy not in _MESSAGE_POLICIES:
        causes += values.choice(policy, _MESSAGE_POLICIES, f"{at}.terminationMessagePolicy")
    for field, check in _PARTS:
        if field in container:
            causes += check(container[field], f"{at}.{field}")
    if "volumeMounts" in container:
        causes += _mounts(container, pod.volumes, f"{at}.volumeMounts")
    if "volumeDevices" in container:
        causes += _devices(container, pod.volumes, f"{at}.volumeDevices")
    return causes + _running(container, pod, at)


def _running(container: JsonObject, pod: Pod, at: str) -> list[Cause]:
    causes: list[Cause] = []
    pull = container.get("imagePullPolicy", "")
    if pull not in _PULL_POLICIES:
        causes += values.choice(pull, _PULL_POLICIES, f"{at}.imagePullPolicy")
    if container["resources"]:
        rule = resources.container_name
        causes += resources.requirements(container["resources"], rule, pod.claims, f"{at}.resources")
    if "resizePolicy" in container:
        causes += _resize_policy(container["resizePolicy"], pod.restart_policy, f"{at}.resizePolicy")
    if "securityContext" in container:
        causes += security.of_container(container["securityContext"], f"{at}.securityContext")
    return causes


def _ports(given: Sequence[JsonObject], at: str) -> list[Cause]:
    causes: list[Cause] = []
    names: set[str] = set()
    for number, port in enumerate(given):
        here, name = f"{at}[{number}]", port.get("name", "")
        faults = formats.port_name(name) if name else ()
        if faults:
            causes += values.faulty(name, faults, f"{here}.name")
        elif name and name in names:
            causes.append(duplicate(f"{here}.name", name))
        names.add(name)
        own, host = port.get("containerPort", 0), port.get("hostPort", 0)
        causes += values.port(own, f"{here}.containerPort") if own else [required(f"{here}.containerPort")]
        causes += values.port(host, f"{here}.hostPort") if host else []
        protocol = port.get("protocol", "")
        if protocol not in values.PROTOCOLS:
            causes += values.choice(protocol, values.PROTOCOLS, f"{here}.protocol")
    return causes


_PARTS = (("ports", _ports), ("env", environment.variables), ("envFrom", environment.sources))


def _host_ports(given: Sequence[JsonObject], at: str) -> list[Cause]:
    causes: list[Cause] = []
    taken: set[str] = set()
    for number, container in enumerate(given):
        for index, port in enumerate(container.get("ports", ())):
            if not port.get("hostPort"):
                continue
            key = f"{port.get('protocol', '')}/{port.get('hostIP', '')}/{port['hostPort']}"
            if key in taken:
                causes.append(duplicate(f"{at}[{number}].ports[{index}].hostPort", key))
            taken.add(key)
    return causes


def _mounts(container: JsonObject, volumes: Mapping[str, JsonObject], at: str) -> list[Cause]:
    causes: list[Cause] = []
    devices = {
        each.get("name", ""): each.get("devicePath", "") for each in container.get("volumeDevices", ())
    }
    paths: set[str] = set()
    for number, mount in enumerate(container["volumeMounts"]):
        here, name, path = f"{at}[{number}]", mount.get("name", ""), mount.get("mountPath", "")
        if not name:
            causes.append(required(f"{here}.name"))
        if name not in volumes:
            causes.append(not_found(f"{here}.name", name))
        if not path:
            causes.append(required(f"{here}.mountPath"))
        if path in paths:
            causes.append(wrong(f"{here}.mountPath", path, "must be unique"))
        paths.add(path)
        if name in devices:
            causes.append(wrong(f"{here}.name", name, "must not already exist in volumeDevices"))
        if path in devices.values():
            text = "must not already exist as a path in volumeDevices"
            causes.append(wrong(f"{here}.mountPath", path, text))
        causes += _mount_options(mount, container, (at, here))
    return causes


def _mount_options(mount: JsonObject, container: JsonObject, at: tuple[str, str]) -> list[Cause]:
    whole, here = at  # some options are reported at the list, not at the mount
    causes: list[Cause] = []
    if mount.get("subPath"):
        causes += values.relative_path(mount["subPath"], f"{whole}.subPath")
    if mount.get("subPathExpr"):
        if mount.get("subPath"):
            text = "subPathExpr and subPath are mutually exclusive"
            causes.append(wrong(f"{here}.subPathExpr", mount["subPathExpr"], text))
        causes += values.relative_path(mount["subPathExpr"], f"{whole}.subPathExpr")
    propagation = mount.get("mountPropagation")
    causes += values.optional_choice(propagation, _PROPAGATIONS, f"{whole}.mountPropagation")
    if propagation == "Bidirectional" and not container.get("securityContext", {}).get("privileged"):
        text = "Bidirectional mount propagation is available only to privileged containers"
        causes.append(prohibited(f"{whole}.mountPropagation", text))
    recursive = mount.get("recursiveReadOnly")
    causes += values.optional_choice(recursive, _RECURSIVE, f"{whole}.recursiveReadOnly")
    if recursive in _RECURSIVE[1:]:
        if not mount.get("readOnly"):
            text = "may only be specified when readOnly is true"
            causes.append(prohibited(f"{whole}.recursiveReadOnly", text))
        if mount.get("mountPropagation", "None") != "None":
            text = "may only be specified when mountPropagation is None or not specified"
            causes.append(prohibited(f"{whole}.recursiveReadOnly", text))
    return causes


def _devices(container: JsonObject, volumes: Mapping[str, JsonObject], at: str) -> list[Cause]:
    causes: list[Cause] = []
    mounts = {each.get("name", ""): each.get("mountPath", "") for each in container.get("volumeMounts", ())}
    names: set[str] = set()
    for number, device in enumerate(container["volumeDevices"]):
        here, name, path = f"{at}[{number}]", device.get("name", ""), device.get("devicePath", "")
        volume = volumes.get(name)
        if not name:
            causes.append(required(f"{here}.name"))
        if name in names:
            causes.append(wrong(f"{here}.name", name, "must be unique"))
        names.add(name)
        if volume is None:
            causes.append(not_found(f"{here}.name", name))
        elif not volume.keys() & {"persistentVolumeClaim", "ephemeral"}:
            text = "can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode"
            causes.append(wrong(f"{here}.name", name, text))
        if not path:
            causes.append(required(f"{here}.devicePath"))
        elif ".." in path.split("/"):
            causes.append(wrong(f"{here}.devicePath", path, "can not contain backsteps ('..')"))
        if name in mounts:
            causes.append(wrong(f"{here}.name", name, "must not already exist in volumeMounts"))
        if path in mounts.values():
            causes.append(
                wrong(f"{here}.devicePath", path, "must not already exist as a path in volumeMounts")
            )
    return causes


def _resize_policy(given: Sequence[JsonObject], restart_policy: str, at: str) -> list[Cause]:
    causes: list[Cause] = []
    for number, each in enumerate(given):
        name, policy = each.get("resourceName", ""), each.get("restartPolicy", "")
        if name in {other.get("resourceName") for other in given[:number]}:
            causes.append(duplicate(f"{at}[{number}]", name))
        causes += values.choice(name, ("cpu", "memory"), at)
        causes += values.choice(policy, ("NotRequired", "RestartContainer"), at)
        if restart_policy == "Never" and policy != "NotRequired":
            text = "must be 'NotRequired' when pod `restartPolicy` is 'Never'"
            causes.append(wrong(at, policy, text))
    return causes


def _restart_policy(container: JsonObject, at: str) -> list[Cause]:
    causes: list[Cause] = []
    policy, rules = container.get("restartPolicy"), container.get("restartPolicyRules", ())
    if policy is None and rules:
        text = "must specify restartPolicy when restart rules are used"
        causes.append(required(f"{at}.restartPolicy", text))
    elif policy is not None and policy not in _RESTART_POLICIES:
        causes.append(unsupported(f"{at}.restartPolicy", policy, _RESTART_POLICIES))
    for number, rule in enumerate(rules):
        here = f"{at}.restartPolicyRules[{number}]"
        causes += values.choice(rule.get("action", ""), ("Restart", "RestartAllContainers"), f"{here}.action")
        if "exitCodes" not in rule:
            causes.append(required(f"{here}.exitCodes", "must be specified"))
    return causes
