"""Taking paths out of an object, and what a field set means under a type."""

from __future__ import annotations

from typing import Any, TypeAlias

from simcluster.fields import elements
from simcluster.fields.sets import SELF, FieldSet, Node, is_member
from simcluster.fields.shapes import ANY, child, is_deduced, shape
from simcluster.kinds.types import List, Ref, Struct, Type
from simcluster.values import JsonObject

Json: TypeAlias = Any


def without(value: JsonObject, removed: FieldSet, schema: Struct) -> JsonObject:
    """Return the object without the paths of the set; what is emptied on the way becomes null.

    Shares parts with `value`.
    """
    return _without(value, removed.node, schema) or {}


def _without(value: Json, removed: Node, found: Type) -> Json:
    kind = shape(found, value)
    if type(kind) is Struct:
        if type(value) is not dict or kind.atomic:
            return None
        return _struct_without(value, removed, kind) or None
    if type(kind) is List:
        if type(value) is not list or kind.topology == "atomic":
            return None
        return _list_without(value, removed, kind) or None
    return value


def _struct_without(value: JsonObject, removed: Node, struct: Struct) -> JsonObject:
    made = {}
    for key, each in value.items():
        node = removed.get(f"f:{key}")
        if node is None:
            made[key] = each
        elif not is_member(node):
            made[key] = _without(each, node, child(struct, key) or ANY)
    return made


def _list_without(value: list[Json], removed: Node, listed: List) -> list[Json]:
    made = []
    for item in value:
        node = removed.get(elements.of_item(listed, item))
        if node is None:
            made.append(item)
        elif not is_member(node):
            made.append(_without(item, node, listed.items))
    return made


def with_named_fields(found: FieldSet, schema: Struct) -> FieldSet:
    """Add each declared field below which the set has a path.

    Fields of a type are there with their first part, and so go with their last one.
    """
    return FieldSet(_with_named(found.node, schema))


def _with_named(node: Node, found: Type | None) -> Node:
    kind = found.look_up(found.name) if type(found) is Ref else found
    made: Node = {SELF: {}} if SELF in node else {}
    for step, below in node.items():
        if step == SELF:
            continue
        inner, named = _inner(kind, step)
        new = _with_named(below, inner) if below else below
        if named and new and SELF not in new:
            new = {SELF: {}, **new}
        made[step] = new
    return made


def _inner(kind: Type | None, step: str) -> tuple[Type | None, bool]:
    """Return the type that a path element leads to, and whether it names a declared field."""
    if kind is not None and is_deduced(kind):
        return (kind if step[0] == "f" else None), False
    if type(kind) is Struct and step[0] == "f":
        return child(kind, step[2:]), step[2:] in kind.fields
    if type(kind) is List and step[0] == "k":
        return kind.items, False
    return None, False


def reconciled(found: FieldSet, schema: Struct) -> FieldSet:
    """Fit a set to a type that has changed: of what merges as a whole now, only its own path is left."""
    fitted = _fitted(found.node, schema)
    return found if fitted is found.node else FieldSet(fitted)


def _fitted(node: Node, found: Type) -> Node:
    """Return the same node where nothing changes."""
    if is_deduced(found):
        return node
    changed: Node = {}
    for step, below in node.items():
        if step == SELF or not below:
            continue
        inner = _inner_to_fit(found, step)
        if inner is None:
            continue
        fitted = {} if _is_atomic(inner) else _fitted(below, inner)
        if fitted is not below:
            changed[step] = fitted
    return {**node, **changed} if changed else node


def _inner_to_fit(found: Type, step: str) -> Type | None:
    if type(found) is List:
        inner: Type | None = found.items
    else:
        inner, _ = _inner(found, step)
    if type(inner) is Ref:
        inner = inner.look_up(inner.name)
    return inner


def _is_atomic(found: Type) -> bool:
    return (type(found) is Struct and found.atomic) or (type(found) is List and found.topology == "atomic")
