"""How a structural type bears on a value: what merges by parts, what as a whole, and what is not known.

A value of a type that says nothing (`any`, `int-or-string` and the insides of open objects) is taken for what
it is: objects by their keys, lists and scalars as a whole (`deduced` in structured-merge-diff's words).
"""

from __future__ import annotations

from typing import Any, TypeAlias

import orjson

from simcluster.kinds.types import List, Ref, Scalar, Struct, Type

Json: TypeAlias = Any
Shape: TypeAlias = Scalar | Struct | List

ANY = Scalar("any")
_FREE = Struct(values=ANY, open=True)  # an object that `deduced` finds
_WHOLE = List(ANY)
_LEAF = Scalar("string", "any scalar")
_DEDUCED = frozenset({"any", "int-or-string"})
_SORTED = orjson.OPT_SORT_KEYS


class Missing:
    """No value at all, which is not null."""


MISSING = Missing()


def shape(found: Type, value: Json) -> Shape:
    """Return what decides about `value`: the type itself, or what is deduced. Null counts as an object."""
    if type(found) is Ref:
        found = found.look_up(found.name)
    if type(found) is Scalar and found.kind in _DEDUCED:
        return deduced(value)
    return found  # type: ignore[return-value]  # a Ref never leads to a Ref


def deduced(value: Json) -> Shape:
    """Return the shape of a value of no known type."""
    if value is None or type(value) is dict:
        return _FREE
    return _WHOLE if type(value) is list else _LEAF


def is_deduced(found: Type) -> bool:
    """Whether the type says nothing of its values."""
    return type(found) is Scalar and found.kind in _DEDUCED


def child(struct: Struct, key: str) -> Type | None:
    """Return the type of a field; None where the object may not have it."""
    found = struct.fields.get(key)
    if found is None:
        found = struct.values
        if found is None and (struct.open or not struct.fields):
            found = ANY
    return found


def same(left: Json, right: Json) -> bool:
    """Whether two values are equal as JSON: 1 is 1.0, but not true."""
    if left is right:
        return True
    if left != right:
        return False
    kinds = type(left), type(right)
    if kinds[0] is str:
        return True
    if dict in kinds or list in kinds:
        return orjson.dumps(left, option=_SORTED) == orjson.dumps(right, option=_SORTED) or _same(left, right)
    return (bool in kinds) == (kinds[0] is kinds[1] and kinds[0] is bool)


def _same(left: Json, right: Json) -> bool:
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(each, right[key]) for key, each in left.items())
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    return same(left, right)
