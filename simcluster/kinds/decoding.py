"""Reads request bodies: JSON and YAML as the server reads them, fields given twice included.

What a body's fields must be is left to `typed` and `structural`.
"""

from __future__ import annotations

import contextlib
import json
import math
import re
from typing import Any, TypeAlias

from simcluster.errors import ApiError, Cause, bad_request, invalid, unsupported_media_type
from simcluster.kinds import json_syntax, protobuf, yaml_dialect
from simcluster.kinds.builtin import builtin
from simcluster.kinds.former import FORMER
from simcluster.kinds.kind import Kind
from simcluster.kinds.typed import cannot_be_handled
from simcluster.kinds.yaml_dialect import DEEPEST
from simcluster.values import JsonObject

Json: TypeAlias = Any

_SUMMARY = 30
_BRACKETS = re.compile(r'"(?:[^"\\]|\\.)*"|[][{}]', re.DOTALL)
_INT64 = range(-(2**63), 2**63)
_HEADER_TYPE = (
    'struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }'
)
_ACCEPTED = "application/json, application/yaml, application/vnd.kubernetes.protobuf"


class Unreadable(Exception):  # noqa: N818 - what the body is
    """A body that is no document; the text is the decoder's."""


def decode(body: bytes, content_type: str, kind: Kind) -> tuple[JsonObject, list[str]]:
    """Return the object in a body and the texts of fields that it gives twice (the last one counts).

    `apiVersion` and `kind` are added where a built-in kind's body leaves them out. Raises `ApiError`: 415 for
    other types than JSON, YAML and (for built-in kinds) protobuf, 400 for what cannot be read and for objects
    of other kinds.
    """
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type == protobuf.MEDIA_TYPE and kind.custom is None:
        return _decode_protobuf(body, kind), []
    if media_type not in ("application/json", "application/yaml"):
        message = "the body of the request was in an unknown format - accepted media types include: "
        raise unsupported_media_type(message + _ACCEPTED)
    try:
        found, duplicates = read_yaml(body) if media_type == "application/yaml" else read_json(body)
        if media_type == "application/yaml" and found is None:
            found = {}
        _check_header(found)
    except Unreadable as error:
        raise unrecognized(body, kind, str(error)) from None
    obj = found or {}
    _check_kind(obj, kind, body)
    if kind.custom is None:
        return {"kind": kind.kind, "apiVersion": kind.api_version} | obj, duplicates
    return whole_numbers(obj), duplicates


def _decode_protobuf(body: bytes, kind: Kind) -> JsonObject:
    try:
        obj = protobuf.read(body)
    except protobuf.WrongProtobuf as error:
        raise unrecognized(body, kind, str(error)) from None
    _check_kind(obj, kind, body)
    return obj


def read_json(body: bytes) -> tuple[Json, list[str]]:
    """Return a JSON document and `duplicate field "a.b"` for each field given twice. Raises `Unreadable`."""
    text = body.decode("utf-8", errors="replace")
    reader = _Reader()
    start = "couldn't get version/kind; json parse error: "
    if _too_deep(text):
        raise Unreadable(f"{start}exceeded max depth")
    try:
        found = json.loads(
            text, object_pairs_hook=reader.pairs, parse_constant=_no_constant, parse_float=_finite
        )
    except (ValueError, RecursionError):
        because = json_syntax.error(body) or "invalid JSON"
        raise Unreadable(f"{start}{because}") from None
    if "\\ud" in text or "\\uD" in text:
        found = _without_surrogates(found)
    if not reader.twice:
        return found, []
    return found, list(dict.fromkeys(_duplicates(json.loads(text, object_pairs_hook=_Pairs), "")))


def read_yaml(body: bytes) -> tuple[Json, list[str]]:
    """Return the first YAML document and `line 3: key "a" already set in map` for each key given twice.

    Most such bodies are JSON, which is read as such where that makes no difference. Raises `Unreadable`.
    """
    if body[:1] == b"{":
        with contextlib.suppress(Unreadable):
            found, duplicates = read_json(body)
            if not duplicates:
                return found, []
    try:
        return yaml_dialect.load(body.decode("utf-8", errors="replace"))
    except yaml_dialect.WrongYaml as error:
        raise Unreadable(str(error)) from None


def unrecognized(body: bytes, kind: Kind, because: str) -> ApiError:
    """Return the 400 of a body whose kind cannot be told."""
    message = (
        f"the object provided is unrecognized (must be of type {kind.kind}): {because} ({_summary(body)})"
    )
    return bad_request(message)


