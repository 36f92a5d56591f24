"""A document → a model, or sentences at the exact place of what is wrong in it."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any, TypeVar

from pydantic import ValidationError

from gitops.dialect import Document
from gitops.errors import InvalidInput, Location, Problem
from gitops.model.helm import RELEASE_NAME
from gitops.model.kinds import KUBERNETES_VERSION, SERVED_API
from gitops.model.rendering import JSON_POINTER, VARIABLE_NAME
from gitops.model.schema import HOST, MOST, NAME, Schema

Model = TypeVar("Model", bound=Schema)
Locate = Callable[..., Location]
"""Gives the place of the value at a pointer (keys and indices) inside one document."""

_LISTED = 20
_QUOTED = re.compile(r"'([^']*)'")
_PATTERNS = {
    NAME: "is not a name: use a to z, 0 to 9 and -, beginning and ending with a letter or digit",
    VARIABLE_NAME: "is not a variable name: begin with a letter or _, then letters, digits, _, . and -",
    JSON_POINTER: "is not a JSON pointer: it begins with /, and has ~0 for ~ and ~1 for / in a name",
    RELEASE_NAME: "is not a release name: use a to z, 0 to 9, - and ., at most 53",
    KUBERNETES_VERSION: "is not a version of Kubernetes: write it like 1.37.2",
    SERVED_API: "is no API version or kind: write it like monitoring.coreos.com/v1 or .../v1/ServiceMonitor",
    HOST: "is no host, or host:port, in lower case and without a scheme",
}
_SENTENCES = {
    "string_type": "must be text: put it in quotes",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "tuple_type": "must be a list: start each entry with -",
    "dict_type": "must be a mapping of names to values",
    "model_type": "must be a mapping of fields to values",
    "model_attributes_type": "must be a mapping of fields to values",
}


def nowhere(*_pointer: str | int) -> Location:
    """Locate for values that come from no file."""
    return Location("")


def nearest(name: str, valid: Iterable[str]) -> str:
    """Give `: did you mean "x"?` for the nearest valid name, or the list of them when none is near."""
    names = sorted(set(valid))
    if len(names) > MOST:
        return ""  # to compare with so many would take longer than any hint is worth
    close = difflib.get_close_matches(name, names, n=1) or _same_letters(name, names)
    if close:
        return f': did you mean "{close[0]}"?'
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return f"; known: {', '.join(names[:_LISTED])}{more}" if names else "; there are none"


def _same_letters(name: str, names: list[str]) -> list[str]:
    return [other for other in names if other.replace("_", "").lower() == name.replace("_", "").lower()]


def read(model: type[Model], document: Document) -> Model:
    """Validate `document` as `model`, by its camelCase names only. Raises InvalidInput with every problem."""
    try:
        return model.model_validate(document.value, by_alias=True, by_name=False)
    except ValidationError as error:
        details = error.errors(include_url=False, include_context=True)
        # A list whose entries are wrong is also said to be too short: that is no fault of its own.
        faults = [one for one in details if one["type"] != "too_short" or not one["input"]]
        raise InvalidInput(*(_problem(model, document, one) for one in faults)) from None


def _problem(model: type[Schema], document: Document, detail: Mapping[str, Any]) -> Problem:
    pointer, is_key = _pointer(document, detail["loc"])
    on_key = is_key or detail["type"] == "extra_forbidden"
    location = document.locate_key(*pointer) if on_key else document.locate(*pointer)
    return Problem(location, _sentence(model, detail, pointer))


def _pointer(document: Document, path: tuple[str | int, ...]) -> tuple[tuple[str | int, ...], bool]:
    """Turn pydantic's path into the document's: without the names of union members, with `[key]` apart."""
    is_key = bool(path) and path[-1] == "[key]"
    steps = path[:-1] if is_key else path
    value: Any = document.value
    pointer: list[str | int] = []
    for number, step in enumerate(steps):
        if isinstance(step, str) and isinstance(value, dict):
            if step in value or number == len(steps) - 1:
                pointer.append(step)
                value = value.get(step)
        elif isinstance(step, int) and isinstance(value, list) and step < len(value):
            pointer.append(step)
            value = value[step]
    return tuple(pointer), is_key


def _sentence(model: type[Schema], detail: Mapping[str, Any], pointer: tuple[str | int, ...]) -> str:
    """One sentence; it quotes names, enums and durations, never the value of a patch."""
    kind, context = str(detail["type"]), detail.get("ctx", {})
    field = str(detail["loc"][-1]) if detail["loc"] else "the document"
    written = detail["input"]
    special: dict[str, Callable[[], str]] = {
        "extra_forbidden": lambda: (
            f'unknown field "{field}"{nearest(field, _fields(model, detail["loc"][:-1]))}'
        ),
        "missing": lambda: f'the field "{field}" is missing',
        "enum": lambda: _not_one_of(written, _QUOTED.findall(str(context["expected"]))),
        "literal_error": lambda: _not_one_of(written, _QUOTED.findall(str(context["expected"]))),
        "union_tag_invalid": lambda: _not_one_of(
            context["tag"], _QUOTED.findall(str(context["expected_tags"]))
        ),
        "union_tag_not_found": lambda: 'the field "type" is missing: it says which kind of gate this is',
        "string_pattern_mismatch": lambda: _not_the_pattern(str(written), str(context["pattern"])),
        "value_error": lambda: str(context["error"]),
        "too_short": lambda: f"{_name(pointer)} must not be empty",
        "string_too_short": lambda: f"{_name(pointer)} must not be empty",
    }
    if kind in special:
        return special[kind]()
    return _SENTENCES.get(kind) or f"{_name(pointer)}: {str(detail['msg'])[:1].lower()}{detail['msg'][1:]}"


def _name(pointer: tuple[str | int, ...]) -> str:
    return next((step for step in reversed(pointer) if isinstance(step, str)), "the document")


def _not_one_of(found: object, valid: list[str]) -> str:
    if isinstance(found, str):
        return f'"{found}" is not known{nearest(found, valid)}'
    return f"must be one of {', '.join(valid)}"


def _not_the_pattern(found: str, pattern: str) -> str:
    return f'"{found}" {_PATTERNS.get(pattern, f"does not match {pattern}")}'


@cache
def _json_schema(model: type[Schema]) -> Mapping[str, Any]:
    return model.model_json_schema()


def _fields(model: type[Schema], path: tuple[str | int, ...]) -> list[str]:
    """Name the fields that are valid at pydantic's path `path` in `model`."""
    root = _json_schema(model)
    here: Mapping[str, Any] = root
    for step in (*path, None):
        here = _resolved(root, here)
        if step is None:
            break
        here = _step(here, step)
    return list(here.get("properties", ()))


def _step(here: Mapping[str, Any], step: str | int) -> Mapping[str, Any]:
    empty: Mapping[str, Any] = {}
    if isinstance(step, int):
        return here.get("items", empty)  # type: ignore[no-any-return]  # JSON Schema is raw JSON
    mapping = here.get("discriminator", empty).get("mapping", empty)
    if step in mapping:
        return {"$ref": mapping[step]}
    return here.get("properties", empty).get(step, empty)  # type: ignore[no-any-return]


def _resolved(root: Mapping[str, Any], here: Mapping[str, Any]) -> Mapping[str, Any]:
    """Follow `$ref`, and an `anyOf` with null to its other member."""
    while True:
        if "$ref" in here:
            here = root["$defs"][str(here["$ref"]).rsplit("/", 1)[-1]]
            continue
        members = [member for member in here.get("anyOf", ()) if member.get("type") != "null"]
        if len(members) != 1:
            return here
        here = members[0]
