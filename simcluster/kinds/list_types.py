"""Validates lists of custom objects that are sets or maps (x-kubernetes-list-type)."""

from __future__ import annotations

from typing import Any, TypeAlias

from simcluster.errors import Cause
from simcluster.kinds.refusing import child, invalid_value, members, shown
from simcluster.values import JsonObject

Json: TypeAlias = Any

_NO_OBJECT = "must be an object for an array of list-type map"
_TOLD = 2  # the second of equal items is told, a third is not


def list_type_errors(value: Json, schema: JsonObject, path: str) -> list[Cause]:
    """Everything wrong with the sets and maps in `value`: equal items, and items of maps without keys."""
    found: list[Cause] = []
    if isinstance(value, dict):
        for key, each, known in members(value, schema):
            found += list_type_errors(each, known, child(path, key))
    elif isinstance(value, list):
        kind = schema.get("x-kubernetes-list-type")
        if kind == "map":
            found += _map_errors(value, schema.get("x-kubernetes-list-map-keys") or (), path)
        elif kind == "set":
            found += _repeated([shown(each) for each in value], path)
        items = schema.get("items") or {}
        for index, each in enumerate(value):
            found += list_type_errors(each, items, f"{path}[{index}]")
    return found


def _map_errors(value: list[Json], keys: list[str] | tuple[str, ...], path: str) -> list[Cause]:
    """Compare items by their keys, but tell only of the first that has none. Null is nobody's equal."""
    texts: list[str | None] = []
    for index, each in enumerate(value):
        if isinstance(each, dict):
            texts.append(shown({key: each[key] for key in keys if key in each}))
        elif each is None:
            texts.append(None)
        else:
            return [invalid_value(f"{path}[{index}]", each, _NO_OBJECT)]
    return _repeated(texts, path)


def _repeated(texts: list[str | None] | list[str], path: str) -> list[Cause]:
    times: dict[str, int] = {}
    found: list[Cause] = []
    for index, text in enumerate(texts):
        if text is None:
            continue
        times[text] = times.get(text, 0) + 1
        if times[text] == _TOLD:
            found.append(Cause(f"{path}[{index}]", "FieldValueDuplicate", f"Duplicate value: {text}"))
    return found
