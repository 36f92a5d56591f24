"""OpenAPI documents as far as kubectl reads them: schemas, and which paths serve which kinds.

Built-in kinds come without descriptions, which the table does not hold; those of CRDs are kept. Documents of
built-in kinds are made once for all clusters.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from functools import cache

import orjson

from simcluster.kinds.builtin import Builtin, builtin
from simcluster.kinds.kind import Kind
from simcluster.kinds.openapi_paths import paths
from simcluster.kinds.openapi_schemas import custom_schemas, definition, reachable, references, v2_form
from simcluster.kinds.registry import Registry
from simcluster.values import JsonObject

_SECURITY = {
    "BearerToken": {
        "description": "Bearer Token authentication",
        "in": "header",
        "name": "authorization",
        "type": "apiKey",
    }
}


def index(registry: Registry, prefix: str = "") -> JsonObject:
    """`/openapi/v3`: where each version's document is.

    `prefix` is the path below which the cluster is served (`/clusters/a`): clients take these addresses as
    absolute paths.
    """
    found = {}
    for group, versions in registry.groups():
        for version in versions:
            path = f"apis/{group}/{version}" if group else f"api/{version}"
            address = f"{prefix}/openapi/v3/{path}?hash={_hash(registry, group, version)}"
            found[path] = {"serverRelativeURL": address}
    return {"paths": found}


def document(registry: Registry, group: str, version: str) -> bytes | None:
    """Return the OpenAPI v3 document of one version as JSON; None where it is not served."""
    if version not in dict(registry.groups()).get(group, ()):
        return None
    custom = _custom(registry, group, version)
    if not custom:
        return _builtin_document(group, version)
    kinds = [*_builtin_kinds(builtin(), group, version), *custom]
    return _document(kinds)


def v2(registry: Registry) -> bytes:
    """`/openapi/v2` as JSON."""
    kinds = list(registry.kinds())
    schemas: dict[str, JsonObject] = {
        name: definition(each) for name, each in registry.builtin.definitions.items()
    }
    for kind in kinds:
        if kind.custom is not None:
            schemas |= custom_schemas(kind)
    found = {
        "swagger": "2.0",
        "info": _info(registry.builtin),
        "paths": {path: v2_form(each) for path, each in paths(kinds)},
        "definitions": {name: v2_form(each) for name, each in sorted(schemas.items())},
        "securityDefinitions": _SECURITY,
        "security": [{"BearerToken": []}],
    }
    return orjson.dumps(found)


def v2_protobuf(registry: Registry) -> bytes:
    """`/openapi/v2` as the protobuf that kubectl wants when it finds no kind: without any definitions.

    kubectl checks nothing against a document that does not know a kind, and leaves that to the server.
    """
    info = _info(registry.builtin)
    described = _bytes_field(1, info["title"].encode()) + _bytes_field(2, info["version"].encode())
    # openapi.v2.Document: swagger = 1, info = 2, paths = 8.
    return _bytes_field(1, b"2.0") + _bytes_field(2, described) + _bytes_field(8, b"")


def _bytes_field(number: int, value: bytes) -> bytes:
    """One field of wire type 2; numbers below 16 and lengths below 128 take one byte each."""
    return bytes([number << 3 | 2, len(value)]) + value


@cache
def _builtin_document(group: str, version: str) -> bytes:
    return _document(_builtin_kinds(builtin(), group, version))


def _document(kinds: Iterable[Kind]) -> bytes:
    table = builtin()
    kinds = list(kinds)
    schemas: dict[str, JsonObject] = {}
    for kind in kinds:
        if kind.custom is not None:
            schemas |= custom_schemas(kind)
    served = dict(paths(kinds))
    roots = {*_roots(table, kinds), *references(schemas), *references(served)}
    for name in reachable(table.definitions, roots):
        schemas[name] = definition(table.definitions[name])
    found = {
        "openapi": "3.0.0",
        "info": _info(table),
        "paths": served,
        "components": {"schemas": dict(sorted(schemas.items())), "securitySchemes": _SECURITY},
    }
    return orjson.dumps(found)


def _roots(table: Builtin, kinds: Iterable[Kind]) -> Iterator[str]:
    for kind in kinds:
        for name in (kind.kind, kind.list_kind, *(each.kind for each in kind.subresources.values())):
            found = table.names.get((kind.group, kind.version, name))
            if found is not None:
                yield found


def _builtin_kinds(table: Builtin, group: str, version: str) -> list[Kind]:
    return [kind for kind in table.by_plural.values() if (kind.group, kind.version) == (group, version)]


def _custom(registry: Registry, group: str, version: str) -> list[Kind]:
    return [
        kind
        for kind in registry.custom()
        if kind.custom is not None and kind.custom.served and (kind.group, kind.version) == (group, version)
    ]


def _info(table: Builtin) -> JsonObject:
    return {"title": "Kubernetes", "version": f"{table.version['major']}.{table.version['minor']}"}


def _hash(registry: Registry, group: str, version: str) -> str:
    """Change whenever the document changes; made without making the documents of built-in kinds."""
    digest = hashlib.sha512(f"{registry.builtin.version['gitVersion']} {group}/{version}".encode())
    for kind in _custom(registry, group, version):
        digest.update(orjson.dumps([dict(paths([kind])), custom_schemas(kind)]))
    return digest.hexdigest().upper()
