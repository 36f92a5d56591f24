"""Kinds of CustomResourceDefinitions: their names, and their structural types from openAPIV3Schema.

The types are those of structured-merge-diff's view of a structural schema (KEP-1693, KEP-555): lists are
atomic unless the schema says otherwise, objects without properties hold anything.
"""

from __future__ import annotations

from typing import Any, TypeAlias, cast

from simcluster.kinds.builtin import builtin
from simcluster.kinds.kind import CustomKind, Kind, ScalePaths, Subresource
from simcluster.kinds.structure import FREE
from simcluster.kinds.types import List, Ref, Scalar, ScalarKind, Struct, Topology, Type
from simcluster.values import JsonObject

Json: TypeAlias = Any

_VERBS = frozenset({"create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"})
_SUBRESOURCE_VERBS = frozenset({"get", "patch", "update"})
_META = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
_PRESERVE = "x-kubernetes-preserve-unknown-fields"
_EMBEDDED = "x-kubernetes-embedded-resource"
_INT_OR_STRING = "x-kubernetes-int-or-string"


def kinds_of(crd: JsonObject) -> tuple[Kind, ...]:
    """All versions of a CRD of apiextensions.k8s.io/v1, served or not, in its own order."""
    return tuple(_kind(crd, version) for version in crd["spec"]["versions"])


def _kind(crd: JsonObject, version: JsonObject) -> Kind:
    spec = crd["spec"]
    names = crd.get("status", {}).get("acceptedNames") or spec["names"]
    subresources = version.get("subresources") or {}
    custom = _custom(crd, version, subresources)
    kind = names["kind"]
    return Kind(
        group=spec["group"],
        version=version["name"],
        kind=kind,
        list_kind=names.get("listKind") or f"{kind}List",
        plural=names["plural"],
        singular=names.get("singular") or kind.lower(),
        namespaced=spec["scope"] == "Namespaced",
        short_names=tuple(names.get("shortNames") or ()),
        categories=tuple(names.get("categories") or ()),
        verbs=_VERBS,
        subresources=_subresources(custom, spec["group"], version["name"], kind),
        schema=_whole(custom.validation, open_=custom.preserve_unknown),
        storage=f"{spec['group']}/{names['plural']}",
        custom=custom,
    )


def _custom(crd: JsonObject, version: JsonObject, subresources: JsonObject) -> CustomKind:
    spec = crd["spec"]
    scale = subresources.get("scale")
    return CustomKind(
        crd_name=crd["metadata"]["name"],
        served=version["served"],
        storage_version=next((each["name"] for each in spec["versions"] if each["storage"]), ""),
        conversion=(spec.get("conversion") or {}).get("strategy", "None"),
        has_status="status" in subresources,
        scale=ScalePaths(
            scale["specReplicasPath"], scale["statusReplicasPath"], scale.get("labelSelectorPath") or ""
        )
        if scale
        else None,
        columns=tuple(version.get("additionalPrinterColumns") or ()),
        validation=(version.get("schema") or {}).get("openAPIV3Schema") or {},
        selectable_fields=tuple(each["jsonPath"] for each in version.get("selectableFields") or ()),
        preserve_unknown=bool(spec.get("preserveUnknownFields")),
    )


def _subresources(custom: CustomKind, group: str, version: str, kind: str) -> dict[str, Subresource]:
    found = {}
    if custom.has_status:
        found["status"] = Subresource(group, version, kind, _SUBRESOURCE_VERBS)
    if custom.scale:
        found["scale"] = Subresource("autoscaling", "v1", "Scale", _SUBRESOURCE_VERBS)
    return found


def _whole(schema: JsonObject, *, open_: bool) -> Struct:
    """The type of a whole object: the schema's own, with the fields that every object has."""
    properties = schema.get("properties") or {}
    return Struct(
        fields={name: _type(each) for name, each in properties.items()} | object_fields(),
        open=open_ or bool(schema.get(_PRESERVE)),
        required=tuple(schema.get("required") or ()),
        defaults=_defaults(properties),
    )


def object_fields() -> dict[str, Type]:
    """`apiVersion`, `kind` and `metadata`."""
    return {
        "apiVersion": Scalar("string"),
        "kind": Scalar("string"),
        "metadata": Ref(_META, builtin().types.look_up),
    }


def _type(schema: JsonObject) -> Type:
    if schema.get(_INT_OR_STRING):
        return Scalar("int-or-string")
    kind = schema.get("type")
    if kind == "object":
        return _struct(schema)
    if kind == "array":
        return List(
            items=_type(schema.get("items") or {}),
            topology=cast("Topology", schema.get("x-kubernetes-list-type") or "atomic"),
            keys=tuple(schema.get("x-kubernetes-list-map-keys") or ()),
        )
    if not kind:
        return FREE
    return Scalar(cast("ScalarKind", kind), schema.get("format") or "")


def _struct(schema: JsonObject) -> Struct:
    properties = schema.get("properties") or {}
    free = schema.get("additionalProperties")
    atomic = schema.get("x-kubernetes-map-type") == "atomic"
    if isinstance(free, dict):
        return Struct(values=_type(free), atomic=atomic)
    fields = {name: _type(each) for name, each in properties.items()}
    if schema.get(_EMBEDDED):
        fields |= object_fields()
    return Struct(
        fields=fields,
        atomic=atomic,
        open=bool(schema.get(_PRESERVE)) or free is True,
        required=tuple(schema.get("required") or ()),
        defaults=_defaults(properties),
    )


def _defaults(properties: JsonObject) -> JsonObject:
    return {name: each["default"] for name, each in properties.items() if "default" in each}
