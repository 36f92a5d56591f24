"""Path elements: one step from a value to a part of it, in the form that fieldsV1 writes.

`f:<name>` a field, `k:{…}` an item of a map list by its keys, `v:<value>` an item of a set, `i:<index>`. One
element has one text, so that texts can be compared, hashed and kept as they are read.
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any, TypeAlias

import orjson

from simcluster import gotext
from simcluster.kinds.types import List, Struct, resolved

Json: TypeAlias = Any

_RANKS = {"f": 0, "k": 1, "v": 2, "i": 3}
_PREFIX = 2  # of "f:"
_EXACT = 2.0**53  # up to here a float64 tells integers apart
_INT64 = 2**63  # the server reads larger ones as float64
_ESCAPED = frozenset("<>&\u2028\u2029")


class ElementError(ValueError):
    """A list's item that cannot be told apart from others, or text that is no path element."""


def of_item(listed: List, item: Json) -> str:
    """Return the element of an item of a set or map list. Raises `ElementError` with the server's words."""
    return _keyed(listed, item) if listed.keys else _valued(item)


def _keyed(listed: List, item: Json) -> str:
    if item is None:
        raise ElementError("associative list with keys may not have a null element")
    if type(item) is not dict:
        raise ElementError("associative list with keys may not have non-map elements")
    if len(listed.keys) == 1 and type(only := item.get(listed.keys[0])) is str:
        return _named(listed.keys[0], only)
    found = {key: item[key] for key in listed.keys if key in item}
    if len(found) != len(listed.keys):
        defaults = _defaults(listed)
        found |= {key: defaults[key] for key in listed.keys if key not in item and key in defaults}
        if not found:
            names = " ".join(map(gotext.quoted, listed.keys))
            raise ElementError(
                f"associative list with keys has an element that omits all key fields [{names}] "
                "(and doesn't have default values for any key fields)"
            )
    return f"k:{_canonical(found)}"


@lru_cache(maxsize=4096)
def _named(key: str, value: str) -> str:
    return f"k:{_canonical({key: value})}"


def _defaults(listed: List) -> dict[str, Json]:
    items = resolved(listed.items)
    return dict(items.defaults) if isinstance(items, Struct) else {}


def _valued(item: Json) -> str:
    if type(item) is dict:
        raise ElementError("associative list without keys has an element that's a map type")
    if type(item) is list:
        raise ElementError("not supported: associative list with lists as elements")
    if item is None:
        raise ElementError("associative list without keys has an element that's an explicit null")
    return f"v:{_canonical(item)}"


def _canonical(value: Json) -> str:
    if type(value) is dict:
        value = {key: _integral(each) for key, each in value.items()}
    text = orjson.dumps(_integral(value), option=orjson.OPT_SORT_KEYS).decode()
    return text if _ESCAPED.isdisjoint(text) else gotext.html_safe(text)


def _integral(value: Json) -> Json:
    if type(value) is int:
        return value if -_INT64 <= value < _INT64 else float(value)
    whole = type(value) is float and value.is_integer() and abs(value) < _EXACT
    return int(value) if whole else value


@lru_cache(maxsize=4096)
def read(text: str) -> str | None:
    """Return the one text of a path element; None for a type from the future, which is to be dropped.

    Raises `ElementError`.
    """
    if len(text) < _PREFIX:
        raise ElementError("key must be 2 characters long:")
    if text[1] != ":":
        raise ElementError(f"missing colon: {text}")
    rest = text[_PREFIX:]
    try:
        if text[0] == "k":
            return f"k:{_canonical(_object(rest))}"
        if text[0] == "v":
            return f"v:{_canonical(json.loads(rest))}"
        if text[0] == "i":
            return f"i:{int(rest)}"
    except ValueError as error:
        raise ElementError(str(error)) from error
    return text if text[0] == "f" else None


def _object(text: str) -> dict[str, Json]:
    value = json.loads(text)
    if not isinstance(value, dict):
        raise ElementError("expect { or n, but found something else")
    return value


@lru_cache(maxsize=4096)
def order(text: str) -> tuple[Any, ...]:
    """Sort key: fields, then keys, values, indexes; each by what it holds, numbers as numbers."""
    rank, rest = _RANKS[text[0]], text[_PREFIX:]
    if rank == _RANKS["f"]:
        return (rank, rest)
    value = json.loads(rest)
    if rank == _RANKS["k"]:
        return (rank, tuple((key, _value_order(value[key])) for key in sorted(value)))
    return (rank, _value_order(value))


def _value_order(value: Json) -> tuple[int, Any]:
    if isinstance(value, bool):
        return (2, value)
    if isinstance(value, int | float):
        return (0, value)
    if isinstance(value, str):
        return (1, value)
    return (3, json.dumps(value, sort_keys=True))


def shown(text: str) -> str:
    """Write an element as messages do: `.spec`, `[containerPort=80,protocol="TCP"]`, `[="a"]`, `[0]`."""
    kind, rest = text[0], text[_PREFIX:]
    if kind == "f":
        return f".{rest}"
    if kind == "i":
        return f"[{rest}]"
    value = json.loads(rest)
    if kind == "v":
        return f"[={_shown_value(value)}]"
    return f"[{','.join(f'{key}={_shown_value(value[key])}' for key in sorted(value))}]"


def _shown_value(value: Json) -> str:
    if value is None:
        return "null"
    return gotext.quoted(value) if isinstance(value, str) else gotext.plain(value)
