"""The JSON form of built-in kinds as their Go types write it, and the static part of their defaults.

Reading an object in its shape gives what the server would answer after decoding, defaulting and encoding it:
unknown fields and nulls are gone, empty values of fields that are `omitempty` too, fields that are always
written are there, quantities and times are canonical. The table is `shapes.json`, printed by `shapes.go`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, TypeAlias

import orjson

from simcluster.strategies.shapes.scalars import SCALARS, ZEROS, milli_quantity
from simcluster.values import JsonObject

Reader: TypeAlias = Callable[[Any], Any]
Finish: TypeAlias = Callable[[JsonObject], None]

_STORED_AS_JSON = "apiextensions/"
_WRITTEN = frozenset("tuxqd")  # scalars of JSON that are structs of Go
# By Go type, as shapes.json names them (`core/v1.Container`). Filled by `simcluster.strategies.defaults`.
_constants: Mapping[str, JsonObject] = {}
_finishes: Mapping[str, Finish] = {}


class Shape:
    """One Go struct: how each field is read, what is written always, which defaults it has."""

    __slots__ = ("_always", "_constants", "_fields", "_finish")

    def __init__(self) -> None:
        self._fields: dict[str, tuple[Reader | None, bool]] = {}
        self._always: tuple[tuple[str, Reader | None, Any], ...] = ()
        self._constants: tuple[tuple[str, Any], ...] = ()
        self._finish: Finish | None = None

    def compile(self, name: str, forms: Mapping[str, str]) -> None:
        """Fill it from the field forms of `name`. Apart from construction because types may be recursive."""
        constants = _constants.get(name, {})
        always: list[tuple[str, Reader | None, Any]] = []
        for field, form in forms.items():
            bare = form.lstrip("?!")
            reader, drops, writes = _presence(form, bare, as_json=name.startswith(_STORED_AS_JSON))
            self._fields[field] = (reader, drops)
            if writes and field not in constants:
                struct = _is_struct(bare)
                always.append((field, reader if struct else None, None if struct else ZEROS.get(bare)))
        for field, value in constants.items():
            if isinstance(value, dict | list):
                always.append((field, partial(_fresh, value), None))
        self._always = tuple(always)
        self._constants = tuple(item for item in constants.items() if not isinstance(item[1], dict | list))
        self._finish = _finishes.get(name)

    def read(self, value: JsonObject) -> JsonObject:
        """Return `value` in this shape, as a new object."""
        out: JsonObject = {}
        fields = self._fields
        for name, item in value.items():
            known = fields.get(name)
            if known is None or item is None:
                continue
            reader, drops = known
            read = item if reader is None else reader(item)
            if drops and not read:
                continue
            out[name] = read
        for name, default in self._constants:
            if name not in out:
                out[name] = default
        for name, make, zero in self._always:
            if name not in out:
                out[name] = zero if make is None else make({})
        if self._finish is not None:
            self._finish(out)
        return out


def of(api_version: str, kind: str) -> Shape | None:
    """Return the shape of a built-in kind, or None for a kind that the table does not know."""
    name = _table()["kinds"].get(f"{api_version}/{kind}")
    return None if name is None else _shape(name)


def internal_fields(name: str) -> list[tuple[str, str, str]]:
    """Return Go name, API name and form of the fields of one of the server's internal types, in order."""
    found: list[tuple[str, str, str]] = _table()["internals"][name]
    return found


def define_defaults(constants: Mapping[str, JsonObject], finishes: Mapping[str, Finish]) -> None:
    """Say which defaults Go types have: constants of fields, and what depends on other fields. Once."""
    global _constants, _finishes  # read-only once the package is imported
    _constants, _finishes = constants, finishes


object_meta: Callable[[], Shape] = lambda: _shape("meta/v1.ObjectMeta")  # noqa: E731 - resolved when first used


@lru_cache(maxsize=1)
def _table() -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(Path(__file__).with_name("shapes.json").read_bytes())
    return found


_compiled: dict[str, Shape] = {}


def _shape(name: str) -> Shape:
    shape = _compiled.get(name)
    if shape is None:
        shape = _compiled[name] = Shape()
        shape.compile(name, _table()["types"][name])
    return shape


def _fresh(value: object, _: object) -> object:
    return deepcopy(value)


def _is_struct(bare: str) -> bool:
    return "." in bare and bare[0] not in "*[{"


def _presence(form: str, bare: str, *, as_json: bool) -> tuple[Reader | None, bool, bool]:
    """Return how a field is read, whether its empty value is left out, and whether it is always written.

    As encoding/json: `omitempty` counts for scalars and collections, a struct is written whatever it holds,
    also those that look like scalars (Time is written as null).
    """
    reader = _reader(bare)
    optional, omits_zero = "?" in form, "!" in form
    if bare[0] == "*" or bare == "r":
        return reader, False, not optional
    if bare[0] in "[{" or bare == "y":
        # What is stored as protobuf has no empty collections, only absent ones.
        return reader if optional or reader is None or as_json else _or_none(reader), optional, not optional
    if _is_struct(bare) or bare in _WRITTEN:
        return reader, omits_zero, not omits_zero
    return reader, optional or omits_zero, not (optional or omits_zero)


def _or_none(reader: Reader) -> Reader:
    return lambda value: reader(value) or None


def _reader(form: str) -> Reader | None:
    """Return how values of a form are read, or None where they are kept as they are."""
    if form[0] == "*":
        return _reader(form[1:])
    if form[0] == "[":
        return _list_reader(form[1:])
    if form == "{q":
        return lambda value: {key: milli_quantity(item) for key, item in value.items()}
    if form[0] == "{":
        return _map_reader(form[1:])
    if form in SCALARS:
        return SCALARS[form]
    return _shape(form).read


def _list_reader(form: str) -> Reader:
    item = _reader(form)
    zero = ZEROS.get(form)
    if item is None:
        return lambda value: [zero if entry is None else entry for entry in value]
    nothing: Any = {} if "." in form else zero
    return lambda value: [item(nothing if entry is None else entry) for entry in value]


def _map_reader(form: str) -> Reader:
    item = _reader(form)
    zero = ZEROS.get(form)
    if item is None:
        return lambda value: {key: zero if entry is None else entry for key, entry in value.items()}
    nothing: Any = {} if "." in form else zero
    return lambda value: {key: item(nothing if entry is None else entry) for key, entry in value.items()}
