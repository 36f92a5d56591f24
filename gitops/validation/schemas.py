"""Schemas of kinds: out of a server's OpenAPI v3 documents, or out of CustomResourceDefinitions.

Only what `check` reads is kept, which is a tenth: a thousand clusters may have schemas of their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, TypeAlias

from gitops.objects import Json, Manifest
from gitops.validation.definitions import definitions

Schema: TypeAlias = Mapping[str, Any]
Kind: TypeAlias = tuple[str, str]

_REFERENCE = "#/components/schemas/"
_KEPT: Mapping[str, type] = MappingProxyType(
    {
        "type": str,
        "required": list,
        "enum": list,
        "format": str,
        "x-kubernetes-int-or-string": bool,
        "x-kubernetes-preserve-unknown-fields": bool,
    }
)
_OF_EVERY_OBJECT: Schema = {
    "apiVersion": {"type": "string"},
    "kind": {"type": "string"},
    "metadata": {"type": "object"},
}
_BRANCHES = ("oneOf", "anyOf")


@dataclass(frozen=True, slots=True)
class Schemas:
    """Schemas by (apiVersion, kind), and what they refer to by name; `custom` resources among them."""

    kinds: Mapping[Kind, Schema] = field(default_factory=dict)
    named: Mapping[str, Schema] = field(default_factory=dict)
    custom: frozenset[Kind] = frozenset()


NONE = Schemas()


def parse(document: Json) -> Schemas:
    """Read the OpenAPI v3 document of one group and version; what is not as it should be is left out."""
    components = document.get("components") if isinstance(document, dict) else None
    written = components.get("schemas") if isinstance(components, dict) else None
    if not isinstance(written, dict):
        return NONE
    try:
        named = {name: _kept(schema) for name, schema in written.items() if isinstance(schema, dict)}
    except RecursionError:  # orjson reads what is nested deeper than we follow
        return NONE
    kinds = {kind: {**named[name], "name": name} for name in named for kind in _kinds(written[name])}
    custom = frozenset(kind for kind, schema in kinds.items() if not schema["name"].startswith("io.k8s."))
    return Schemas(kinds, named, custom)


def _kinds(schema: Mapping[str, Any]) -> list[Kind]:
    """The kind whose schema this is; what belongs to many kinds (DeleteOptions) is no object."""
    listed = schema.get("x-kubernetes-group-version-kind")
    if not isinstance(listed, list) or len(listed) != 1 or not isinstance(listed[0], dict):
        return []
    group, version, kind = (str(listed[0].get(name) or "") for name in ("group", "version", "kind"))
    return [(f"{group}/{version}" if group else version, kind)]


def _kept(schema: Mapping[str, Any]) -> Schema:
    kept: dict[str, Any] = {
        name: schema[name] for name, of in _KEPT.items() if schema.get(name) and isinstance(schema[name], of)
    }
    if "default" in schema:
        kept["default"] = True
    properties = schema.get("properties")
    if isinstance(properties, dict):
        kept["properties"] = {
            name: _kept(inner) for name, inner in properties.items() if isinstance(inner, dict)
        }
    if schema.get("x-kubernetes-embedded-resource"):
        kept["properties"] = {**_OF_EVERY_OBJECT, **kept.get("properties", {})}
    for name in ("items", "additionalProperties"):
        inner = schema.get(name)
        if isinstance(inner, dict):
            kept[name] = _kept(inner)
        elif inner:
            kept[name] = {}
    for name in _BRANCHES:
        if isinstance(schema.get(name), list):
            kept[name] = [str(inner.get("type")) for inner in schema[name] if isinstance(inner, dict)]
    reference = _reference(schema)
    if reference is not None:
        kept["$ref"] = reference.removeprefix(_REFERENCE)
    return kept


def _reference(schema: Mapping[str, Any]) -> str | None:
    """A reference, which Kubernetes puts into an `allOf` of its own where it has a default beside it."""
    parts = schema.get("allOf")
    for part in (schema, *(parts if isinstance(parts, list) else ())):
        found = part.get("$ref") if isinstance(part, dict) else None
        if isinstance(found, str):
            return found
    return None


def defined(manifests: Iterable[Manifest]) -> Schemas:
    """Give the schemas of every version that CustomResourceDefinitions among the manifests serve."""
    kinds = {
        (one.api_version(version), one.kind.kind): _published(schema)
        for one in definitions(manifests)
        for version, schema in one.versions
    }
    return Schemas(kinds, {}, frozenset(kinds))


def _published(schema: Schema) -> Schema:
    """The schema as the server publishes it: every object has apiVersion, kind and metadata."""
    kept = _kept(schema)
    if "properties" not in kept:
        return kept
    return {**kept, "properties": {**kept["properties"], **_OF_EVERY_OBJECT}}
