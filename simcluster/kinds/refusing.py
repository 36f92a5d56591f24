"""How the validation of custom objects walks through them, and words what it finds."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any, TypeAlias

from simcluster.errors import Cause
from simcluster.values import JsonObject

Json: TypeAlias = Any

INVALID = "FieldValueInvalid"
_WIDEST_PLAIN = 1e6
_SMALLEST_PLAIN = 1e-4


def invalid_value(field: str, value: Json, message: str, reason: str = INVALID) -> Cause:
    """Word a cause as `field.Invalid` does."""
    return Cause(field, reason, f"Invalid value: {shown(value)}: {message}")


def shown(value: Json) -> str:
    """Write a value as messages do."""
    if isinstance(value, float):
        return number_text(value)
    return json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=False)


def number_text(value: float) -> str:
    """Write a number as Go's %v does."""
    if not isinstance(value, float) or not value:
        return str(int(value))
    if _SMALLEST_PLAIN <= abs(value) < _WIDEST_PLAIN:
        return repr(value).removesuffix(".0")
    digits, _, exponent = f"{Decimal(repr(value)):e}".partition("e")
    number = digits.rstrip("0").rstrip(".") if "." in digits else digits
    return f"{number}e{int(exponent):+03d}"


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
