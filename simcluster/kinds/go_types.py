"""For `generate`: which fields Go's encoding/json leaves out or writes as null. OpenAPI does not tell.

Reads the struct tags of Kubernetes' API types from unpacked Go modules, as `go mod download` leaves them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simcluster.values import JsonObject

# Where the definitions of each prefix are written: module, folder inside it.
_SOURCES = (
    ("io.k8s.api.", "api", ""),
    ("io.k8s.apimachinery.pkg.", "apimachinery", "pkg/"),
    ("io.k8s.apiextensions-apiserver.pkg.", "apiextensions-apiserver", "pkg/"),
    ("io.k8s.kube-aggregator.pkg.", "kube-aggregator", "pkg/"),
)
_STRUCT = re.compile(r"^type (\w+) struct \{\n(.*?)^\}", re.MULTILINE | re.DOTALL)
_ALIAS = re.compile(r"^(meta|api|core)v1\.")
_FIELD = re.compile(r'^\t(?:(\w+) +)?([^\s`]+) +`[^`]*json:"([^"]*)"', re.MULTILINE)
_TAGS = re.compile(r"^\t(?:\w+ +)?([^\s`]+) +`([^`]*)`", re.MULTILINE)
_JSON_TAG = re.compile(r'json:"([^"]*)"')
_WIRE_TAG = re.compile(r'protobuf:"\w+,(\d+)')
_ZEROS: Mapping[str, Any] = {"intstr.IntOrString": 0, "resource.Quantity": "0"}
_TIMES = frozenset({"Time", "MicroTime", "metav1.Time", "metav1.MicroTime"})
_PLAIN = frozenset({"string", "bool", "int32", "int64", "int", "float64", "byte"})
_DROPPED_SCHEMAS = frozenset({"string", "integer", "number", "boolean", "array"})


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a Go struct as JSON sees it."""

    type: str
    omitempty: bool
    omitzero: bool

    @property
    def pointer(self) -> bool:
        """Absent and zero differ."""
        return self.type.startswith("*")


class Sources:
    """Go structs by definition name, from `<folder>/<module>@<version>`."""

    def __init__(self, folder: Path, version: str) -> None:
        self._folder = folder
        self._version = version
        self._packages: dict[str, dict[str, str]] = {}

    def encoding(self, name: str, properties: Mapping[str, JsonObject]) -> JsonObject:
        """How Go writes the fields of one definition.

        `omit`: fields left out when they hold their type's zero value (false, 0, "", [], {});
        `fill`: fields always written, with what stands for nothing: null, or the 0 of a number type;
        `named`: the Go types that messages name, where OpenAPI does not tell them: `v1.Protocol`;
        `wire`: fields by their protobuf number; a struct that JSON has inline is a message of its own there.
        """
        found = {key: field for key, field in self._fields(name) if key in properties}
        fill: JsonObject = {}
        for key, field in found.items():
            zero = _ZEROS.get(field.type)
            if zero is not None:
                fill[key] = zero
            elif _null(field, properties[key]):
                fill[key] = None
        facts = {
            "omit": sorted(key for key, field in found.items() if _omitted(field, properties[key])),
            "fill": dict(sorted(fill.items())),
            "named": {
                key: named for key in sorted(found) if (named := _named(found[key], properties[key], name))
            },
        }
        return _without_empty({**facts, "wire": self._wire(name)})

    def _wire(self, name: str) -> JsonObject:
        package, _, struct = name.rpartition(".")
        found: JsonObject = {}
        for type_, tags in _TAGS.findall(self._structs(package).get(struct, "")):
            json, wire = _JSON_TAG.search(tags), _WIRE_TAG.search(tags)
            if json is None or wire is None:
                continue
            key = json[1].partition(",")[0]
            found[wire[1]] = key or self._wire(f"{package}.{type_.lstrip('*')}")
        return found

    def _fields(self, name: str) -> Iterator[tuple[str, Field]]:
        package, _, struct = name.rpartition(".")
        for _, type_, tag in _FIELD.findall(self._structs(package).get(struct, "")):
            key, *options = tag.split(",")
            if key == "-":
                continue
            if not key and ("inline" in options or not options or "omitempty" not in options):
                yield from self._embedded(package, type_)
                continue
            yield key, Field(type_, "omitempty" in options, "omitzero" in options)

    def _embedded(self, package: str, type_: str) -> Iterator[tuple[str, Field]]:
        # Of other packages only TypeMeta is embedded, whose fields every object has.
        if "." not in type_:
            yield from self._fields(f"{package}.{type_.lstrip('*')}")

    def _structs(self, package: str) -> dict[str, str]:
        if package not in self._packages:
            self._packages[package] = dict(self._read(package))
        return self._packages[package]

    def _read(self, package: str) -> Iterator[tuple[str, str]]:
        for prefix, module, start in _SOURCES:
            if package.startswith(prefix):
                path = start + package.removeprefix(prefix).replace(".", "/")
                for file in sorted((self._folder / f"{module}@{self._version}" / path).glob("*types*.go")):
                    yield from _STRUCT.findall(file.read_text())


def _without_empty(found: JsonObject) -> JsonObject:
    return {key: value for key, value in found.items() if value}


def _omitted(field: Field, schema: JsonObject) -> bool:
    if field.pointer or not field.omitempty:
        return False
    return _collection(schema) or schema.get("type") in _DROPPED_SCHEMAS or field.omitzero


def _null(field: Field, schema: JsonObject) -> bool:
    if field.omitzero or "default" in schema:
        return False
    if field.type in _TIMES:
        return True
    # A Go slice of bytes is a string in OpenAPI; RawExtension is a struct that writes null for nothing.
    empty = field.pointer or _collection(schema) or field.type in ("[]byte", "runtime.RawExtension")
    return empty and not field.omitempty


def _collection(schema: JsonObject) -> bool:
    return schema.get("type") == "array" or "additionalProperties" in schema


def _named(field: Field, schema: JsonObject, definition: str) -> str:
    """Return the name of a named scalar, list or map type; "" where the name follows from the schema."""
    type_ = field.type.lstrip("*")
    list_ = "[]" if type_.startswith("[]") else ""
    element = type_.removeprefix("[]")
    if (
        "$ref" in schema
        or "$ref" in schema.get("items", ())
        or element in _PLAIN
        or element.startswith("map[")
    ):
        return ""
    package = definition.rsplit(".", 2)[1]
    if "." not in element:
        return f"{list_}{package}.{element}"
    # Messages name a package by its last folder, whatever the importing file calls it.
    return list_ + _ALIAS.sub("v1.", element)
