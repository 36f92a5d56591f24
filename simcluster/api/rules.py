"""What the neighbours know of one kind, in the words of the pipeline: decode, what is reset, which traits."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from simcluster import gotext
from simcluster.errors import Cause
from simcluster.fields.sets import EMPTY, FieldSet
from simcluster.kinds.defaults import pruned, with_defaults
from simcluster.kinds.kind import Kind
from simcluster.kinds.typed import read_struct
from simcluster.kinds.validation import schema_errors
from simcluster.strategies import (
    decoded,
    traits,
    validate_create,
    validate_status,
    validate_update,
)
from simcluster.strategies.traits import Traits
from simcluster.values import JsonObject

_STATUS = "status"
_INT32_MAX = 2**31 - 1
_GO_TYPES: dict[type, str] = {str: "string", bool: "bool", float: "float64", list: "[]interface {}"}
_CUSTOM = Traits(counted=(), status=False, unconditional_update=False)
_CUSTOM_WITH_STATUS = Traits(counted=(), status=True, unconditional_update=False)

# Kinds whose DELETE answers with the object even when it is gone at once (their store's ReturnDeletedObject).
# Measured on 1.37.
_RETURNS_DELETED = frozenset(
    {
        "namespaces",
        "persistentvolumeclaims",
        "persistentvolumes",
        "pods",
        "podtemplates",
        "replicationcontrollers",
        "resourcequotas",
        "serviceaccounts",
        "services",
        "storage.k8s.io/csidrivers",
        "storage.k8s.io/csinodes",
        "storage.k8s.io/storageclasses",
        "storage.k8s.io/volumeattachments",
        "storage.k8s.io/volumeattributesclasses",
        "resource.k8s.io/deviceclasses",
        "resource.k8s.io/resourceclaims",
        "resource.k8s.io/resourceclaimtemplates",
        "resource.k8s.io/resourceslices",
    }
)


def traits_of(kind: Kind) -> Traits:
    """Return how objects of a kind are written, custom kinds included."""
    if kind.custom is None:
        return traits.of(kind.group, kind.kind)
    return _CUSTOM_WITH_STATUS if kind.custom.has_status else _CUSTOM


def returns_deleted(kind: Kind) -> bool:
    """Say whether a DELETE that is done at once answers with the object instead of a Status."""
    return kind.storage in _RETURNS_DELETED


def decode(obj: JsonObject, kind: Kind) -> JsonObject:
    """Return `obj` as the server holds it after decoding: unknown fields gone, defaults filled in.

    Raises `kinds.typed.WrongValue` for a value that a built-in kind's field cannot hold.
    """
    if kind.custom is None:
        return decoded(read_struct(obj, kind.schema), kind)
    return with_defaults(pruned(obj, kind), kind)


def decode_applied(obj: JsonObject, kind: Kind) -> JsonObject:
    """Return what an apply made, as the server holds it: as `decode`, but no null is taken for absent.

    A field of a custom kind that the merge left empty is null, and validation refuses it.
    """
    found = decode(obj, kind)
    if kind.custom is not None:
        _keep_nulls(obj, found)
    return found


def _keep_nulls(source: JsonObject, target: JsonObject) -> None:
    for key, value in source.items():
        if value is None and key not in target:
            target[key] = None
        elif isinstance(value, dict) and isinstance(target.get(key), dict):
            _keep_nulls(value, target[key])


def problems_of_new(obj: JsonObject, kind: Kind) -> list[Cause]:
    """Return what is wrong with an object that is about to be created."""
    found = list(validate_create(obj, kind))
    return found if kind.custom is None else [*found, *schema_errors(obj, kind), *_scale_errors(obj, kind)]


def problems_of_change(new: JsonObject, old: JsonObject, kind: Kind, subresource: str = "") -> list[Cause]:
    """Return what is wrong with an object that is about to replace `old`, through one endpoint."""
    if subresource == _STATUS:
        found = list(validate_status(new, old, kind))
        return found if kind.custom is None else [*found, *_status_errors(new, kind)]
    found = list(validate_update(new, old, kind))
    return found if kind.custom is None else [*found, *schema_errors(new, kind), *_scale_errors(new, kind)]


def _status_errors(obj: JsonObject, kind: Kind) -> Iterator[Cause]:
    """Return what the schema has against a status; its texts are told from the status on."""
    for cause in (*schema_errors(obj, kind), *_scale_errors(obj, kind)):
        if cause.field.lstrip(".").partition(".")[0] == _STATUS:
            below = cause.field.removeprefix(f"{_STATUS}.")
            yield cause._replace(message=cause.message.replace(f"{cause.field} in body", f"{below} in body"))


def _scale_errors(obj: JsonObject, kind: Kind) -> Iterator[Cause]:
    """Return what keeps an object of a custom kind with a scale from having one."""
    scale = None if kind.custom is None else kind.custom.scale
    if scale is None:
        return
    for path in (scale.spec_replicas, scale.status_replicas):
        value = _at(obj, path)
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int):
            kind_of = _GO_TYPES.get(type(value), "map[string]interface {}")
            message = (
                f"Invalid value: 0: {path} accessor error: {gotext.plain(value)} is of the type {kind_of}, "
                "expected int64"
            )
        elif value < 0:
            message = f"Invalid value: {value}: should be a non-negative integer"
        elif value > _INT32_MAX:
            message = f"Invalid value: {value}: should be less than or equal to {_INT32_MAX}"
        else:
            continue
        yield Cause(path, "FieldValueInvalid", message)


def _at(obj: JsonObject, path: str) -> Any:  # noqa: ANN401 - any JSON may come
    found: object = obj
    for name in path.strip(".").split("."):
        found = found.get(name) if isinstance(found, dict) else None
    return found


@cache
def reset_fields(kind: Kind, subresource: str) -> FieldSet:
    """Return the fields that a write through an endpoint resets: nobody comes to own them there."""
    traits = traits_of(kind)
    if subresource == "status":
        if kind.custom is not None:
            return _fields(*((name,) for name in kind.schema.fields if name != "status"))
        return _fields(*traits.status_keeps)
    return _fields(("status",)) if traits.status and not subresource else EMPTY


def _fields(*paths: tuple[str, ...]) -> FieldSet:
    listed: JsonObject = {}
    for path in paths:
        here = listed
        for name in path:
            here = here.setdefault(f"f:{name}", {})
    return FieldSet.from_v1(listed)
