"""Paths of OpenAPI documents: each kind's addresses, and each verb's action, kind and parameters."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from simcluster.kinds.builtin import builtin
from simcluster.kinds.kind import Kind, Subresource
from simcluster.kinds.openapi_schemas import V3, schema_name
from simcluster.values import JsonObject

_META = "io.k8s.apimachinery.pkg.apis.meta.v1."
_WRITE = ("dryRun", "fieldManager", "fieldValidation")
_DELETE = ("dryRun", "gracePeriodSeconds", "orphanDependents", "propagationPolicy")
_LIST = (
    "allowWatchBookmarks",
    "continue",
    "fieldSelector",
    "labelSelector",
    "limit",
    "resourceVersion",
    "resourceVersionMatch",
    "sendInitialEvents",
    "timeoutSeconds",
    "watch",
)
_BOOLEANS = frozenset({"allowWatchBookmarks", "force", "orphanDependents", "sendInitialEvents", "watch"})
_INTEGERS = frozenset({"gracePeriodSeconds", "limit", "timeoutSeconds"})
# verb → (method, action, parameters)
_COLLECTION = {
    "list": ("get", "list", _LIST),
    "create": ("post", "post", _WRITE),
    "deletecollection": ("delete", "deletecollection", (*_DELETE, *_LIST)),
}
_ITEM = {
    "get": ("get", "get", ()),
    "update": ("put", "put", _WRITE),
    "patch": ("patch", "patch", (*_WRITE, "force")),
    "delete": ("delete", "delete", _DELETE),
}
_PATCHES = ("application/json-patch+json", "application/merge-patch+json", "application/apply-patch+yaml")
# kubectl looks here whether a kind takes strategic merge patches; custom ones do not.
_BUILTIN_PATCHES = (*_PATCHES, "application/strategic-merge-patch+json")


def paths(kinds: Iterable[Kind]) -> Iterator[tuple[str, JsonObject]]:
    """Yield (path, path item) for every address of the kinds."""
    for kind in kinds:
        root = f"/apis/{kind.api_version}" if kind.group else f"/api/{kind.version}"
        collection = (
            f"{root}/namespaces/{{namespace}}/{kind.plural}" if kind.namespaced else f"{root}/{kind.plural}"
        )
        operations = _operations(kind, _COLLECTION, kind.verbs, kind.kind)
        if operations:
            yield collection, _item(operations, kind, named=False)
        if kind.namespaced and "list" in kind.verbs:
            everywhere = {"get": operations["get"], "parameters": []}
            yield f"{root}/{kind.plural}", everywhere
        operations = _operations(kind, _ITEM, kind.verbs, kind.kind)
        if operations:
            yield f"{collection}/{{name}}", _item(operations, kind, named=True)
        for name, each in kind.subresources.items():
            yield f"{collection}/{{name}}/{name}", _subresource(kind, each)


def _subresource(kind: Kind, subresource: Subresource) -> JsonObject:
    verbs = _ITEM | {"create": _COLLECTION["create"]}
    operations = _operations(kind, verbs, subresource.verbs, subresource.kind, subresource)
    return _item(operations, kind, named=True)


def _item(operations: JsonObject, kind: Kind, *, named: bool) -> JsonObject:
    names = [*(["name"] if named else []), *(["namespace"] if kind.namespaced else [])]
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "uniqueItems": True}}
        for name in names
    ]
    return operations | {"parameters": parameters}


def _operations(
    kind: Kind,
    verbs: dict[str, tuple[str, str, tuple[str, ...]]],
    offered: frozenset[str],
    body_kind: str,
    body: Subresource | None = None,
) -> JsonObject:
    group, version = (body.group, body.version) if body else (kind.group, kind.version)
    gvk = {"group": group, "version": version, "kind": body_kind}
    found: JsonObject = {}
    for verb, (method, action, parameters) in verbs.items():
        if verb not in offered:
            continue
        name = kind.list_kind if verb == "list" else "Status" if verb == "deletecollection" else body_kind
        answer = _schema(kind, group, version, name)
        found[method] = {
            "responses": {"200": {"description": "OK", "content": {"application/json": {"schema": answer}}}},
            "x-kubernetes-action": action,
            "x-kubernetes-group-version-kind": gvk,
            **({"parameters": [_query(each) for each in parameters]} if parameters else {}),
            **_request_body(verb, answer, kind),
        }
    return found


def _request_body(verb: str, schema: JsonObject, kind: Kind) -> JsonObject:
    if verb == "patch":
        patch = {"schema": {"$ref": f"{V3}{_META}Patch"}}
        types = _PATCHES if kind.custom else _BUILTIN_PATCHES
        return {"requestBody": {"content": dict.fromkeys(types, patch), "required": True}}
    if verb in ("create", "update"):
        return {"requestBody": {"content": {"*/*": {"schema": schema}}, "required": True}}
    if verb in ("delete", "deletecollection"):
        options = {"$ref": f"{V3}{_META}DeleteOptions"}
        return {"requestBody": {"content": {"*/*": {"schema": options}}}}
    return {}


def _schema(kind: Kind, group: str, version: str, name: str) -> JsonObject:
    if name == "Status":
        return {"$ref": f"{V3}{_META}Status"}
    found = builtin().names.get((group, version, name))
    if found is None and kind.custom is not None:
        found = schema_name(kind, name)
    return {"$ref": f"{V3}{found}"} if found else {"type": "string"}


def _query(name: str) -> JsonObject:
    type_ = "boolean" if name in _BOOLEANS else "integer" if name in _INTEGERS else "string"
    return {"name": name, "in": "query", "schema": {"type": type_, "uniqueItems": True}}
