"""Validates custom objects by their CRD's schema, with the server's words.

Rules of x-kubernetes-validations (CEL) are not evaluated: what only they would refuse is accepted.
"""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any, TypeAlias

from simcluster import gotext
from simcluster.errors import Cause
from simcluster.kinds.formats import fits
from simcluster.kinds.kind import Kind
from simcluster.kinds.list_types import list_type_errors
from simcluster.kinds.refusing import INVALID, child, invalid_value, members, shown
from simcluster.values import JsonObject

Json: TypeAlias = Any

_TYPE_INVALID = "FieldValueTypeInvalid"
_BLOCKING = frozenset(
    {"FieldValueNotSupported", "FieldValueRequired", "FieldValueTooLong", "FieldValueTooMany", _TYPE_INVALID}
)
_RULES = "x-kubernetes-validations"
_NO_FIELD = "<nil>"
_NOT_CHECKED = Cause(
    _NO_FIELD,
    INVALID,
    "Invalid value: null: some validation rules were not checked because the object was invalid;"
    " correct the existing errors to complete validation",
)
_BITS = {"int32": 31, "int64": 63}


def schema_errors(obj: JsonObject, kind: Kind) -> list[Cause]:
    """Everything that an object's schema has against it; nothing for built-in kinds.

    The order of fields is the schema's; the server's is random. Duplicates in sets and maps come last.
    """
    if kind.custom is None:
        return []
    schema = kind.custom.validation
    found = [*_errors(obj, schema, ""), *list_type_errors(obj, schema, "")]
    if any(each.reason in _BLOCKING for each in found) and _has_rules(schema):
        found.append(_NOT_CHECKED)
    return found


def _errors(value: Json, schema: JsonObject, path: str) -> list[Cause]:
    if value is None and schema.get("nullable"):
        return []
    found = [*_type_errors(value, schema, path), *_combined(value, schema, path)]
    if isinstance(value, str):
        found += _string_errors(value, schema, path)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        found += _number_errors(value, schema, path)
    elif isinstance(value, list):
        found += _list_errors(value, schema, path)
    enum = schema.get("enum")
    if enum is not None and value not in enum:
        # Whatever they are, supported values are quoted.
        listed = ", ".join(json.dumps(each if isinstance(each, str) else shown(each)) for each in enum)
        text = f"Unsupported value: {shown(value)}: supported values: {listed}"
        found.append(Cause(path, "FieldValueNotSupported", text))
    if isinstance(value, dict):
        found += _object_errors(value, schema, path)
    return found


def _type_errors(value: Json, schema: JsonObject, path: str) -> list[Cause]:
    wanted = ["integer", "string"] if schema.get("x-kubernetes-int-or-string") else [schema.get("type", "")]
    if wanted == [""]:
        return []
    name, go_name = _type_name(value)
    if name in wanted or (name == "integer" and "number" in wanted):
        return []
    if name == "number" and "integer" in wanted and float(value).is_integer() and abs(value) < 2**53:
        return []
    format_ = schema.get("format")
    if format_ and not isinstance(value, str | list) and value is not None:
        return [_wrong_type(path, format_, go_name)]
    return [_wrong_type(path, ",".join(wanted), name)]


def _wrong_type(path: str, wanted: str, given: str) -> Cause:
    return invalid_value(path, given, f'{path} in body must be of type {wanted}: "{given}"', _TYPE_INVALID)


def _type_name(value: Json) -> tuple[str, str]:
    """Name a value's type in JSON Schema, and with a format's."""
    if value is None:
        return "null", ""
    if isinstance(value, bool):
        return "boolean", ""
    if isinstance(value, str):
        return "string", ""
    if isinstance(value, int):
        return "integer", "int64"
    if isinstance(value, float):
        return "number", "float64"
    return ("array", "") if isinstance(value, list) else ("object", "")


def _combined(value: Json, schema: JsonObject, path: str) -> list[Cause]:
    """Errors of anyOf, oneOf, not and allOf."""
    found: list[Cause] = []
    if any_of := schema.get("anyOf"):
        tried = [_errors(value, each, path) for each in any_of]
        if all(tried):
            found += [_about(path, "must validate at least one schema (anyOf)"), *min(tried, key=len)]
    if one_of := schema.get("oneOf"):
        tried = [_errors(value, each, path) for each in one_of]
        fitting = sum(not each for each in tried)
        must = "must validate one and only one schema (oneOf). Found"
        if not fitting:
            found += [_about(path, f"{must} none valid"), *min(tried, key=len)]
        elif fitting > 1:
            found.append(_about(path, f"{must} {fitting} valid alternatives"))
    if all_of := schema.get("allOf"):
        tried = [_errors(value, each, path) for each in all_of]
        if any(tried):
            none = ". None validated" if all(tried) else ""
            found += [error for each in tried for error in each]
            found.append(_about(path, f"must validate all the schemas (allOf){none}"))
    forbidden = schema.get("not")
    if forbidden is not None and not _errors(value, forbidden, path):
        found.append(_about(path, "must not validate the schema (not)"))
    return found


