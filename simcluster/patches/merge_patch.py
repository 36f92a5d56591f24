"""JSON merge patches (RFC 7386), with what the server's library does differently inside of lists."""

from __future__ import annotations

from typing import Any

from simcluster.errors import bad_request
from simcluster.patches.refusals import decoded, json_type
from simcluster.values import JsonObject

_MAP = "Go value of type map[string]interface {}"


def decode(body: bytes) -> JsonObject:
    """Read the body of a merge patch. Raises `ApiError` 400."""
    patch = decoded(body)
    if patch is None:
        raise bad_request("Invalid JSON Patch")
    if not isinstance(patch, dict):
        raise bad_request(f"error decoding patch: json: cannot unmarshal {json_type(patch)} into {_MAP}")
    return patch


def apply(obj: JsonObject, patch: JsonObject) -> JsonObject:
    """Return the patched object; neither argument is changed, and the result shares parts with both."""
    merged = dict(obj)
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
            continue
        current = merged.get(key)
        if not isinstance(current, dict):
            merged[key] = without_nulls(value)
        elif isinstance(value, dict):
            merged[key] = apply(current, value)
        else:
            merged[key] = value
    return merged


def without_nulls(value: Any) -> Any:  # noqa: ANN401 - any JSON may come
    """Drop null fields at every depth, those of objects in lists included; a list's own nulls stay."""
    if isinstance(value, dict):
        return {key: without_nulls(each) for key, each in value.items() if each is not None}
    if isinstance(value, list):
        return [without_nulls(each) for each in value]
    return value
