"""Objects that are wrong in one place: every field of a valid one misspelt, of another type, or left out."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any, NamedTuple

OTHER_TYPES: tuple[Any, ...] = ("text", 7, True, ["text"], {"key": "text"})
_IDENTITY = {("apiVersion",), ("kind",), ("metadata",), ("metadata", "name"), ("metadata", "namespace")}


class Mutation(NamedTuple):
    """An object, and where and how it differs from the valid one."""

    body: dict[str, Any]
    pointer: tuple[str | int, ...]
    how: str


def mutations(body: dict[str, Any]) -> Iterator[Mutation]:
    """Give the mutations of an object, two other types of each value by turns; what identifies it stays."""
    for number, (pointer, value) in enumerate(_values(body, ())):
        if pointer in _IDENTITY:
            continue
        if isinstance(pointer[-1], str):
            yield Mutation(_changed(body, pointer, misspelt=True), pointer, "misspelt")
            yield Mutation(_changed(body, pointer), pointer, "left out")
        others = [other for other in OTHER_TYPES if type(other) is not type(value)]
        for other in (others[number % len(others)], others[(number + 1) % len(others)]):
            yield Mutation(_changed(body, pointer, other), pointer, f"{type(other).__name__} instead")
        if isinstance(value, str):
            yield Mutation(_changed(body, pointer, "Nonsense"), pointer, "nonsense")


def _values(value: Any, pointer: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    if pointer:
        yield pointer, value
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _values(inner, (*pointer, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _values(inner, (*pointer, index))


_NOTHING = object()


def _changed(
    body: dict[str, Any], pointer: tuple[str | int, ...], value: Any = _NOTHING, *, misspelt: bool = False
) -> dict[str, Any]:
    whole = copy.deepcopy(body)
    parent: Any = whole
    for step in pointer[:-1]:
        parent = parent[step]
    last = pointer[-1]
    if misspelt:
        parent[f"{last}x"] = parent.pop(last)
    elif value is _NOTHING:
        del parent[last]
    else:
        parent[last] = value
    return whole
