"""Builds structural types from the definitions of the built-in table, each when it is first needed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import cast

from simcluster.kinds.types import Encoding, List, Ref, Scalar, ScalarKind, Struct, Topology, Type
from simcluster.values import JsonObject

# Any value; objects in it are merged field by field, lists as a whole.
FREE = Struct(open=True)
STRING = Scalar("string")
TIME = Scalar("string", "date-time")
MICRO_TIME = Scalar("string", "date-time")
_MACHINERY = "io.k8s.apimachinery.pkg"
_SCALARS: Mapping[str, Scalar] = {
    f"{_MACHINERY}.util.intstr.IntOrString": Scalar("int-or-string", "int-or-string"),
    f"{_MACHINERY}.api.resource.Quantity": Scalar("quantity"),
    f"{_MACHINERY}.runtime.RawExtension": Scalar("any"),
    f"{_MACHINERY}.apis.meta.v1.Time": TIME,
    f"{_MACHINERY}.apis.meta.v1.MicroTime": MICRO_TIME,
}
_KINDS: Mapping[str, ScalarKind] = {
    "string": "string",
    "integer": "integer",
    "number": "number",
    "boolean": "boolean",
}


class Definitions:
    """Definitions by name, as JSON until they are asked for; then structural types, made once."""

    def __init__(self, definitions: Mapping[str, JsonObject]) -> None:
        self._definitions = definitions
        self._scalars: dict[tuple[ScalarKind, str], Scalar] = {("string", ""): STRING}
        self._built: dict[str, Scalar | Struct | List] = dict(_SCALARS)

    def look_up(self, name: str) -> Scalar | Struct | List:
        """Return the type of that name. Raises `KeyError`."""
        found = self._built.get(name)
        if found is None:
            made = self._type(self._definitions[name], ".".join(name.split(".")[-2:]))
            # A definition is never only a reference to another one.
            found = self._built[name] = cast("Scalar | Struct | List", made)
        return found

    def _type(self, schema: JsonObject, name: str = "") -> Type:
        reference = schema.get("$ref")
        if reference is not None:
            return self._reference(reference, schema)
        kind = schema.get("type")
        if kind == "object":
            return self._struct(schema, name)
        if kind == "array":
            return self._list(schema)
        return self._scalar(_KINDS[kind], schema.get("format", "")) if kind else FREE

    def _scalar(self, kind: ScalarKind, format_: str) -> Scalar:
        key = (kind, format_)
        found = self._scalars.get(key)
        if found is None:
            found = self._scalars[key] = Scalar(kind, format_)
        return found

    def _reference(self, name: str, schema: JsonObject) -> Type:
        topology = schema.get("x-kubernetes-map-type")
        if topology is None:
            return Ref(name, self.look_up)
        found = self.look_up(name)
        atomic = topology == "atomic"
        return replace(found, atomic=atomic) if isinstance(found, Struct) else found

    def _struct(self, schema: JsonObject, name: str) -> Struct:
        properties = schema.get("properties")
        free = schema.get("additionalProperties")
        atomic = schema.get("x-kubernetes-map-type") == "atomic"
        if properties is None:
            if isinstance(free, dict):
                return Struct(values=self._type(free), atomic=atomic)
            return replace(FREE, atomic=atomic)
        return Struct(
            fields={name: self._type(each) for name, each in properties.items()},
            atomic=atomic,
            required=tuple(schema.get("required", ())),
            defaults={name: each["default"] for name, each in properties.items() if "default" in each},
            retain_keys=_with_strategy("retainKeys", properties),
            replace_keys=_with_strategy("replace", properties),
            encoding=_encoding(name, schema),
        )

    def _list(self, schema: JsonObject) -> List:
        merges = "merge" in _strategy(schema)
        return List(
            items=self._type(schema["items"]),
            topology=cast("Topology", schema.get("x-kubernetes-list-type", "atomic")),
            keys=tuple(schema.get("x-kubernetes-list-map-keys", ())),
            merge_key=schema.get("x-kubernetes-patch-merge-key", "") if merges else "",
            merges=merges,
        )


def _encoding(name: str, schema: JsonObject) -> Encoding:
    omit = frozenset(schema.get("omit", ()))
    fill = dict(schema.get("fill", {}))
    for key, each in schema["properties"].items():
        default = each.get("default")
        # The zero value of a field with omitempty is a default that is never seen.
        if default is not None and not (key in omit and default in ("", 0, False)):
            fill[key] = default
    return Encoding(name, omit, tuple(fill.items()), schema.get("named", {}), schema.get("wire", {}))


def _with_strategy(strategy: str, properties: Mapping[str, JsonObject]) -> frozenset[str]:
    return frozenset(name for name, each in properties.items() if strategy in _strategy(each))


def _strategy(schema: JsonObject) -> list[str]:
    found: str = schema.get("x-kubernetes-patch-strategy", "")
    return found.split(",")
