"""Which fields of a kind a field selector may name, and their values as text.

Each table is what the server's registry of that kind converts and offers (AddFieldLabelConversionFunc and
ToSelectableFields); every other kind offers metadata.name and metadata.namespace.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol, TypeAlias

from simcluster.errors import bad_request
from simcluster.values import JsonObject

Reader: TypeAlias = Callable[[JsonObject], str]


class Custom(Protocol):
    """What is asked of a custom kind's definition."""

    @property
    def selectable_fields(self) -> Sequence[str]:
        """JSON paths such as `.spec.color`."""


class Described(Protocol):
    """What is asked of a kind."""

    @property
    def group(self) -> str:
        """`apps`; empty for the core group."""

    @property
    def version(self) -> str:
        """`v1`."""

    @property
    def kind(self) -> str:
        """`Deployment`."""

    @property
    def namespaced(self) -> bool:
        """Whether objects of the kind live in a namespace."""

    @property
    def custom(self) -> Custom | None:
        """The definition of a custom kind; None for built-in ones."""


@dataclass(frozen=True, slots=True)
class Selectable:
    """The fields of one kind, and what the server says of others (`{field}` stands for the name)."""

    fields: Mapping[str, Reader]
    refusal: str = "field label not supported: {field}"

    def reader(self, name: str) -> Reader:
        """Return what reads the field's value, "" where it is absent. Raises `ApiError` 400."""
        found = self.fields.get(name)
        if found is None:
            quoted = json.dumps(name, ensure_ascii=False)
            raise bad_request(self.refusal.format(field=name, quoted=quoted))
        return found


def selectable(kind: Described) -> Selectable:
    """Return what may be selected by in objects of this kind."""
    if kind.custom is not None:
        return _custom(kind, kind.custom)
    return _BUILTIN.get((kind.group, kind.kind), _DEFAULT)


def _read(path: tuple[str, ...], default: str, obj: JsonObject) -> str:
    value: Any = obj
    for step in path:
        value = value.get(step) if isinstance(value, dict) else None
    if isinstance(value, bool):
        return "true" if value else "false"
    return default if value is None else str(value)


def _at(path: str, default: str = "") -> Reader:
    return partial(_read, tuple(path.split(".")), default)


def _paths(*paths: str, **defaults: str) -> dict[str, Reader]:
    return {path: _at(path, defaults.get(path.rpartition(".")[2], "")) for path in paths}


def _custom(kind: Described, custom: Custom) -> Selectable:
    place = ("metadata.namespace",) if kind.namespaced else ()
    return Selectable(
        _paths("metadata.name", *place, *(path.lstrip(".") for path in custom.selectable_fields))
    )


def _first_pod_ip(obj: JsonObject) -> str:
    addresses = (obj.get("status") or {}).get("podIPs") or [{}]
    return str(addresses[0].get("ip") or "")


def _unknown(_obj: JsonObject) -> str:
    """Stand for a field that is accepted and never filled, so that it equals the empty value only."""
    return ""


def _either(*paths: str) -> Reader:
    """Read the first path with a value: the two Event APIs call the same thing by two names."""
    readers = [_at(path) for path in paths]
    return lambda obj: next((value for value in (read(obj) for read in readers) if value), "")


_REFERENCE = ("kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath")
_OBJECT = ("metadata.name", "metadata.namespace")


def _reference(prefix: str) -> dict[str, Reader]:
    return {
        f"{prefix}.{field}": _either(f"involvedObject.{field}", f"regarding.{field}") for field in _REFERENCE
    }


_REPORTER = ("reportingComponent", "reportingController")
_DEFAULT = Selectable(
    _paths(*_OBJECT),
    '{quoted} is not a known field selector: only "metadata.name", "metadata.namespace"',
)
_POD = (
    *_OBJECT,
    "spec.nodeName",
    "spec.restartPolicy",
    "spec.schedulerName",
    "spec.serviceAccountName",
    "spec.hostNetwork",
    "status.phase",
    "status.nominatedNodeName",
)
_BUILTIN: dict[tuple[str, str], Selectable] = {
    ("", "Pod"): Selectable(
        {
            **_paths(*_POD, hostNetwork="false"),
            "spec.host": _at("spec.nodeName"),
            "status.podIP": _first_pod_ip,
            "status.podIPs": _unknown,
        }
    ),
    ("", "Node"): Selectable(_paths("metadata.name", "spec.unschedulable", unschedulable="false")),
    ("", "ReplicationController"): Selectable(_paths(*_OBJECT, "status.replicas", replicas="0")),
    ("", "Namespace"): Selectable(_paths("metadata.name", "status.phase")),
    ("", "Secret"): Selectable(_paths(*_OBJECT, "type")),
    ("", "Service"): Selectable(_paths(*_OBJECT, "spec.clusterIP", "spec.type")),
    ("", "Event"): Selectable(
        {
            **_paths(*_OBJECT, "reason", "type"),
            **_reference("involvedObject"),
            "reportingComponent": _either(*_REPORTER),
            "source": _either("source.component", "deprecatedSource.component", *_REPORTER),
        }
    ),
    ("events.k8s.io", "Event"): Selectable(
        {
            **_paths(*_OBJECT, "reason", "type"),
            **_reference("regarding"),
            "reportingController": _either(*_REPORTER),
        }
    ),
    ("batch", "Job"): Selectable(
        {**_paths(*_OBJECT), "status.successful": _at("status.succeeded", "0")},
        "field label {quoted} not supported for Job",
    ),
    ("certificates.k8s.io", "CertificateSigningRequest"): Selectable(
        _paths("metadata.name", "spec.signerName")
    ),
    ("certificates.k8s.io", "ClusterTrustBundle"): Selectable(_paths("metadata.name", "spec.signerName")),
    ("certificates.k8s.io", "PodCertificateRequest"): Selectable(
        _paths("metadata.name", "spec.signerName", "spec.podName", "spec.nodeName")
    ),
    ("resource.k8s.io", "ResourceSlice"): Selectable(
        _paths("metadata.name", "spec.nodeName", "spec.driver", "spec.pool.name"),
        "field label not supported for resource.k8s.io/v1, Kind=ResourceSlice: {field}",
    ),
}
