"""What an object of a built-in kind is before anything is written into it: the zero value of its Go type.

Structs that Go always writes (`strategy`, `resources`) are there from the start, so whoever creates an object
does not own them. `empty.json` is written by the program in `zero/`; kinds not in it begin with nothing.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any, TypeAlias

import orjson

JsonObject: TypeAlias = dict[str, Any]

_FILE = Path(__file__).with_name("empty.json")


@lru_cache(maxsize=1)
def _table() -> dict[str, JsonObject]:
    found: dict[str, JsonObject] = orjson.loads(_FILE.read_bytes())
    return found


def empty(api_version: str, kind: str) -> JsonObject:
    """Return the empty object of a kind, with its nulls; not to be changed."""
    return _table().get(f"{api_version}/{kind}", {})


def is_built_in(api_version: str, kind: str) -> bool:
    """Whether the table knows the kind; the types of such kinds never change."""
    return f"{api_version}/{kind}" in _table()


def without_nulls(value: JsonObject, zero: JsonObject) -> JsonObject:
    """Return `value` without the nulls that came from the empty object: clients never see them."""
    made = dict(value)
    for key, each in zero.items():
        if each is None and made.get(key) is None:
            made.pop(key, None)
        elif isinstance(each, dict) and isinstance(made.get(key), dict):
            made[key] = without_nulls(made[key], each)
    return made
