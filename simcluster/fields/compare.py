"""What an object has that another has not: paths added, modified, removed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple, TypeAlias

from simcluster.fields import elements
from simcluster.fields.sets import SELF, FieldSet, Node, Path, graft, insert
from simcluster.fields.shapes import ANY, child, deduced, is_deduced, same, shape
from simcluster.kinds.types import List, Ref, Scalar, Struct, Type
from simcluster.values import JsonObject

Json: TypeAlias = Any


class Comparison(NamedTuple):
    """Paths by what became of them."""

    added: FieldSet
    modified: FieldSet
    removed: FieldSet

    def without(self, ignored: FieldSet) -> Comparison:
        """Leave out the ignored paths and all below them."""
        if not ignored:
            return self
        return Comparison(*(found.recursive_difference(ignored) for found in self))

    def written(self) -> FieldSet:
        """Paths that have a new value."""
        return self.modified.union(self.added)


def compare(old: JsonObject, new: JsonObject, schema: Struct) -> Comparison:
    """Compare two objects of one type, both of it (see `typed.check`)."""
    walk = _Walk()
    walk.struct(old, new, schema, ())
    return Comparison(FieldSet(walk.added), FieldSet(walk.modified), FieldSet(walk.removed))


class _Walk:
    """Gathers differences; each method compares two values that are both there."""

    __slots__ = ("added", "modified", "removed")

    def __init__(self) -> None:
        self.added: Node = {}
        self.modified: Node = {}
        self.removed: Node = {}

    def value(self, old: Json, new: Json, found: Type, path: Path) -> None:
        if old is new:
            return
        if type(found) is Ref:
            found = found.look_up(found.name)
        if type(found) is Scalar:
            if is_deduced(found):
                self._deduced(old, new, path)
            elif not same(old, new):
                insert(self.modified, path)
        elif type(found) is Struct:
            self.struct(old, new, found, path)
        elif type(found) is List:
            self._list(old, new, found, path)

    def _deduced(self, old: Json, new: Json, path: Path) -> None:
        """Compare as what each of them is: a change of nature counts both ways."""
        for kind in dict.fromkeys((deduced(old), deduced(new))):
            if type(kind) is Struct:
                self.struct(old, new, kind, path)
            elif not same(old, new):
                insert(self.modified, path)

    def struct(self, old: Json, new: Json, struct: Struct, path: Path) -> None:
        before: JsonObject = old if type(old) is dict else {}
        after: JsonObject = new if type(new) is dict else {}
        if struct.atomic or not (before or after):
            if not same(old, new):
                insert(self.modified, path)
            return
        for key, value in before.items():
            if key in after:
                other = after[key]
                if value is not other:
                    self.value(value, other, child(struct, key) or ANY, (*path, f"f:{key}"))
            else:
                self._gone(value, child(struct, key) or ANY, (*path, f"f:{key}"))
        for key, value in after.items():
            if key not in before:
                graft(self.added, (*path, f"f:{key}"), whole(value, child(struct, key) or ANY))

    def _gone(self, value: Json, found: Type, path: Path) -> None:
        graft(self.removed, path, whole(value, found))

    def _list(self, old: Json, new: Json, listed: List, path: Path) -> None:
        before: list[Json] = old if type(old) is list else []
        after: list[Json] = new if type(new) is list else []
        if listed.topology == "atomic" or not (before or after):
            if not same(old, new):
                insert(self.modified, path)
            return
        left, right = grouped(listed, before), grouped(listed, after)
        for step in dict.fromkeys((*left, *right)):
            self._item(left.get(step, ()), right.get(step, ()), listed.items, (*path, step))

    def _item(self, old: Iterable[Json], new: Iterable[Json], found: Type, path: Path) -> None:
        """Compare what a list holds under one element: more than one counts as a whole."""
        before, after = list(old), list(new)
        if len(before) > 1 and len(after) > 1:
            if not same(before, after):
                insert(self.modified, path)
        elif len(before) > 1:
            if after:
                graft(self.added, path, whole(after[0], found))
            insert(self.removed, path)
        elif len(after) > 1:
            if before:
                self._gone(before[0], found, path)
            insert(self.added, path)
        elif before and after:
            self.value(before[0], after[0], found, path)
        elif before:
            self._gone(before[0], found, path)
        else:
            graft(self.added, path, whole(after[0], found))


def grouped(listed: List, items: list[Json]) -> dict[str, list[Json]]:
    """Items of a set or map list by their elements."""
    found: dict[str, list[Json]] = {}
    for item in items:
        found.setdefault(elements.of_item(listed, item), []).append(item)
    return found


def whole(value: Json, found: Type) -> Node:
    """Every path of a value that the other side has not at all, its own included."""
    kind = shape(found, value)
    if not value or type(kind) is Scalar:
        return {}
    if type(kind) is Struct and not kind.atomic and type(value) is dict:
        made: Node = {SELF: {}}
        for key, each in value.items():
            made[f"f:{key}"] = whole(each, child(kind, key) or ANY)
        return made
    if type(kind) is List and kind.topology != "atomic" and type(value) is list:
        made = {SELF: {}}
        for step, items in grouped(kind, value).items():
            made[step] = whole(items[0], kind.items) if len(items) == 1 else {}
        return made
    return {}
