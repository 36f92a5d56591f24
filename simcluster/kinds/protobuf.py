"""Reads Kubernetes' protobuf bodies, which typed Go clients send for built-in kinds, as JSON objects.

Answers are always JSON, which those clients accept. Field numbers are the Go types' own (see `go_types`).
"""

from __future__ import annotations

import struct
from base64 import b64encode
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

import orjson

from simcluster.clock import micro_timestamp, timestamp
from simcluster.kinds.builtin import builtin
from simcluster.kinds.structure import MICRO_TIME, TIME
from simcluster.kinds.types import List, Scalar, Struct, Type, resolved
from simcluster.values import JsonObject

Json: TypeAlias = Any
Field: TypeAlias = tuple[int, int, int | bytes]

MEDIA_TYPE = "application/vnd.kubernetes.protobuf"
_MAGIC = b"k8s\x00"
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_MORE, _SEVEN_BITS = 0x80, 0x7F
_LONGEST_VARINT = 70
_SIGN = 1 << 63
_OPTIONS = "io.k8s.apimachinery.pkg.apis.meta.v1."
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class WrongProtobuf(Exception):  # noqa: N818 - what the body is
    """A body that is no protobuf of a kind that we know."""


def read(body: bytes) -> JsonObject:
    """Return the object in a body, options such as DeleteOptions included. Raises `WrongProtobuf`."""
    if not body.startswith(_MAGIC):
        prefix = "[107 56 115 0]"
        raise WrongProtobuf(
            f"provided data does not appear to be a protobuf message, expected prefix {prefix}"
        )
    try:
        # runtime.Unknown: typeMeta = 1, raw = 2; TypeMeta: apiVersion = 1, kind = 2.
        unknown = {number: value for number, _, value in _fields(body[len(_MAGIC) :])}
        meta = {number: _text(value) for number, _, value in _fields(_octets(unknown.get(1, b"")))}
        api_version, kind = meta.get(1, ""), meta.get(2, "")
        fields = _struct(_octets(unknown.get(2, b"")), _type_of(api_version, kind))
    except (ValueError, IndexError, OverflowError, RecursionError) as error:
        raise WrongProtobuf(f"proto: {error}") from None
    return {"apiVersion": api_version, "kind": kind} | fields


def _type_of(api_version: str, kind: str) -> Struct:
    """Find a kind's type; options are those of meta.k8s.io, whatever group they name."""
    group, _, version = api_version.rpartition("/")
    table = builtin()
    found = table.type_of(group, version, kind)
    if found is None and f"{_OPTIONS}{kind}" in table.definitions:
        options = table.types.look_up(f"{_OPTIONS}{kind}")
        found = options if isinstance(options, Struct) else None
    if found is None:
        raise WrongProtobuf(f'no kind "{kind}" is registered for version "{api_version}"')
    return found


def _struct(data: bytes, type_: Struct) -> JsonObject:
    if type_.encoding is None:
        return {}
    return _message(data, type_.encoding.wire, type_.fields)


def _message(data: bytes, wire: Mapping[str, Any], fields: Mapping[str, Type]) -> JsonObject:
    found: JsonObject = {}
    for number, wire_type, value in _fields(data):
        name = wire.get(str(number))
        if isinstance(name, Mapping):
            found |= _message(_octets(value), name, fields)
        elif name is not None and name in fields:
            type_ = resolved(fields[name])
            if isinstance(type_, List):
                found.setdefault(name, []).extend(_items(value, wire_type, resolved(type_.items)))
            elif isinstance(type_, Struct) and type_.values is not None:
                key, each = _entry(_octets(value), resolved(type_.values))
                found.setdefault(name, {})[key] = each
            else:
                found[name] = _value(value, type_)
    return found


def _entry(data: bytes, type_: Scalar | Struct | List) -> tuple[str, Json]:
    members = {number: value for number, _, value in _fields(data)}
    return _text(members.get(1, b"")), _value(members.get(2, _empty(type_)), type_)


def _empty(type_: Scalar | Struct | List) -> int | bytes:
    return 0 if isinstance(type_, Scalar) and type_.kind in ("integer", "boolean") else b""


