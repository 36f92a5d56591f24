"""Defaulting and pruning by a CRD's structural schema (KEP-575, KEP-1111), and coercion of its metadata."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import orjson

from simcluster.kinds.builtin import builtin
from simcluster.kinds.kind import CustomKind, Kind
from simcluster.kinds.typed import WrongValue, cannot_be_handled, read_struct
from simcluster.kinds.types import Struct
from simcluster.kinds.unknown import strict_paths
from simcluster.values import JsonObject

Json: TypeAlias = Any

_PRESERVE = "x-kubernetes-preserve-unknown-fields"
_EMBEDDED = "x-kubernetes-embedded-resource"
_OBJECT_FIELDS = ("apiVersion", "kind", "metadata")
_META = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"


def with_defaults(obj: JsonObject, custom: CustomKind) -> JsonObject:
    """Return a copy with the schema's defaults, and without nulls where the schema allows none."""
    found: JsonObject = _defaulted(obj, custom.validation)
    return found


def _defaulted(value: Json, schema: JsonObject) -> Json:
    if isinstance(value, dict):
        return _defaulted_object(value, schema)
    if isinstance(value, list):
        items = schema.get("items") or {}
        return [_defaulted(_stands(each, items), items) for each in value]
    return value


def _defaulted_object(value: JsonObject, schema: JsonObject) -> JsonObject:
    properties = schema.get("properties") or {}
    free = schema.get("additionalProperties")
    found: JsonObject = {}
    for key, each in value.items():
        known = properties.get(key, free if isinstance(free, dict) else None)
        if known is None:
            found[key] = each
            continue
        each = _stands(each, known)  # noqa: PLW2901 - null stands for the default
        if each is not None or known.get("nullable"):
            found[key] = _defaulted(each, known)
    for key, known in properties.items():
        if key not in found and known.get("default") is not None and key not in value:
            found[key] = _defaulted(deepcopy(known["default"]), known)
    return found


def _stands(value: Json, schema: JsonObject) -> Json:
    if value is None and not schema.get("nullable"):
        return deepcopy(schema.get("default"))
    return value


def pruned(obj: JsonObject, kind: Kind) -> JsonObject:
    """Return a copy with what the schema knows or preserves. Raises `ApiError` (400) for wrong metadata."""
    return Pruning.of(obj, kind).kept


@dataclass(slots=True)
class Pruning:
    """One object without what its schema does not know.

    `metadata`, `fields` and `embedded` are the paths that fell away, in the order in which the server tells
    them; `kept` is the rest.
    """

    kept: JsonObject = field(default_factory=dict)
    metadata: list[str] = field(default_factory=list)
    fields: list[str] = field(default_factory=list)
    embedded: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, obj: JsonObject, kind: Kind) -> Pruning:
        """Prune an object of a custom kind. Raises `ApiError` (400) for metadata of wrong types."""
        if kind.custom is None:
            raise TypeError(f"{kind.kind} is no custom kind")
        found = cls()
        schema = kind.custom.validation
        if kind.custom.preserve_unknown:
            schema = schema | {_PRESERVE: True}
        try:
            metadata = _metadata(obj, "", found.metadata)
            found.kept = found._object(obj, schema, "", whole=True)
        except WrongValue as error:
            raise cannot_be_handled(obj, kind, str(error)) from None
        if metadata is not None:
            found.kept["metadata"] = metadata
        found.fields.sort()
        return found

    def _value(self, value: Json, schema: JsonObject, path: str) -> Json:
        if isinstance(value, dict):
            return self._object(value, schema, path, whole=bool(schema.get(_EMBEDDED)))
        if isinstance(value, list):
            items = schema.get("items") or {}
            return [self._value(each, items, f"{path}[{index}]") for index, each in enumerate(value)]
        return value

    def _object(self, value: JsonObject, schema: JsonObject, path: str, *, whole: bool) -> JsonObject:
        properties = schema.get("properties") or {}
        free = schema.get("additionalProperties")
        keep = bool(schema.get(_PRESERVE)) or free is True
        found: JsonObject = {}
        for key, each in value.items():
            place = f"{path}.{key}" if path else key
            if whole and key in _OBJECT_FIELDS:
                found[key] = self._whole_field(value, key, path)
            elif key in properties:
                found[key] = self._value(each, properties[key], place)
            elif isinstance(free, dict):
                found[key] = self._value(each, free, place)
            elif keep:
                found[key] = each
            else:
                self.fields.append(place)
        return found

    def _whole_field(self, value: JsonObject, key: str, path: str) -> Json:
        if key != "metadata" or not path:
            return value[key]
        try:
            return _metadata(value, path, self.embedded)
        except WrongValue as error:
            text = orjson.dumps(value[key], option=orjson.OPT_SORT_KEYS).decode()
            raise WrongValue(f"{path}.metadata: Invalid value: {text}: {error}") from None


def _metadata(value: JsonObject, path: str, unknown: list[str]) -> Json:
    given = value.get("metadata")
    if given is None:
        return None
    if not isinstance(given, dict):
        name = {str: "string", bool: "bool", list: "array"}.get(type(given), "number")
        raise WrongValue(f"json: cannot unmarshal {name} into Go value of type v1.ObjectMeta")
    meta = builtin().types.look_up(_META)
    if not isinstance(meta, Struct):
        raise TypeError("ObjectMeta is no object")
    place = f"{path}.metadata" if path else "metadata"
    unknown += [path for path, _ in strict_paths(given, meta, place)]
    return read_struct(given, meta)
