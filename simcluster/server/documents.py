"""What a server tells of itself: version, health, discovery, OpenAPI."""

from __future__ import annotations

from dataclasses import dataclass

import orjson
from aiohttp import web

from simcluster.errors import no_such_path
from simcluster.kinds import discovery, openapi
from simcluster.kinds.registry import Registry
from simcluster.server.call import answer, plain_text
from simcluster.server.negotiation import (
    JSON,
    YAML,
    Representation,
    accepted,
    check_offered,
    nothing_of,
    nothing_to_offer,
)
from simcluster.server.rendering import encoded
from simcluster.values import JsonObject

_DISCOVERY_GROUP = "apidiscovery.k8s.io"
_DISCOVERY_KIND = "APIGroupDiscoveryList"
_OPENAPI_PROTOBUF = "application/com.github.proto-openapi.spec.v2"
_HEALTH = ("healthz", "livez", "readyz")
_CHECKS = ("ping", "log", "etcd")
_JSON_NAMES = (JSON, "*/*", "application/*")
_GROUP_AND_VERSION = 2


@dataclass(frozen=True, slots=True)
class Asked:
    """One request for a document. `prefix`: the path below which it is served; `host`: as clients see it."""

    path: str
    accept: str
    host: str = ""
    prefix: str = ""
    verbose: bool = False


def document(registry: Registry, asked: Asked) -> web.Response:
    """Answer a path that is no resource. Raises `ApiError` 404 or 406."""
    if not is_routed(asked.path):
        return not_found_page()
    head, _, rest = asked.path.strip("/").partition("/")
    if head in _HEALTH:
        return _health(head, rest, asked)
    if head == "version" and not rest:
        return _version(registry, asked)
    if head == "openapi":
        return _openapi(registry, rest, asked)
    if head in ("api", "apis"):
        return _discovery(registry, head, rest, asked)
    if not head:
        return answer(encoded(discovery.root_paths(registry), Representation(pretty=True)))
    if head == "metrics" and not rest:
        return plain_text("# simcluster keeps no metrics: this is a simulation\n")
    return not_found_page()


def is_routed(path: str) -> bool:
    """Tell whether a path can lead anywhere: doubled slashes are forgiven only where frameworks route it."""
    if path.startswith(("//", "/apis//")):
        return False
    head = path.strip("/").partition("/")[0]
    return not (path.endswith("/") and (head in _HEALTH or head == "openapi"))


def not_found_page() -> web.Response:
    """Answer for a path that nothing serves: not even the API's own kind of error, as in the real one."""
    response = plain_text("404 page not found\n", 404)
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def _health(name: str, check: str, asked: Asked) -> web.Response:
    if check and check not in _CHECKS:
        return not_found_page()
    if check or not asked.verbose:
        return plain_text("ok")
    lines = "".join(f"[+]{each} ok\n" for each in _CHECKS)
    return plain_text(f"{lines}{name} check passed\n")


def _version(registry: Registry, asked: Asked) -> web.Response:
    """Tell the version: in JSON, whatever else it is asked to be."""
    clauses = accepted(asked.accept)
    if clauses and not any(clause.media_type in (JSON, "*/*") for clause in clauses):
        raise nothing_to_offer((JSON,))
    return answer(orjson.dumps(discovery.version(registry)))


def _discovery(registry: Registry, root: str, rest: str, asked: Asked) -> web.Response:
    if not rest:
        return _groups(registry, root, asked)
    group, _, version = rest.partition("/") if root == "apis" else ("", "", rest)
    if version and group in dict(registry.builtin.groups):
        check_offered(asked.accept)
    found = discovery.resource_list(registry, group, version) if version else discovery.group(registry, group)
    if found is None:
        if root == "api":
            raise no_such_path()
        return not_found_page()
    return _written(found, asked)


def _groups(registry: Registry, root: str, asked: Asked) -> web.Response:
    core = root == "api"
    if core:
        check_offered(asked.accept)
    for clause in accepted(asked.accept):
        if clause.get("as") == _DISCOVERY_KIND and clause.media_type == JSON:
            if clause.get("g") == _DISCOVERY_GROUP and clause.get("v") == "v2":
                media_type = f"{JSON};g={_DISCOVERY_GROUP};v=v2;as={_DISCOVERY_KIND}"
                body = orjson.dumps(discovery.aggregated(registry, core=core))
                return answer(body, media_type=media_type, headers={"Vary": "Accept"})
        elif not clause.parameters and clause.media_type in (*_JSON_NAMES, YAML):
            break
    found = discovery.core_versions(asked.host) if core else discovery.group_list(registry)
    return _written(found, asked)


def _openapi(registry: Registry, rest: str, asked: Asked) -> web.Response:
    if rest == "v2":
        if any(clause.media_type.startswith(_OPENAPI_PROTOBUF) for clause in accepted(asked.accept)):
            return answer(openapi.v2_protobuf(registry), media_type=f"{_OPENAPI_PROTOBUF}.v1.0+protobuf")
        return answer(openapi.v2(registry))
    if rest in ("v3", "v3/"):
        return answer(orjson.dumps(openapi.index(registry, asked.prefix)))
    parts = rest.split("/")
    body = None
    if parts[:2] == ["v3", "api"]:
        body = openapi.document(registry, "", parts[-1])
    elif parts[:2] == ["v3", "apis"] and len(parts) == 2 + _GROUP_AND_VERSION:
        body = openapi.document(registry, *parts[2:])
    return answer(body) if body is not None else answer(b"", 404, "text/plain; charset=utf-8")


def _written(found: JsonObject, asked: Asked) -> web.Response:
    for clause in accepted(asked.accept) if asked.accept else ():
        if clause.get("as"):
            continue
        if clause.media_type in _JSON_NAMES:
            break
        if clause.media_type == YAML:
            return answer(encoded(found, Representation(YAML)), media_type=YAML)
    else:
        if asked.accept:
            raise nothing_of(asked.accept)
    return answer(orjson.dumps(found))
