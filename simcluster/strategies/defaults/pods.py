"""Defaults of Pods and pod templates: containers, probes, volumes, the spec's own."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from types import MappingProxyType

from simcluster.values import JsonObject

_MODE_0644 = 0o644
_VOLUME_KEYS_WITHOUT_SOURCE = frozenset({"name"})

_PERSISTENT_RBD = {"pool": "rbd", "user": "admin", "keyring": "/etc/ceph/keyring"}
_SCALE_IO = {"storageMode": "ThinProvisioned", "fsType": "xfs"}

CONSTANTS: Mapping[str, JsonObject] = {
    "core/v1.AzureDiskVolumeSource": {
        "cachingMode": "ReadWrite",
        "fsType": "ext4",
        "readOnly": False,
        "kind": "Shared",
    },
    "core/v1.ConfigMapVolumeSource": {"defaultMode": _MODE_0644},
    "core/v1.Container": {
        "terminationMessagePath": "/dev/termination-log",
        "terminationMessagePolicy": "File",
    },
    "core/v1.ContainerPort": {"protocol": "TCP"},
    "core/v1.DownwardAPIVolumeSource": {"defaultMode": _MODE_0644},
    "core/v1.EphemeralContainer": {
        "terminationMessagePath": "/dev/termination-log",
        "terminationMessagePolicy": "File",
    },
    "core/v1.FileKeySelector": {"optional": False},
    "core/v1.GRPCAction": {"service": ""},
    "core/v1.HTTPGetAction": {"path": "/", "scheme": "HTTP"},
    "core/v1.HostPathVolumeSource": {"type": ""},
    "core/v1.ISCSIPersistentVolumeSource": {"iscsiInterface": "default"},
    "core/v1.ISCSIVolumeSource": {"iscsiInterface": "default"},
    "core/v1.PodSpec": {
        "dnsPolicy": "ClusterFirst",
        "restartPolicy": "Always",
        "terminationGracePeriodSeconds": 30,
        "schedulerName": "default-scheduler",
    },
    "core/v1.Probe": {"timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3},
    "core/v1.ProjectedVolumeSource": {"defaultMode": _MODE_0644},
    "core/v1.RBDPersistentVolumeSource": _PERSISTENT_RBD,
    "core/v1.RBDVolumeSource": _PERSISTENT_RBD,
    "core/v1.ScaleIOPersistentVolumeSource": _SCALE_IO,
    "core/v1.ScaleIOVolumeSource": _SCALE_IO,
    "core/v1.SecretVolumeSource": {"defaultMode": _MODE_0644},
    "core/v1.ServiceAccountTokenProjection": {"expirationSeconds": 3600},
}

_PULL_POLICIES = MappingProxyType({True: "Always", False: "IfNotPresent"})


# A reference as distribution/reference reads it; what it cannot read has no tag at all.
_PATH = "[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*"
_LABEL = "[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?"
_REFERENCE = re.compile(
    rf"(?:(?:{_LABEL}(?:\.{_LABEL})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?/)?{_PATH}(?:/{_PATH})*"
    r"(?::(?P<tag>\w[\w.-]{0,127}))?(?P<digest>@[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,})?"
)


@lru_cache(maxsize=1024)
def tag_is_latest(image: str) -> bool:
    """Whether an image reference means the tag `latest`, which it does without tag and digest."""
    found = _REFERENCE.fullmatch(image)
    if found is None:
        return False
    return found["tag"] == "latest" or (found["tag"] is None and found["digest"] is None)


def _container(container: JsonObject) -> None:
    if "imagePullPolicy" not in container:
        container["imagePullPolicy"] = _PULL_POLICIES[tag_is_latest(container.get("image", ""))]


def _image_volume(source: JsonObject) -> None:
    if "pullPolicy" not in source:
        source["pullPolicy"] = _PULL_POLICIES[tag_is_latest(source.get("reference", ""))]


def _volume(volume: JsonObject) -> None:
    if not volume.keys() - _VOLUME_KEYS_WITHOUT_SOURCE:
        volume["emptyDir"] = {}


def _pod_spec(spec: JsonObject) -> None:
    account = spec.get("serviceAccountName") or spec.get("serviceAccount")
    if account:
        spec["serviceAccountName"] = spec["serviceAccount"] = account
    spec.setdefault("securityContext", {})


def _pod(pod: JsonObject) -> None:
    spec = pod["spec"]
    if spec["terminationGracePeriodSeconds"] < 0:
        spec["terminationGracePeriodSeconds"] = 1
    containers = [*(spec.get("containers") or ()), *spec.get("initContainers", ())]
    for container in containers:
        limits = container["resources"].get("limits")
        if limits:
            container["resources"]["requests"] = {**limits, **container["resources"].get("requests", {})}
    spec.setdefault("enableServiceLinks", True)
    if spec.get("hostNetwork"):
        _use_host_ports(containers)


def _use_host_ports(containers: Iterable[JsonObject]) -> None:
    for container in containers:
        for port in container.get("ports", ()):
            port.setdefault("hostPort", port["containerPort"])


def _pod_status(status: JsonObject) -> None:
    ip, ips = status.get("podIP"), status.get("podIPs")
    if ip and (not ips or ips[0].get("ip") != ip):
        status["podIPs"] = [{"ip": ip}]
    elif ips and not ip:
        status["podIP"] = ips[0].get("ip", "")


FINISHES: Mapping[str, Callable[[JsonObject], None]] = {
    "core/v1.Container": _container,
    "core/v1.EphemeralContainer": _container,
    "core/v1.ImageVolumeSource": _image_volume,
    "core/v1.Pod": _pod,
    "core/v1.PodSpec": _pod_spec,
    "core/v1.PodStatus": _pod_status,
    "core/v1.Volume": _volume,
}
