"""Mappings of thousands of names, of which a few change: which they are, and the mapping with the changes.

What did not change is told by identity, which costs no comparison; a copy of a dictionary is one of memory.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import compress
from operator import is_not
from typing import TypeVar

Value = TypeVar("Value")

_ABSENT = object()


def differing(before: Mapping[str, object], after: Mapping[str, object]) -> tuple[str, ...]:
    """Name what is in one of them only, or is another object in the other, equal or not; sorted."""
    if before is after:
        return ()
    if list(before) == list(after):  # the usual case: no name came or went
        return tuple(sorted(compress(after, map(is_not, before.values(), after.values()))))
    names = before.keys() | after.keys()
    return tuple(sorted(name for name in names if before.get(name, _ABSENT) is not after.get(name, _ABSENT)))


def changed(before: Mapping[str, Value], changes: Mapping[str, Value | None]) -> Mapping[str, Value]:
    """Give the mapping with other values, and without what is None now. Sorted by name if `before` is."""
    if not changes:
        return before
    after = dict(before)
    new = False
    for name, value in changes.items():
        if value is None:
            after.pop(name, None)
        else:
            new |= name not in after
            after[name] = value
    return dict(sorted(after.items(), key=_name)) if new else after


def _name(item: tuple[str, object]) -> str:
    return item[0]
