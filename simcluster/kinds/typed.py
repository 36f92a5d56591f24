"""Reads JSON objects as the server reads them into the Go types of built-in kinds.

Unknown fields fall away, and so do zero values that Go leaves out; quantities, times and bytes get their
canonical form; a value of a wrong type is an error with encoding/json's words.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from simcluster.errors import ApiError, bad_request
from simcluster.kinds import quantities, scalars
from simcluster.kinds.kind import Kind
from simcluster.kinds.structure import MICRO_TIME, STRING
from simcluster.kinds.types import List, Scalar, Struct, Type, resolved
from simcluster.values import JsonObject

Json: TypeAlias = Any

_INT32 = range(-(2**31), 2**31)
_INT64 = range(-(2**63), 2**63)
_ZEROS: Mapping[str, Json] = {
    "string": "",
    "integer": 0,
    "number": 0,
    "boolean": False,
    "quantity": "0",
    "int-or-string": 0,
}


class WrongValue(Exception):  # noqa: N818 - what it is about
    """A value that its Go type cannot hold; the text is the decoder's."""


def read(obj: JsonObject, kind: Kind) -> JsonObject:
    """Return a built-in object as decoding it into its Go type and encoding it again leaves it.

    Fields which Go writes even when they are absent are not added: see `defaults.with_defaults`.
    Raises `ApiError` (400) for values of wrong types.
    """
    try:
        return read_struct(obj, kind.schema)
    except WrongValue as error:
        raise cannot_be_handled(obj, kind, str(error)) from None


def cannot_be_handled(obj: JsonObject, kind: Kind, because: str) -> ApiError:
    """Return the 400 of an object whose kind is known and whose fields cannot be decoded."""
    name = obj.get("kind") or kind.kind
    version = str(obj.get("apiVersion") or kind.version).rpartition("/")[2]
    return bad_request(f'{name} in version "{version}" cannot be handled as a {kind.kind}: {because}')


def read_struct(value: JsonObject, struct: Struct) -> JsonObject:
    """As `read`, for any struct of the built-in table. Raises `WrongValue`."""
    reader = _Reader()
    found = reader.struct(value, struct, ())
    if reader.error:
        raise WrongValue(reader.error)
    return found


class _Reader:
    """One pass over one object. Like encoding/json, reports the first wrong type after all is read."""

    __slots__ = ("error",)

    def __init__(self) -> None:
        self.error = ""

    def struct(self, value: JsonObject, struct: Struct, path: tuple[str, ...]) -> JsonObject:
        fields = struct.fields
        encoding = struct.encoding
        found: JsonObject = {}
        for key, each in value.items():
            type_ = fields.get(key)
            if type_ is None or each is None:
                continue
            site = _Site(encoding.name, (*path, key), encoding.named.get(key, "")) if encoding else _NOWHERE
            read = self.value(each, resolved(type_), site)
            if read in _EMPTY and (encoding is None or key in encoding.omit or _absent(read, encoding.name)):
                continue
            found[key] = read
        return found

    def value(self, value: Json, type_: Scalar | Struct | List, site: _Site) -> Json:
        if isinstance(type_, Scalar):
            return value if type(value) is str and type_ is STRING else self.scalar(value, type_, site)
        if isinstance(type_, List):
            if not isinstance(value, list):
                self.wrong(value, type_, site)
                return []
            items = resolved(type_.items)
            return [self.element(each, items, site) for each in value]
        if type_.open and not type_.fields and not _empty_struct(site):
            return value
        if not isinstance(value, dict):
            self.wrong(value, type_, site)
            return {}
        if type_.values is not None:
            values = resolved(type_.values)
            return {key: self.element(each, values, site) for key, each in value.items()}
        return self.struct(value, type_, site.path)

    def element(self, value: Json, type_: Scalar | Struct | List, site: _Site) -> Json:
        """An item of a list or value of a map: null stands for the type's zero value."""
        if value is not None:
            return self.value(value, type_, site.inside())
        if isinstance(type_, Scalar):
            return _ZEROS.get(type_.kind)
        return [] if isinstance(type_, List) else {}

    def scalar(self, value: Json, type_: Scalar, site: _Site) -> Json:
        kind = type_.kind
        if kind == "any":
            return value
        try:
            if kind == "quantity":
                return _quantity(value)
            if kind == "int-or-string" and isinstance(value, str):
                return value
            if kind == "string" and isinstance(value, str):
                return _text(value, type_)
        except ValueError as error:
            # Methods of their own end the decoding at once.
            raise WrongValue(str(error)) from None
        if _fits(value, type_):
            return value
        self.wrong(value, type_, site)
        return _ZEROS[kind]

    def wrong(self, value: Json, type_: Scalar | Struct | List, site: _Site) -> None:
        if self.error:
            return
        number = isinstance(type_, Scalar) and type_.kind in ("integer", "int-or-string")
        what = f"number {value!r}" if number and _is_number(value) else _NAMES[type(value)]
        name = _empty_struct(site) or site.named or type_name(type_)
        owner = site.struct.rpartition(".")[2]
        self.error = (
            f"json: cannot unmarshal {what} into Go struct field {owner}.{'.'.join(site.path)} of type {name}"
        )


