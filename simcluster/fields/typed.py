"""A value under its type: is it one, and which paths does it hold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

from simcluster import gotext
from simcluster.fields import elements
from simcluster.fields.elements import ElementError
from simcluster.fields.sets import SELF, FieldSet, Node
from simcluster.fields.shapes import ANY, child, shape
from simcluster.kinds.types import List, Scalar, Struct, Type
from simcluster.values import JsonObject

Json: TypeAlias = Any
Problem: TypeAlias = tuple[str, str]  # path, message

_TEXT_FORMATS = ("", "byte")
_Scalars: TypeAlias = str | int | float | bool


class TypedError(ValueError):
    """A value that is not of its type; the text is the server's."""


def check(value: JsonObject, schema: Struct, *, duplicates: bool = False) -> None:
    """Raise `TypedError` unless the object is of its type; `duplicates` allows them in sets and maps.

    Several problems are told in the order of fields' names, where the server has none, and of items.
    """
    problems = _problems(value, schema, duplicates)
    if not problems:
        return
    texts = [f"{path}: {message}" if path else message for path, message in problems]
    raise TypedError(
        texts[0] if len(texts) == 1 else "\n".join(["errors:", *(f"  {text}" for text in texts)])
    )


def field_set(value: JsonObject, schema: Struct) -> FieldSet:
    """Every path that an apply of this (checked) object claims."""
    return FieldSet(_claims(value, schema))


def _problems(value: Json, found: Type, duplicates: bool) -> Sequence[Problem]:  # noqa: FBT001 - internal
    kind = shape(found, value)
    if type(kind) is Scalar:
        message = _scalar_problem(value, kind)
        return [("", message)] if message else ()
    if value is None:
        return ()
    if type(kind) is Struct:
        if type(value) is dict:
            return _struct_problems(value, kind, duplicates)
        return [("", f"expected map, got &{{{gotext.plain(value)}}}")]
    if type(value) is list and type(kind) is List:
        return _list_problems(value, kind, duplicates)
    return [("", f"expected list, got &{{{gotext.plain(value)}}}")]


def _struct_problems(value: JsonObject, struct: Struct, duplicates: bool) -> Sequence[Problem]:  # noqa: FBT001
    found: dict[str, list[Problem]] = {}
    for key, each in value.items():
        inner = child(struct, key)
        if inner is None:
            found[key] = [(f".{key}", "field not declared in schema")]
            break  # the server looks no further either
        problems = _problems(each, inner, duplicates)
        if problems:
            found[key] = [(f".{key}{path}", message) for path, message in problems]
    return [problem for key in sorted(found) for problem in found[key]] if found else ()


def _list_problems(value: list[Json], listed: List, duplicates: bool) -> Sequence[Problem]:  # noqa: FBT001
    found: list[Problem] = []
    seen: set[str] = set()
    atomic = listed.topology == "atomic"
    for index, item in enumerate(value):
        step = f"i:{index}"
        if not atomic:
            try:
                step = elements.of_item(listed, item)
            except ElementError as error:
                found.append(("", f"element {index}: {error}"))
                break
            if step in seen and not duplicates:
                found.append(("", f"duplicate entries for key {elements.shown(step)}"))
            seen.add(step)
        for path, message in _problems(item, listed.items, duplicates):
            found.append((f"{elements.shown(step)}{path}", message))
    return found


def _scalar_problem(value: Json, scalar: Scalar) -> str:
    if value is None:
        return ""
    if scalar.kind == "string" and scalar.format in _TEXT_FORMATS:
        good = type(value) is str
        return (
            "" if good else f"expected string, got &value.valueUnstructured{{Value:{gotext.syntax(value)}}}"
        )
    if scalar.kind in ("integer", "number"):
        good = type(value) is int or type(value) is float
        return "" if good else f"expected numeric (int or float), got {gotext.type_name(value)}"
    if scalar.kind == "boolean":
        return "" if type(value) is bool else f"expected boolean, got &{{{gotext.plain(value)}}}"
    return "" if isinstance(value, _Scalars) else f"expected any scalar, got &{{{gotext.plain(value)}}}"


def _claims(value: Json, found: Type) -> Node | None:
    """Paths below a value; `{}` for the value itself; None for nothing."""
    kind = shape(found, value)
    if type(kind) is Struct:
        if kind.atomic:
            return {}
        return _struct_claims(value, kind) if value else None
    if type(kind) is List:
        if kind.topology == "atomic":
            return {}
        return _list_claims(value, kind) if value else None
    return {}


def _struct_claims(value: JsonObject, struct: Struct) -> Node | None:
    made: Node = {}
    fields = struct.fields
    for key, each in value.items():
        below = _claims(each, child(struct, key) or ANY)
        if each is None or each == {} or key not in fields:
            below = _with_self(below)
        if below is not None:
            made[f"f:{key}"] = below
    return made or None


def _list_claims(value: list[Json], listed: List) -> Node:
    made: Node = {}
    repeated: set[str] = set()
    steps = [elements.of_item(listed, item) for item in value]
    for step, item in zip(steps, value, strict=True):
        if step in made:
            repeated.add(step)
        else:
            made[step] = _with_self(_claims(item, listed.items))
    return made | {step: {} for step in repeated}


def _with_self(below: Node | None) -> Node:
    if not below:
        return {}
    return below if SELF in below else {SELF: {}, **below}
