"""An object against its kind's schema: unknown fields, wrong types, missing fields, values not in a list.

It follows what an API server does on Server-Side Apply with strict field validation, and is silent wherever
that depends on more than the schema: null, numbers' ranges, formats, and conditions between fields.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from gitops.model.reading import nearest
from gitops.objects import Json, JsonObject
from gitops.pointers import Pointer
from gitops.validation.enforced import ENFORCED
from gitops.validation.schemas import Kind, Schema, Schemas

_WORDS = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "object": "a mapping",
    "array": "a list",
}
_MOST = 100
_SHOWN = 20
_LONGEST = 100


class Violation(NamedTuple):
    """What is wrong, and where below the object. `key`: the field's name is wrong, not its value."""

    pointer: Pointer
    message: str
    key: bool = False


def check(body: JsonObject, kind: Kind, schemas: Schemas) -> tuple[Violation, ...]:
    """Give what is wrong with an object of `kind`, the first hundred; nothing where the kind has no schema.

    No message quotes a value, which may be a Secret's.
    """
    schema = schemas.kinds.get(kind)
    if schema is None:
        return ()
    walk = _Walk(schemas, custom=kind in schemas.custom)
    found = []
    for violation in walk.value(body, schema, ()):
        found.append(violation)
        if len(found) == _MOST:
            break
    return tuple(found)


class _Walk:
    def __init__(self, schemas: Schemas, *, custom: bool) -> None:
        self._named = schemas.named
        self._custom = custom

    def value(self, value: Json, schema: Schema, pointer: Pointer) -> Iterator[Violation]:
        """Go through a value and all that is in it."""
        name, schema = self._resolved(schema)
        if value is None or not schema:
            return
        types = _types(schema)
        if types and not any(_is(value, one) for one in types):
            yield Violation(
                pointer,
                f"{_path(pointer)} must be {_words(types)}, not {_kind_of(value)}{_hint(value, types)}",
            )
        elif isinstance(value, dict):
            yield from self._mapping(value, schema, name, pointer)
        elif isinstance(value, list):
            for index, item in enumerate(value):
                yield from self.value(item, schema.get("items") or {}, (*pointer, index))
        elif schema.get("enum") and value not in schema["enum"]:
            yield Violation(pointer, f"{_path(pointer)} must be one of {_listed(schema['enum'])}")

    def _resolved(self, schema: Schema) -> tuple[str, Schema]:
        name = str(schema.get("name") or schema.get("$ref") or "")
        return name, self._named.get(name, {}) if "$ref" in schema else schema

    def _mapping(self, value: JsonObject, schema: Schema, name: str, pointer: Pointer) -> Iterator[Violation]:
        properties, rest = schema.get("properties") or {}, schema.get("additionalProperties")
        closed = properties and rest is None and not schema.get("x-kubernetes-preserve-unknown-fields")
        for field, inner in value.items():
            if field in properties:
                yield from self.value(inner, properties[field], (*pointer, field))
            elif rest is not None:
                yield from self.value(inner, rest, (*pointer, field))
            elif closed:
                message = f'unknown field "{_path((*pointer, field))}"{nearest(field, properties)}'
                yield Violation((*pointer, field), message, key=True)
        for field in self._required(schema, name):
            if value.get(field) is None:
                yield Violation((*pointer, field), f"{_path((*pointer, field))} is required")

    def _required(self, schema: Schema, name: str) -> list[str]:
        """What must be there. A server insists on all for custom resources, on some for its own kinds."""
        required = [one for one in schema.get("required") or () if isinstance(one, str)]
        if self._custom and not name.startswith("io.k8s."):
            properties = schema.get("properties") or {}
            return [one for one in required if "default" not in properties.get(one, {})]
        enforced = ENFORCED.get(name.removeprefix("io.k8s."), ())
        return [one for one in required if one in enforced]


def _types(schema: Schema) -> tuple[str, ...]:
    if schema.get("x-kubernetes-int-or-string") or schema.get("format") == "int-or-string":
        return ("integer", "string")
    found = schema.get("type")
    if isinstance(found, str):
        return (found,)
    for name in ("oneOf", "anyOf"):
        branches = schema.get(name)
        if branches and all(one in _WORDS for one in branches):
            return tuple(sorted(set(branches)))
    return ()


def _is(value: Json, wanted: str) -> bool:
    match wanted:
        case "string":
            return isinstance(value, str)
        case "boolean":
            return isinstance(value, bool)
        case "integer" if isinstance(value, float):
            return value.is_integer()
        case "integer" | "number":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case "object":
            return isinstance(value, dict)
        case "array":
            return isinstance(value, list)
    return True


def _kind_of(value: Json) -> str:
    names: tuple[tuple[Any, str], ...] = (
        (bool, "boolean"),
        (str, "string"),
        (int | float, "number"),
        (dict, "object"),
        (list, "array"),
    )
    return next(_WORDS[name] for of, name in names if isinstance(value, of))


def _words(types: tuple[str, ...]) -> str:
    return " or ".join(_WORDS.get(one, one) for one in types)


def _listed(values: list[Json]) -> str:
    more = f" and {len(values) - _SHOWN} more" if len(values) > _SHOWN else ""
    return ", ".join(str(one)[:_LONGEST] or '""' for one in values[:_SHOWN]) + more


def _hint(value: Json, types: tuple[str, ...]) -> str:
    if "string" in types and isinstance(value, bool | int | float):
        return ": put it in quotes"
    if isinstance(value, str) and {"integer", "number", "boolean"} & set(types):
        return ": leave out the quotes"
    return ""


def _path(pointer: Pointer) -> str:
    """Write `spec.containers[0].image`, as API servers do."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in pointer)
    return text.removeprefix(".") or "the object"