def whole_numbers(value: Json) -> Json:
    """Numbers as Go's free-form JSON has them: floats without a fraction, and integers beyond 64 bits."""
    if isinstance(value, dict):
        return {key: whole_numbers(each) for key, each in value.items()}
    if isinstance(value, list):
        return [whole_numbers(each) for each in value]
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**63:
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool) and value not in _INT64:
        return float(value)
    return value


def _summary(body: bytes) -> str:
    if not body:
        return "<empty>"
    cut = body[:_SUMMARY]
    text = cut.decode("utf-8", errors="replace") if body[:1] == b"{" else cut.hex()
    return f"{text} ..." if len(body) > _SUMMARY else text


def _check_header(found: Json) -> None:
    start = "couldn't get version/kind; json parse error: json: cannot unmarshal"
    if found is None:
        return
    if not isinstance(found, dict):
        raise Unreadable(f"{start} {_name(found)} into Go value of type {_HEADER_TYPE}")
    for key in ("apiVersion", "kind"):
        value = found.get(key)
        if value is not None and not isinstance(value, str):
            raise Unreadable(f"{start} {_name(value)} into Go struct field .{key} of type string")


def _check_kind(obj: JsonObject, kind: Kind, body: bytes) -> None:
    given = str(obj.get("kind") or "")
    version = str(obj.get("apiVersion") or "")
    if kind.custom is not None:
        if not given:
            text = body.decode("utf-8", errors="replace")
            raise unrecognized(body, kind, f"Object 'Kind' is missing in '{text}'")
        if version != kind.api_version:
            raise _other_version(version, kind)
        if given != kind.kind:
            cause = Cause("kind", "FieldValueInvalid", f'Invalid value: "{given}": must be {kind.kind}')
            raise invalid(given, kind.group, "", [cause])
        return
    if (given or kind.kind) == kind.kind and (version or kind.api_version) == kind.api_version:
        return
    raise _other_kind(obj, given or kind.kind, version or kind.api_version, kind)


def _other_kind(obj: JsonObject, given: str, version: str, kind: Kind) -> ApiError:
    other = builtin().by_kind.get((version, given))
    if other is None:
        if given == kind.kind and version in FORMER.get(given, ()):
            return _other_version(version, kind)
        short = version.rpartition("/")[2]
        because = (
            f'no kind "{given}" is registered for version "{version}" in scheme "pkg/runtime/scheme.go:111"'
        )
        return bad_request(f'{given} in version "{short}" cannot be handled as a {kind.kind}: {because}')
    if (other.group, other.kind) == (kind.group, kind.kind):
        return _other_version(version, kind)
    because = f"converting ({_go_name(other)}) to ({_internal(kind)}.{kind.kind}): unknown conversion"
    return cannot_be_handled(obj, kind, because)


def _other_version(version: str, kind: Kind) -> ApiError:
    expected = f"does not match the expected API version ({kind.api_version})"
    return bad_request(f"the API version in the data ({version}) {expected}")


def _go_name(kind: Kind) -> str:
    return f"{kind.version}.{kind.kind}"


def _internal(kind: Kind) -> str:
    return kind.group.partition(".")[0] or "core"


def _name(value: Json) -> str:
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, str):
        return "string"
    return "array" if isinstance(value, list) else "object" if isinstance(value, dict) else "number"


class _Reader:
    """Notices that some object gives a field twice; where, is looked for only then."""

    __slots__ = ("twice",)

    def __init__(self) -> None:
        self.twice = False

    def pairs(self, found: list[tuple[str, Json]]) -> JsonObject:
        made = dict(found)
        if len(made) != len(found):
            self.twice = True
        return made


class _Pairs(list[tuple[str, Json]]):
    """An object as its members in the order of the document."""


def _duplicates(value: Json, path: str) -> list[str]:
    found: list[str] = []
    if isinstance(value, _Pairs):
        seen = set()
        for key, each in value:
            place = f"{path}.{key}" if path else key
            if key in seen:
                found.append(f'duplicate field "{place}"')
            seen.add(key)
            found += _duplicates(each, place)
    elif isinstance(value, list):
        for index, each in enumerate(value):
            found += _duplicates(each, f"{path}[{index}]")
    return found


def _too_deep(text: str) -> bool:
    """Whether recursive code could not walk the document."""
    if text.count("{") + text.count("[") <= DEEPEST:
        return False
    depth = 0
    for found in _BRACKETS.finditer(text):
        if found[0] in "{[":
            depth += 1
            if depth > DEEPEST:
                return True
        elif found[0] in "}]":
            depth -= 1
    return False


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError(text)
    return number


def _no_constant(name: str) -> Json:
    raise ValueError(name)


def _without_surrogates(value: Json) -> Json:
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, dict):
        return {_without_surrogates(key): _without_surrogates(each) for key, each in value.items()}
    return [_without_surrogates(each) for each in value] if isinstance(value, list) else value
