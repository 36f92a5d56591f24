"""Versions of one kind: the stored one, the one asked for, and how an object gets from one to the other.

Most kinds have one version, or versions of one shape (custom kinds with conversion `None`): then only
`apiVersion` differs, and what the other version's schema drops or fills in. The two that differ in shape are
in `conversion_hpa` and `conversion_events`.
"""

from __future__ import annotations

from simcluster.api import conversion_events, conversion_hpa, rules
from simcluster.kinds.kind import Kind
from simcluster.store.records import Stored, canonical, type_prefix
from simcluster.values import JsonObject

_EVENTS = "events.k8s.io"
_SCALING = "autoscaling"
# Where built-in objects have versions that differ.
TWO_SHAPES = frozenset({"events", "autoscaling/horizontalpodautoscalers"})


def storage_version(kind: Kind) -> str:
    """Return the `apiVersion` that objects of this kind are stored in."""
    if kind.custom is not None:
        return f"{kind.group}/{kind.custom.storage_version}"
    if kind.kind == "HorizontalPodAutoscaler" and kind.group == _SCALING:
        return "autoscaling/v2"
    return "v1" if kind.group == _EVENTS else kind.api_version


def to_storage(obj: JsonObject, kind: Kind) -> JsonObject:
    """Return an object of `kind` in the stored version; may be `obj` itself."""
    target = storage_version(kind)
    if obj["apiVersion"] == target:
        return obj
    if kind.group == _EVENTS:
        return conversion_events.to_core(obj)
    if kind.group == _SCALING:
        return conversion_hpa.to_v2(obj)
    return {**obj, "apiVersion": target}


def convert(obj: JsonObject, kind: Kind) -> JsonObject:
    """Return a stored object in the version of `kind`; may be `obj` itself."""
    if obj["apiVersion"] == kind.api_version:
        return obj
    if kind.group == _EVENTS:
        return conversion_events.to_events(obj)
    if kind.group == _SCALING:
        return conversion_hpa.to_v1(obj)
    return rules.decode({**obj, "apiVersion": kind.api_version}, kind)


def body(record: Stored, kind: Kind) -> bytes:
    """Return the JSON of a stored object in the version of `kind`, without parsing where that can be."""
    if record.api_version == kind.api_version:
        return record.body
    return _dumped(record, kind)


def item(record: Stored, kind: Kind) -> bytes:
    """Return the JSON of a stored object as lists hold it: built-in kinds' items do not tell their type."""
    if kind.custom is not None:
        return body(record, kind)
    if record.api_version == kind.api_version:
        return record.untyped()
    found = _dumped(record, kind)
    return b"{" + found[len(type_prefix(kind.kind, kind.api_version)) :]


def _dumped(record: Stored, kind: Kind) -> bytes:
    return canonical(convert(record.object(), kind))
