"""Finds the fields of an object that a built-in struct does not have."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any, TypeAlias

from simcluster.kinds.types import List, Scalar, Struct, Type, resolved
from simcluster.values import JsonObject

Json: TypeAlias = Any


def strict_paths(
    value: JsonObject, struct: Struct, path: str, duplicates: Collection[str] = ()
) -> Iterator[tuple[str, bool]]:
    """Yield (path, unknown?) of unknown fields and of those among `duplicates`, in the order of the document.

    Nothing inside an unknown field is looked at.
    """
    for key, each in value.items():
        place = f"{path}.{key}" if path else key
        type_ = struct.fields.get(key)
        if type_ is None:
            yield place, True
            continue
        yield from _inside(each, type_, place, duplicates)
        if place in duplicates:
            yield place, False


def _inside(value: Json, type_: Type, path: str, duplicates: Collection[str]) -> Iterator[tuple[str, bool]]:
    found = resolved(type_)
    if isinstance(found, List):
        if isinstance(value, list) and not isinstance(resolved(found.items), Scalar):
            for index, each in enumerate(value):
                yield from _inside(each, found.items, f"{path}[{index}]", duplicates)
    elif isinstance(found, Struct) and isinstance(value, dict):
        if found.values is not None:
            for key, each in value.items():
                yield from _inside(each, found.values, f"{path}.{key}", duplicates)
                if f"{path}.{key}" in duplicates:
                    yield f"{path}.{key}", False
        elif not (found.open and not found.fields):
            yield from strict_paths(value, found, path, duplicates)
