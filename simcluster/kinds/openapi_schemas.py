"""Schemas of OpenAPI documents: from the table's compact form, and from CRDs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeAlias

from simcluster.kinds.kind import Kind
from simcluster.values import JsonObject

Json: TypeAlias = Any

V3 = "#/components/schemas/"
_V2 = "#/definitions/"
_GVK = "x-kubernetes-group-version-kind"
_META = "io.k8s.apimachinery.pkg.apis.meta.v1."
_PRESERVE = "x-kubernetes-preserve-unknown-fields"
_EMBEDDED = "x-kubernetes-embedded-resource"
_INT_OR_STRING = "x-kubernetes-int-or-string"
# The table's own keys, which no client knows.
_OWN = frozenset({"gvk", "everywhere", "omit", "fill", "named", "wire"})
_TYPED = frozenset({"type", "properties", "items", "additionalProperties"})
_ONLY_V3 = frozenset({"default", "nullable", "oneOf", "anyOf", "allOf", "not"})


def definition(compact: JsonObject) -> JsonObject:
    """Return a definition of the table as OpenAPI v3 has it."""
    found = {key: _expanded(key, value) for key, value in compact.items() if key not in _OWN}
    if "gvk" in compact:
        group, version, kind = compact["gvk"]
        found[_GVK] = [{"group": group, "kind": kind, "version": version}]
    return found


def _expanded(key: str, value: Json) -> Json:
    if key == "properties":
        return {name: _property(definition(each)) for name, each in value.items()}
    if key in ("items", "additionalProperties") and isinstance(value, dict):
        return definition(value)
    return f"{V3}{value}" if key == "$ref" else value


def _property(schema: JsonObject) -> JsonObject:
    if "$ref" not in schema:
        return schema
    # What stands beside a $ref does not count; beside an allOf it does.
    return {key: each for key, each in schema.items() if key != "$ref"} | {
        "allOf": [{"$ref": schema["$ref"]}]
    }


def reachable(definitions: Mapping[str, JsonObject], roots: Iterable[str]) -> Iterator[str]:
    """Yield the names of all definitions that `roots` need, themselves included, each once."""
    seen: set[str] = set()
    pending = sorted(name for name in roots if name in definitions)
    while pending:
        name = pending.pop()
        if name not in seen:
            seen.add(name)
            yield name
            pending += _references(definitions[name])


def references(document: Json) -> set[str]:
    """Names of the definitions to which any part of a document points."""
    return {each.removeprefix(V3) for each in _references(document)}


def _references(value: Json) -> Iterator[str]:
    if isinstance(value, dict):
        for key, each in value.items():
            if key == "$ref" and isinstance(each, str):
                yield each
            else:
                yield from _references(each)
    elif isinstance(value, list):
        for each in value:
            yield from _references(each)


def schema_name(kind: Kind, name: str) -> str:
    """Name a custom kind's definition: the group backwards, version, kind."""
    return ".".join([*reversed(kind.group.split(".")), kind.version, name])


def custom_schemas(kind: Kind) -> dict[str, JsonObject]:
    """Return the definitions of a custom kind and of its list."""
    validation = kind.custom.validation if kind.custom else {}
    whole = _with_object_fields(validation)
    return {
        schema_name(kind, kind.kind): whole | _named(kind, kind.kind),
        schema_name(kind, kind.list_kind): {
            "description": f"{kind.list_kind} is a list of {kind.kind}",
            "type": "object",
            "required": ["items"],
            "properties": {
                "apiVersion": {"type": "string"},
                "items": {
                    "description": f"List of {kind.plural}.",
                    "type": "array",
                    "items": {"$ref": V3 + schema_name(kind, kind.kind)},
                },
                "kind": {"type": "string"},
                "metadata": {"allOf": [{"$ref": f"{V3}{_META}ListMeta"}]},
            },
        }
        | _named(kind, kind.list_kind),
    }


def _named(kind: Kind, name: str) -> JsonObject:
    return {_GVK: [{"group": kind.group, "kind": name, "version": kind.version}]}


def _with_object_fields(schema: JsonObject) -> JsonObject:
    metadata = {"allOf": [{"$ref": f"{V3}{_META}ObjectMeta"}]}
    fields = {"apiVersion": {"type": "string"}, "kind": {"type": "string"}, "metadata": metadata}
    properties = {name: _custom(each) for name, each in (schema.get("properties") or {}).items()} | fields
    return {"type": "object"} | schema | {"properties": dict(sorted(properties.items()))}


def _custom(schema: JsonObject) -> JsonObject:
    """One schema of a CRD, with the fields that embedded objects have."""
    found = dict(schema)
    if isinstance(found.get("items"), dict):
        found["items"] = _custom(found["items"])
    if isinstance(found.get("additionalProperties"), dict):
        found["additionalProperties"] = _custom(found["additionalProperties"])
    if found.get(_EMBEDDED):
        required = list(dict.fromkeys([*(found.get("required") or ()), "kind", "apiVersion"]))
        return _with_object_fields(found) | {"required": required}
    if "properties" in found:
        found["properties"] = {name: _custom(each) for name, each in found["properties"].items()}
    return found


def v2_form(value: Json) -> Json:
    """Return a part of an OpenAPI v3 document as OpenAPI v2 has it."""
    if isinstance(value, list):
        return [v2_form(each) for each in value]
    if not isinstance(value, dict):
        return f"{_V2}{value.removeprefix(V3)}" if isinstance(value, str) and value.startswith(V3) else value
    if "allOf" in value and "$ref" in value["allOf"][0]:
        value = {key: each for key, each in value.items() if key != "allOf"} | value["allOf"][0]
    found: JsonObject = {}
    for key, each in value.items():
        if key == "properties":
            found[key] = {name: v2_form(schema) for name, schema in each.items()}
        elif key not in _ONLY_V3:
            found[key] = v2_form(each)
    return _loosened(found, value)


def _loosened(found: JsonObject, v3: JsonObject) -> JsonObject:
    """Say less where OpenAPI v2 cannot say it: nullable, any value, one of two types."""
    if v3.get(_PRESERVE) and _GVK not in v3:
        return {key: each for key, each in found.items() if key.startswith("x-") or key == "description"}
    if v3.get(_INT_OR_STRING) or v3.get("nullable") is True:
        return {key: each for key, each in found.items() if key not in _TYPED}
    if "oneOf" in v3 and "type" not in v3:
        return found | {"type": "string"}
    return found
