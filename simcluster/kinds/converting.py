"""What the server's converter of maps (runtime.FromUnstructured) makes of values, unlike its JSON decoder.

Objects that were applied or changed by a strategic merge patch come to their Go types this way: numbers that
are too large for their type wrap around instead of being refused, and refusals have words of their own.
"""

from __future__ import annotations

import re
from typing import Any, TypeAlias

from simcluster.kinds.types import List, Scalar, Type, resolved

Json: TypeAlias = Any

_WRONG = re.compile(
    r"json: cannot unmarshal (?P<found>string|bool|object|array|number)(?: (?P<number>\S+))? "
    r"into Go (?:struct field \S+|value) of type (?P<wanted>\S.*)"
)
_KINDS = {"string": "string", "bool": "bool", "object": "map", "array": "slice"}
_BITS = {"int64": 64}
_OF_WHOLE_NUMBERS = ("integer", "int-or-string")


def within_int64(value: Json) -> Json:
    """Return JSON with integers of more than 64 bits as the floats that the server reads them as."""
    if isinstance(value, dict):
        return {key: within_int64(each) for key, each in value.items()}
    if isinstance(value, list):
        return [within_int64(each) for each in value]
    large = isinstance(value, int) and not -(2**63) <= value < 2**63
    return float(value) if large else value


def wrapped(value: Json, type_: Type) -> Json:
    """Return `value` with whole numbers as its type holds them after Go's conversion of integers."""
    found = resolved(type_)
    if isinstance(found, Scalar):
        return _number(value, found) if found.kind in _OF_WHOLE_NUMBERS else value
    if isinstance(found, List):
        return [wrapped(each, found.items) for each in value] if isinstance(value, list) else value
    if not isinstance(value, dict):
        return value
    types = found.fields
    if found.values is not None:
        return {key: wrapped(each, found.values) for key, each in value.items()}
    return {key: wrapped(each, types[key]) if key in types else each for key, each in value.items()}


def _number(value: Json, type_: Scalar) -> Json:
    if isinstance(value, float) and value.is_integer():
        value = int(value) if abs(value) < 2.0**63 else -(2**63)
    if not isinstance(value, int) or isinstance(value, bool):
        return value
    half = 2 ** (_BITS.get(type_.format, 32) - 1)
    return (value + half) % (2 * half) - half


def words(because: str) -> str:
    """Say what the JSON decoder said (`kinds.typed`) as the converter does."""
    if because.startswith("illegal base64"):
        return f"error decoding from json: {because}"
    said = _WRONG.fullmatch(because)
    if said is None:
        return because
    wanted, found = said["wanted"], said["found"]
    if wanted.startswith("map["):
        return f"cannot restore map from {_kind(said)}"
    if wanted.startswith("[]"):
        return f"cannot restore slice from {_kind(said)}"
    if "." in wanted:
        return f"cannot restore struct from: {_kind(said)}"
    return (
        f"cannot convert {_kind(said)} to {wanted}" if found == "number" else f"unrecognized type: {wanted}"
    )


def _kind(said: re.Match[str]) -> str:
    if said["found"] != "number":
        return _KINDS[said["found"]]
    text = said["number"] or ""
    return "float64" if "." in text or "e" in text else "int64"