def _about(path: str, message: str) -> Cause:
    return invalid_value(_NO_FIELD, "", f'"{path}" {message}')


def _string_errors(value: str, schema: JsonObject, path: str) -> list[Cause]:
    longest = schema.get("maxLength")
    if longest is not None and len(value) > longest:
        found = [Cause(path, "FieldValueTooLong", f"Too long: may not be more than {longest} bytes")]
    elif len(value) < schema.get("minLength", 0):
        least = schema["minLength"]
        found = [invalid_value(path, value, f"{path} in body should be at least {least} chars long")]
    elif (pattern := schema.get("pattern")) and not _pattern(pattern).search(value):
        found = [invalid_value(path, value, f"{path} in body should match '{pattern}'")]
    else:
        found = []
    format_ = schema.get("format")
    if format_ and schema.get("type") == "string" and not fits(value, format_):
        found.append(
            invalid_value(path, value, f'{path} in body must be of type {format_}: "{value}"', _TYPE_INVALID)
        )
    return found


@cache
def _pattern(pattern: str) -> re.Pattern[str]:
    """Compile a pattern of RE2's syntax as far as Python shares it; another one matches everything."""
    try:
        # In RE2, $ is the very end of the text.
        return re.compile(re.sub(r"(?<!\\)\$$", r"\\Z", pattern))
    except re.error:
        return re.compile("")


def _number_errors(value: float, schema: JsonObject, path: str) -> list[Cause]:
    found: list[Cause] = []
    kind, format_ = schema.get("type"), schema.get("format", "")
    limit = 2 ** _BITS.get(format_, 63)
    if kind == "integer" and (not float(value).is_integer() or not -limit <= value < limit):
        named = f"with format {format_}" if format_ else "(default format)"
        found.append(invalid_value(_NO_FIELD, "", f"Checked value must be of type integer {named} in {path}"))
    factor = _bound(schema.get("multipleOf"), value)
    if factor is not None and factor <= 0:
        message = f"factor MultipleOf declared for {path} must be positive: {gotext.number(factor)}"
        found.append(invalid_value(path, factor, message))
    elif factor is not None and not float(value / factor).is_integer():
        message = f"{path} in body should be a multiple of {gotext.number(factor)}"
        found.append(invalid_value(path, value, message))
    return found + _limits(value, schema, path)


def _limits(value: float, schema: JsonObject, path: str) -> list[Cause]:
    found: list[Cause] = []
    most = _bound(schema.get("maximum"), value)
    if most is not None and (value > most or (schema.get("exclusiveMaximum") and value == most)):
        words = "less than" if schema.get("exclusiveMaximum") else "less than or equal to"
        found.append(invalid_value(path, value, f"{path} in body should be {words} {gotext.number(most)}"))
    least = _bound(schema.get("minimum"), value)
    if least is not None and (value < least or (schema.get("exclusiveMinimum") and value == least)):
        words = "greater than" if schema.get("exclusiveMinimum") else "greater than or equal to"
        found.append(invalid_value(path, value, f"{path} in body should be {words} {gotext.number(least)}"))
    return found


def _bound(bound: float | None, value: float) -> float | None:
    """A limit as the server compares with it: cut to a whole number where the value is one."""
    return int(bound) if bound is not None and isinstance(value, int) else bound


def _list_errors(value: list[Json], schema: JsonObject, path: str) -> list[Cause]:
    items = schema.get("items") or {}
    found = [error for index, each in enumerate(value) for error in _errors(each, items, f"{path}[{index}]")]
    least, most = schema.get("minItems", 0), schema.get("maxItems")
    if len(value) < least:
        found.append(invalid_value(path, len(value), f"{path} in body should have at least {least} items"))
    if most is not None and len(value) > most:
        found.append(_too_many(path, len(value), most))
    if schema.get("uniqueItems") and len({shown(each) for each in value}) < len(value):
        found.append(invalid_value(path, value, f"{path} in body shouldn't contain duplicates"))
    return found


def _too_many(path: str, number: int, most: int) -> Cause:
    return Cause(path, "FieldValueTooMany", f"Too many: {number}: must have at most {most} items")


def _object_errors(value: JsonObject, schema: JsonObject, path: str) -> list[Cause]:
    least, most = schema.get("minProperties", 0), schema.get("maxProperties")
    if len(value) < least:
        return [invalid_value(path, len(value), f"{path} in body should have at least {least} properties")]
    if most is not None and len(value) > most:
        return [_too_many(path, len(value), most)]
    embedded = ("apiVersion", "kind") if schema.get("x-kubernetes-embedded-resource") else ()
    required = dict.fromkeys((*embedded, *(schema.get("required") or ())))
    found = [
        Cause(child(path, name), "FieldValueRequired", "Required value")
        for name in required
        if name not in value
    ]
    for key, each, known in members(value, schema):
        found += _errors(each, known, child(path, key))
    return found


def _has_rules(schema: Json) -> bool:
    if isinstance(schema, dict):
        return bool(schema.get(_RULES)) or any(map(_has_rules, schema.values()))
    return isinstance(schema, list) and any(map(_has_rules, schema))