def _empty_struct(site: _Site) -> str:
    """Name what has no fields in Go, "" for all else: in the schema it is as what holds any JSON."""
    return _EMPTY_STRUCTS.get((site.struct.rpartition(".")[2], site.path[-1]), "") if site.path else ""


def _absent(value: Json, struct: str) -> bool:
    """Tell whether an empty value that is always written is as none: lists of all that protobuf stores."""
    return isinstance(value, list) and not struct.startswith(_STORED_AS_JSON)


class _Site:
    """Where a value stands: the enclosing struct, the fields' names from the root, its type's own name."""

    __slots__ = ("named", "path", "struct")

    def __init__(self, struct: str, path: tuple[str, ...], named: str) -> None:
        self.struct = struct
        self.path = path
        self.named = named

    def inside(self) -> _Site:
        """The same place, one list or map further in."""
        if not self.named:
            return self
        return _Site(self.struct, self.path, self.named[2:] if self.named.startswith("[]") else "")


_GROUP = "WorkloadPodGroup"
_EMPTY_STRUCTS = {
    ("CustomResourceSubresources", "status"): "v1.CustomResourceSubresourceStatus",
    (f"{_GROUP}DisruptionMode", "all"): f"v1alpha3.{_GROUP}AllDisruptionMode",
    (f"{_GROUP}DisruptionMode", "single"): f"v1alpha3.{_GROUP}SingleDisruptionMode",
    (f"{_GROUP}SchedulingPolicy", "basic"): f"v1alpha3.{_GROUP}BasicSchedulingPolicy",
}
_STORED_AS_JSON = "v1.CustomResourceDefinition"
_NOWHERE = _Site("", (), "")
_EMPTY: tuple[Json, ...] = ("", 0, False, [], {})
_NAMES: Mapping[type, str] = {
    str: "string",
    bool: "bool",
    int: "number",
    float: "number",
    list: "array",
    dict: "object",
}


def type_name(type_: Type) -> str:
    """Name a type as Go's reflection does: `v1.PodSpec`, `[]string`, `map[string]string`."""
    found = resolved(type_)
    if isinstance(found, List):
        return f"[]{type_name(found.items)}"
    if isinstance(found, Struct):
        if found.values is not None:
            return f"map[string]{type_name(found.values)}"
        return found.encoding.name if found.encoding else "map[string]interface {}"
    if found.kind == "string":
        return "[]uint8" if found.format == "byte" else "string"
    if found.kind == "integer":
        return found.format or "int64"
    return {"boolean": "bool", "number": "float64", "int-or-string": "int32"}.get(found.kind, "string")


def _is_number(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _fits(value: Json, type_: Scalar) -> bool:
    if type_.kind == "boolean":
        return isinstance(value, bool)
    if type_.kind == "number":
        return _is_number(value)
    if type_.kind in ("integer", "int-or-string") and isinstance(value, int) and not isinstance(value, bool):
        return value in (_INT64 if type_.format == "int64" else _INT32)
    return False


def _text(value: str, type_: Scalar) -> str:
    if type_.format == "byte":
        return scalars.octets(value)
    if type_.format == "date-time":
        return scalars.time(value, micro=type_ is MICRO_TIME)
    return value


def _quantity(value: Json) -> str:
    if isinstance(value, str):
        return quantities.canonical(value.strip())
    if _is_number(value):
        return quantities.canonical(repr(value))
    raise ValueError(quantities.WRONG_FORMAT)
