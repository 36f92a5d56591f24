"""Lists of strategic merge patches: elements told apart by a merge key, and the order of what was merged."""

from __future__ import annotations

from typing import Any, TypeAlias

from simcluster import gotext
from simcluster.errors import ApiError
from simcluster.patches.refusals import go_type, internal, same, unprocessable

Json: TypeAlias = Any


def merge_key_of(element: Json, merge_key: str) -> Json:
    """Return what tells `element` apart: its merge key's value, or itself in a list of scalars."""
    if not merge_key:
        return element
    if not isinstance(element, dict):
        raise internal(f"expected a map[string]interface {{}}, but received a {go_type(element)}")
    if merge_key not in element:
        raise _no_merge_key(element, merge_key)
    return element[merge_key]


def one_kind(*lists: list[Json]) -> type:
    """Return the type that all elements have. Raises `ApiError` where they differ or there are none."""
    elements = [each for one in lists for each in one]
    if not elements:
        raise internal("no elements in any of the given slices")
    first = type(elements[0])
    if first is list:
        raise unprocessable()
    if any(type(each) is not first for each in elements):
        raise internal(f"list element types are not identical: {gotext.plain(list(lists))}")
    return first


def without_matching(elements: list[Json], merge_key: str, value: Json) -> list[Json]:
    """Drop the elements whose merge key has that value."""
    return [each for each in elements if not same(each.get(merge_key), value)]


def ordered(merged: list[Json], patch: list[Json], live: list[Json], merge_key: str) -> list[Json]:
    """Order what was merged: the patch's elements as in `patch`, the others as they are `live`.

    The two sequences are interleaved by the live order where both elements of a pair are live; else the
    patch's comes first. Each keeps its own order.
    """
    asked = [merge_key_of(each, merge_key) for each in patch]
    before = [each.get(merge_key) if merge_key and isinstance(each, dict) else each for each in live]
    keyed = [(merge_key_of(each, merge_key), each) for each in merged]
    ours = _sorted([pair for pair in keyed if _at(asked, pair[0]) >= 0], asked)
    theirs = _sorted([pair for pair in keyed if _at(asked, pair[0]) < 0], before)
    found: list[Json] = []
    while ours and theirs:
        left, right = _at(before, theirs[0][0]), _at(before, ours[0][0])
        found.append((theirs if 0 <= left < right else ours).pop(0)[1])
    return found + [each for _, each in ours + theirs]


def _sorted(pairs: list[tuple[Json, Json]], order: list[Json]) -> list[tuple[Json, Json]]:
    """Sort by place in `order`; what has none there moves to the front, and others pass it.

    That is what the server's insertion sort makes of a comparison which then always says "before".
    """
    found: list[tuple[Json, Json]] = []
    for pair in pairs:
        mine, at = _at(order, pair[0]), len(found)
        while at:
            other = _at(order, found[at - 1][0])
            if 0 <= other <= mine:
                break
            at -= 1
        found.insert(at, pair)
    return found


def _at(keys: list[Json], key: Json) -> int:
    return next((index for index, each in enumerate(keys) if same(each, key)), -1)


def _no_merge_key(element: Json, merge_key: str) -> ApiError:
    return internal(f"map: {gotext.plain(element)} does not contain declared merge key: {merge_key}")
