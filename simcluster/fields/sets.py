"""Sets of field paths: the algebra under managedFields.

A set is kept as what fieldsV1 writes of it (KEP-555): `{}` is a path that is in the set and has nothing below
it, `"."` marks one that is in the set and has paths below it. So most sets are read and written untouched.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, TypeAlias

import orjson

from simcluster.fields import elements
from simcluster.values import JsonObject

Node: TypeAlias = dict[str, Any]  # element → Node, and "." → {}
Path: TypeAlias = tuple[str, ...]

SELF = "."


class FieldSet:
    """An immutable set of paths; the empty path is never in it."""

    __slots__ = ("_in_order", "node")

    def __init__(self, node: Node | None = None, *, in_order: bool = False) -> None:
        """`node` is taken over: in the canonical form described above, and never changed afterwards."""
        self.node: Node = node or {}
        self._in_order = in_order

    @classmethod
    def of(cls, *paths: Iterable[str]) -> FieldSet:
        """Make a set of paths, each a series of path elements (`f:spec`, `f:replicas`)."""
        root: Node = {}
        for path in paths:
            insert(root, tuple(path))
        return cls(root)

    @classmethod
    def fields(cls, *paths: str) -> FieldSet:
        """Make a set of field paths with dots, such as `metadata.name`."""
        return cls.of(*([f"f:{name}" for name in path.split(".")] for path in paths))

    @classmethod
    def from_v1(cls, fields: JsonObject) -> FieldSet:
        """Read a fieldsV1 that anyone may have written. Raises `ElementError` where it is malformed."""
        return cls(_read(fields)[1])

    def to_v1(self) -> JsonObject:
        """Write it as fieldsV1, in the server's order."""
        return self.node if self._in_order else _ordered(self.node)

    def __bool__(self) -> bool:
        return bool(self.node)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FieldSet) and self.node == other.node

    def __hash__(self) -> int:
        return hash(orjson.dumps(self.node, option=orjson.OPT_SORT_KEYS))

    def __repr__(self) -> str:
        return f"FieldSet({', '.join(shown(path) for path in self)})"

    def __iter__(self) -> Iterator[Path]:
        """Paths in the server's order: at each level what is in the set, then what is below."""
        return _paths(self.node, ())

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def has(self, path: Iterable[str]) -> bool:
        """Whether the set holds the path itself."""
        node: Node | None = self.node
        steps = tuple(path)
        for step in steps:
            node = None if node is None else node.get(step)
        return bool(steps) and node is not None and is_member(node)

    def union(self, other: FieldSet) -> FieldSet:
        """Paths in either."""
        if not other.node or not self.node:
            return other if not self.node else self
        return FieldSet(_union(self.node, other.node))

    def difference(self, other: FieldSet) -> FieldSet:
        """Paths of this set that are not in the other; paths below those of the other stay."""
        return FieldSet(_difference(self.node, other.node)) if other.node else self

    def recursive_difference(self, other: FieldSet) -> FieldSet:
        """Paths of this set that are neither in the other nor below one of the other."""
        return FieldSet(_recursive_difference(self.node, other.node)) if other.node else self

    def intersection(self, other: FieldSet) -> FieldSet:
        """Paths in both."""
        return FieldSet(_intersection(self.node, other.node))

    def leaves(self) -> FieldSet:
        """Paths of the set that have none of the set below them."""
        return FieldSet(_leaves(self.node))


EMPTY = FieldSet()


def shown(path: Iterable[str]) -> str:
    """Write a path as messages do: `.spec.containers[name="web"].image`."""
    return "".join(map(elements.shown, path))


def is_member(node: Node) -> bool:
    """Whether the path that leads to this node is in the set."""
    return not node or SELF in node


def joined(member: bool, below: Node) -> Node | None:  # noqa: FBT001 - internal, and always positional
    """Make a node of whether it is in the set and of what is below; None where nothing is left."""
    if not below:
        return {} if member else None
    return {SELF: {}, **below} if member else below


def insert(root: Node, path: Path) -> None:
    """Put a path into a node under construction; its parts must not be shared."""
    node = root
    for step in path[:-1]:
        node = _descend(node, step)
    if path:
        last = node.get(path[-1])
        if last is None:
            node[path[-1]] = {}
        elif last:
            last[SELF] = {}


def graft(root: Node, path: Path, subtree: Node) -> None:
    """Put a path and all that `subtree` says of it into a node under construction."""
    node = root
    for step in path[:-1]:
        node = _descend(node, step)
    there = node.get(path[-1])
    node[path[-1]] = subtree if there is None else _union_node(there, subtree)


def _descend(node: Node, step: str) -> Node:
    found = node.get(step)
    if found is None:
        found = node[step] = {}
    elif not found:
        found[SELF] = {}
    result: Node = found
    return result


def _union(left: Node, right: Node) -> Node:
    made = dict(left)
    for step, node in right.items():
        there = made.get(step)
        made[step] = node if there is None else _union_node(there, node)
    return made


def _union_node(left: Node, right: Node) -> Node:
    if left is right:
        return left
    if not right:
        return left if is_member(left) else {SELF: {}, **left}
    if not left:
        return right if SELF in right else {SELF: {}, **right}
    return _union(left, right)


def _difference(left: Node, right: Node) -> Node:
    made: Node = {}
    for step, node in left.items():
        if step == SELF:
            continue
        other = right.get(step)
        if other is None:
            made[step] = node
            continue
        kept = joined(is_member(node) and not is_member(other), _difference(node, other))
        if kept is not None:
            made[step] = kept
    return made


def _recursive_difference(left: Node, right: Node) -> Node:
    made: Node = {}
    for step, node in left.items():
        if step == SELF:
            continue
        other = right.get(step)
        if other is None:
            made[step] = node
        elif not is_member(other):
            kept = joined(is_member(node), _recursive_difference(node, other))
            if kept is not None:
                made[step] = kept
    return made


def _intersection(left: Node, right: Node) -> Node:
    made: Node = {}
    for step, node in left.items():
        other = right.get(step)
        if other is None or step == SELF:
            continue
        kept = joined(is_member(node) and is_member(other), _intersection(node, other))
        if kept is not None:
            made[step] = kept
    return made


def _leaves(node: Node) -> Node:
    return {step: _leaves(below) for step, below in node.items() if step != SELF}


def _paths(node: Node, prefix: Path) -> Iterator[Path]:
    steps = in_order(node)
    for step in steps:
        if is_member(node[step]):
            yield (*prefix, step)
    for step in steps:
        yield from _paths(node[step], (*prefix, step))


def in_order(node: Node) -> list[str]:
    """Return the elements below a node in the server's order."""
    steps = [step for step in node if step != SELF]
    if len(steps) > 1:
        steps.sort(key=None if all(step[0] == "f" for step in steps) else elements.order)
    return steps


def _ordered(node: Node) -> Node:
    if not node:
        return node
    made: Node = {SELF: {}} if SELF in node else {}
    for step in in_order(node):
        made[step] = _ordered(node[step])
    return made


def _read(fields: JsonObject | None) -> tuple[bool, Node]:
    if fields is None:
        return True, {}
    if not isinstance(fields, dict):
        raise elements.ElementError("expect { or n, but found something else")
    member, made = False, {}
    for text, below in fields.items():
        if text == SELF:
            member = True
            continue
        step = elements.read(text)
        if step is None:
            continue
        node = joined(*_read(below))
        made[step] = {} if node is None else node
    return member or not made, made
