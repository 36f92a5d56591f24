"""How the validation of custom objects walks through them, and words what it finds."""

from __future__ import annotations

import json
from typing import Any, TypeAlias

from simcluster import gotext
from simcluster.errors import Cause
from simcluster.values import JsonObject

Json: TypeAlias = Any

INVALID = "FieldValueInvalid"


def invalid_value(field: str, value: Json, message: str, reason: str = INVALID) -> Cause:
    """Word a cause as `field.Invalid` does."""
    return Cause(field, reason, f"Invalid value: {shown(value)}: {message}")


def shown(value: Json) -> str:
    """Write a value as messages do."""
    if isinstance(value, float):
        return gotext.number(value)
    return json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=False)


def members(value: JsonObject, schema: JsonObject) -> list[tuple[str, Json, JsonObject]]:
    """Return (key, value, schema) of those members that have a schema: the schema's own fields first."""
    properties = schema.get("properties") or {}
    found = [(key, value[key], known) for key, known in properties.items() if key in value]
    free = schema.get("additionalProperties")
    if isinstance(free, dict):
        found += [(key, each, free) for key, each in value.items() if key not in properties]
    return found


def child(path: str, name: str) -> str:
    """Return the path of a field."""
    return f"{path}.{name}" if path else name
