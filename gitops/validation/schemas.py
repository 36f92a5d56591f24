"""Schemas of kinds: out of a server's OpenAPI v3 documents, or out of CustomResourceDefinitions.

Only what `check` reads is kept, which is a tenth: a thousand clusters may have schemas of their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from gitops.objects import Json, Manifest, split_api_version

Schema: TypeAlias = Mapping[str, Any]
Kind: TypeAlias = tuple[str, str]

_REFERENCE = "#/components/schemas/"
_KEPT = (
    "type",
    "required",
    "enum",
    "format",
    "x-kubernetes-int-or-string",
    "x-kubernetes-preserve-unknown-fields",
)
_OF_EVERY_OBJECT: Schema = {
    "apiVersion": {"type": "string"},
    "kind": {"type": "string"},
    "metadata": {"type": "object"},
}
_BRANCHES = ("oneOf", "anyOf")
_DEFINITION = "CustomResourceDefinition"


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
    named = {name: _kept(schema) for name, schema in written.items() if isinstance(schema, dict)}
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
    kept: dict[str, Any] = {name: schema[name] for name in _KEPT if schema.get(name)}
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
            kept[name] = [inner.get("type") for inner in schema[name] if isinstance(inner, dict)]
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
    kinds: dict[Kind, Schema] = {}
    for manifest in manifests:
        group, _ = split_api_version(manifest.api_version)
        spec = manifest.body.get("spec")
        if (group, manifest.kind) != ("apiextensions.k8s.io", _DEFINITION) or not isinstance(spec, dict):
            continue
        names, versions = spec.get("names"), spec.get("versions")
        kind = names.get("kind") if isinstance(names, dict) else None
        for version in versions if isinstance(versions, list) else ():
            schema = _version_schema(version)
            if schema is not None and isinstance(kind, str):
                kinds[f"{spec.get('group')}/{version['name']}", kind] = schema
    return Schemas(kinds, {}, frozenset(kinds))


def _version_schema(version: Json) -> Schema | None:
    """The schema as the server publishes it: every object has apiVersion, kind and metadata."""
    if not isinstance(version, dict) or not version.get("served") or "name" not in version:
        return None
    outer = version.get("schema")
    schema = outer.get("openAPIV3Schema") if isinstance(outer, dict) else None
    if not isinstance(schema, dict):
        return None
    kept = dict(_kept(schema))
    if "properties" in kept:
        kept["properties"] = {**kept["properties"], **_OF_EVERY_OBJECT}
    return kept
