"""Values as field errors show them when they are structures of the server's internal types.

Those have no JSON names: every field is written, with Go's name, in Go's order. Only an object's metadata
is of the types that clients see, and is written as those are, among its fields.
"""

from __future__ import annotations

import difflib
import json
from typing import Any

from simcluster.strategies.shapes import internal_fields
from simcluster.strategies.shapes.scalars import ZEROS
from simcluster.values import JsonObject

_CONTEXT = 3
_OF_OBJECTS = ["kind", "apiVersion"]


def internal(name: str, value: JsonObject) -> JsonObject:
    """Return a value of the internal type `name` (`PodSpec`) with Go's fields in their order."""
    fields = internal_fields(name)
    if [field for _, field, _ in fields[:2]] == _OF_OBJECTS:
        own = value.get("metadata") or {}
        shown = {field: own[field] for _, field, _ in fields if field in own}
        fields = [each for each in fields if each[0] in {"Spec", "Status"}]
        return shown | {go_name: _converted(value.get(field), form) for go_name, field, form in fields}
    return {go_name: _converted(value.get(field), form) for go_name, field, form in fields}


def _converted(value: Any, form: str) -> Any:  # noqa: ANN401 - JSON in, JSON out
    if form[0] == "*":
        return None if value is None else _converted(value, form[1:])
    if form[0] == "[":
        return None if value is None else [_converted(each, form[1:]) for each in value]
    if form[0] == "{":
        return None if value is None else {key: _converted(value[key], form[1:]) for key in sorted(value)}
    if form == "r":
        return {} if value is None else value
    if form in ZEROS or form in {"t", "u"}:
        return ZEROS.get(form) if value is None else value
    return internal(form, value or {})


def difference(name: str, before: JsonObject, after: JsonObject) -> str:
    """Return how two values of an internal type differ, as apimachinery's util/diff shows it."""
    old, new = (_lines(internal(name, each)) for each in (before, after))
    changed = list(difflib.unified_diff(old, new, n=_CONTEXT))[2:]
    return "".join(changed)


def _lines(value: JsonObject) -> list[str]:
    text = escaped(json.dumps(value, indent=1, ensure_ascii=False))
    # Go writes empty collections as Python does, and ends the last line of a diff's side with a newline.
    return [f"{line}\n" for line in text.split("\n")]


def escaped(text: str) -> str:
    """Write what encoding/json escapes for the sake of HTML."""
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
