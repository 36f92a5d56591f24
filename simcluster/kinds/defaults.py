"""What an object gains and loses when it is read: defaults of the schema, and fields that nobody knows.

Defaults that the server computes in Go (a Deployment's strategy, a Service's type) are left to `strategies`.
"""

from __future__ import annotations

from typing import Any, TypeAlias

from simcluster.kinds import structural, typed
from simcluster.kinds.kind import Kind
from simcluster.kinds.types import List, Scalar, Struct, Type, resolved
from simcluster.values import JsonObject

Json: TypeAlias = Any


def with_defaults(obj: JsonObject, kind: Kind) -> JsonObject:
    """Return a copy with what clients see when it was not given.

    Custom kinds: the schema's defaults; null counts as absent where the field is not nullable.
    Built-in kinds: OpenAPI's defaults, and the fields that Go always writes (`resources: {}`, `rules: null`).
    """
    if kind.custom is not None:
        return structural.with_defaults(obj, kind.custom)
    found = _filled(obj, kind.schema)
    return found if isinstance(found, dict) else obj


def pruned(obj: JsonObject, kind: Kind) -> JsonObject:
    """Return a copy without the fields that the kind does not have.

    Custom kinds keep what their schema lets them (x-kubernetes-preserve-unknown-fields). Built-in kinds are
    read into their Go types: see `typed.read`. Raises `ApiError` (400) for values of wrong types, in the
    metadata of custom kinds too.
    """
    if kind.custom is not None:
        return structural.pruned(obj, kind)
    return typed.read(obj, kind)


def _filled(value: Json, type_: Type) -> Json:
    found = resolved(type_)
    if isinstance(found, Scalar):
        return value
    if isinstance(found, List):
        if not isinstance(value, list) or isinstance(resolved(found.items), Scalar):
            return value
        return [_filled(each, found.items) for each in value]
    if not isinstance(value, dict):
        return value
    if found.values is not None:
        if isinstance(resolved(found.values), Scalar):
            return value
        return {key: _filled(each, found.values) for key, each in value.items()}
    return _filled_struct(value, found)


def _filled_struct(value: JsonObject, struct: Struct) -> JsonObject:
    fields = struct.fields
    found = {key: _filled(each, fields[key]) if key in fields else each for key, each in value.items()}
    if struct.encoding is not None:
        for key, default in struct.encoding.fill:
            if found.get(key) is None:
                found[key] = _filled(default, fields[key])
    return found
