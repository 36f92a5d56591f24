"""Causes of a refusal in the words of apimachinery's util/validation/field."""

from __future__ import annotations

import json
from collections.abc import Iterable

from simcluster.errors import Cause


def shown(value: object) -> str:
    """Write a value as field errors show it: strings quoted, structures as JSON, null as `null`."""
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "null"
    if isinstance(value, int | float):
        return str(value)
    text = json.dumps(_in_go_order(value), separators=(",", ":"), ensure_ascii=False)
    # encoding/json escapes these for the sake of HTML
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _in_go_order(value: object) -> object:
    """Order what clients may have written in any order: selectors by field, maps of strings by key."""
    if not isinstance(value, dict):
        return value
    if value.keys() <= {"matchLabels", "matchExpressions"}:
        fields = (field for field in ("matchLabels", "matchExpressions") if field in value)
        return {field: _in_go_order(value[field]) for field in fields}
    if value and all(isinstance(each, str) for each in value.values()) and not any(map(_is_go_name, value)):
        return dict(sorted(value.items()))
    return value


def _is_go_name(key: str) -> bool:
    return key[:1].isupper()


def quoted(text: str) -> str:
    """Write text as Go's %q does, for what appears in Kubernetes objects."""
    return json.dumps(text, ensure_ascii=False)


def required(field: str, because: str = "") -> Cause:
    """Something must be given."""
    return Cause(field, "FieldValueRequired", f"Required value: {because}" if because else "Required value")


def wrong(field: str, value: object, because: str) -> Cause:
    """The value does not do."""
    return Cause(field, "FieldValueInvalid", f"Invalid value: {shown(value)}: {because}")


def unsupported(field: str, value: object, allowed: Iterable[str]) -> Cause:
    """The value is none of an enumeration; Go sorts what it lists."""
    listed = ", ".join(quoted(each) for each in allowed)
    return Cause(
        field, "FieldValueNotSupported", f"Unsupported value: {shown(value)}: supported values: {listed}"
    )


def duplicate(field: str, value: object) -> Cause:
    """The value is there already."""
    return Cause(field, "FieldValueDuplicate", f"Duplicate value: {shown(value)}")


def prohibited(field: str, because: str) -> Cause:
    """The field may not be set, or not changed."""
    return Cause(field, "FieldValueForbidden", f"Forbidden: {because}")


def not_found(field: str, value: object) -> Cause:
    """What the value names is not there."""
    return Cause(field, "FieldValueNotFound", f"Not found: {shown(value)}")


def too_long(field: str, most: int) -> Cause:
    """The value has more bytes than are allowed."""
    return Cause(field, "FieldValueTooLong", f"Too long: may not be more than {most} bytes")