def _items(value: int | bytes, wire_type: int, type_: Scalar | Struct | List) -> list[Json]:
    if wire_type == _BYTES and isinstance(type_, Scalar) and type_.kind in ("integer", "boolean"):
        data, at, packed = _octets(value), 0, []
        while at < len(data):
            each, at = _varint(data, at)
            packed.append(_value(each, type_))
        return packed
    return [_value(value, type_)]


def _value(value: int | bytes, type_: Scalar | Struct | List) -> Json:
    if isinstance(type_, Struct):
        if type_.open and not type_.fields:
            return _raw(_octets(value))
        return _struct(_octets(value), type_)
    if isinstance(type_, List):
        return [
            each
            for _, wire, part in _fields(_octets(value))
            for each in _items(part, wire, resolved(type_.items))
        ]
    if type_ in (TIME, MICRO_TIME):
        return _time(_octets(value), micro=type_ is MICRO_TIME)
    if type_.kind in ("any", "quantity", "int-or-string"):
        return _special(_octets(value), type_)
    if type_.kind == "string":
        return b64encode(_octets(value)).decode() if type_.format == "byte" else _text(value)
    if isinstance(value, bytes):
        raise ValueError("wrong wireType for a number")  # noqa: TRY004 - the data is wrong, not the call
    if type_.kind == "number":
        return struct.unpack("<d", value.to_bytes(8, "little"))[0]
    return bool(value) if type_.kind == "boolean" else _signed(value)


def _special(data: bytes, type_: Scalar) -> Json:
    if type_.kind == "any":
        return _raw(data)
    members = {number: value for number, _, value in _fields(data)}
    if type_.kind == "quantity":
        return _text(members.get(1, b"")) or "0"
    # IntOrString: type = 1 (0 is a number), intVal = 2, strVal = 3.
    return _text(members.get(3, b"")) if members.get(1) else _signed(_number(members.get(2, 0)))


def _raw(data: bytes) -> Json:
    members = {number: value for number, _, value in _fields(data)}
    raw = _octets(members.get(1, b""))
    return orjson.loads(raw) if raw else None


def _time(data: bytes, *, micro: bool) -> str | None:
    if not data:
        return None
    members = {number: value for number, _, value in _fields(data)}
    seconds, nanos = _signed(_number(members.get(1, 0))), _number(members.get(2, 0))
    moment = _EPOCH + timedelta(seconds=seconds, microseconds=nanos // 1000)
    return micro_timestamp(moment) if micro else timestamp(moment)


def _fields(data: bytes) -> Iterator[Field]:
    """Yield (number, wire type, value) of a message. Raises `ValueError` or `IndexError`."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        number, wire_type = key >> 3, key & 7
        if wire_type == _VARINT:
            value, at = _varint(data, at)
            yield number, wire_type, value
            continue
        if wire_type == _BYTES:
            length, at = _varint(data, at)
        elif wire_type in (_FIXED64, _FIXED32):
            length = 8 if wire_type == _FIXED64 else 4
        else:
            raise ValueError(f"illegal wireType {wire_type}")
        if at + length > len(data):
            raise ValueError("unexpected EOF")
        part = data[at : at + length]
        at += length
        yield number, wire_type, part if wire_type == _BYTES else int.from_bytes(part, "little")


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & _SEVEN_BITS) << shift
        shift += 7
        if not byte & _MORE:
            return value, at
        if shift >= _LONGEST_VARINT:
            raise ValueError("integer overflow")


def _signed(value: int) -> int:
    return value - (_SIGN << 1) if value & _SIGN else value


def _octets(value: int | bytes) -> bytes:
    if isinstance(value, int):
        raise ValueError("wrong wireType for a message")  # noqa: TRY004 - the data is wrong, not the call
    return value


def _number(value: int | bytes) -> int:
    if isinstance(value, bytes):
        raise ValueError("wrong wireType for a number")  # noqa: TRY004 - the data is wrong, not the call
    return value


def _text(value: int | bytes) -> str:
    return _octets(value).decode("utf-8", errors="replace")
