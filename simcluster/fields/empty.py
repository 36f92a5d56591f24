"""What an object of a built-in kind is before anything is written into it: the zero value of its Go type.

Structs that Go always writes (`strategy`, `resources`) are there from the start, so whoever creates an object
does not own them. Objects of custom kinds begin with nothing.
"""

from __future__ import annotations

from functools import cache
from typing import Any, TypeAlias

from simcluster.kinds.types import Struct, Type, resolved
from simcluster.values import JsonObject

Json: TypeAlias = Any

_ZERO_QUANTITY = "0"


def empty(schema: Struct) -> JsonObject:
    """Return the empty object of a kind, with its nulls; not to be changed."""
    return _zero(schema) if is_built_in(schema) else {}


def is_built_in(schema: Struct) -> bool:
    """Whether the kind is a Go type, which never changes while the server runs."""
    return schema.encoding is not None


def without_nulls(value: JsonObject, zero: JsonObject) -> JsonObject:
    """Return `value` without the nulls that came from the empty object: clients never see them."""
    made = dict(value)
    for key, each in zero.items():
        if each is None and made.get(key) is None:
            made.pop(key, None)
        elif isinstance(each, dict) and isinstance(made.get(key), dict):
            made[key] = without_nulls(made[key], each)
    return made


@cache
def _zero(struct: Struct) -> JsonObject:
    found: JsonObject = {}
    for key, default in struct.encoding.fill if struct.encoding else ():
        # A default that is no zero value is filled in later.
        if not default or default == _ZERO_QUANTITY:
            found[key] = _inside(default, struct.fields[key])
    return found


def _inside(value: Json, found: Type) -> Json:
    kind = resolved(found)
    return _zero(kind) if value == {} and type(kind) is Struct else value
