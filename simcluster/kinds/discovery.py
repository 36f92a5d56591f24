"""The documents from which clients learn what is served: legacy and aggregated discovery, and `/version`."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Iterator

from simcluster.kinds.kind import Kind
from simcluster.kinds.registry import Registry
from simcluster.values import JsonObject

# The order in which a real server lists the verbs of custom resources.
_CUSTOM_VERBS = ("delete", "deletecollection", "get", "list", "patch", "create", "update", "watch")
_SIMULATION = "simcluster"


def version(registry: Registry) -> JsonObject:
    """`/version`: the version whose behaviour is simulated, and that it is a simulation."""
    real = registry.builtin.version
    return real | {
        "gitVersion": f"{real['gitVersion']}+{_SIMULATION}",
        "gitCommit": "this is a simulation, not a Kubernetes API server",
        "compiler": _SIMULATION,
    }


def core_versions(server_address: str) -> JsonObject:
    """`/api`; `server_address` is host and port as clients see them."""
    addresses = [{"clientCIDR": "0.0.0.0/0", "serverAddress": server_address}]
    return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": addresses}


def group_list(registry: Registry) -> JsonObject:
    """`/apis`."""
    groups = [_group(name, versions) for name, versions in registry.groups() if name]
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}


def group(registry: Registry, name: str) -> JsonObject | None:
    """`/apis/<name>`; None where there is no such group."""
    versions = dict(registry.groups()).get(name) if name else None
    return {"kind": "APIGroup", "apiVersion": "v1"} | _group(name, versions) if versions else None


def resource_list(registry: Registry, group: str, version: str) -> JsonObject | None:
    """`/api/v1` and `/apis/<group>/<version>`; None where there is no such version."""
    if version not in dict(registry.groups()).get(group, ()):
        return None
    name = f"{group}/{version}" if group else version
    resources = [
        *registry.builtin.resources.get(name, ()),
        *(each for kind in _custom(registry, group, version) for each in _resources(kind)),
    ]
    head = {"kind": "APIResourceList"} if not group else {"kind": "APIResourceList", "apiVersion": "v1"}
    return head | {"groupVersion": name, "resources": resources}


def aggregated(registry: Registry, *, core: bool) -> JsonObject:
    """`/api` (core) or `/apis` as APIGroupDiscoveryList of apidiscovery.k8s.io/v2 (KEP-3352)."""
    items = [
        {
            "metadata": {"name": name} if name else {},
            "versions": [_discovery(registry, name, each) for each in versions],
        }
        for name, versions in registry.groups()
        if bool(name) != core
    ]
    return {
        "kind": "APIGroupDiscoveryList",
        "apiVersion": "apidiscovery.k8s.io/v2",
        "metadata": {},
        "items": items,
    }


def root_paths(registry: Registry) -> JsonObject:
    """`/`: the paths below it."""
    paths = {"/api", "/api/v1", "/apis", "/apis/", "/healthz", "/livez", "/readyz", "/version"}
    paths |= {"/openapi/v2", "/openapi/v3", "/openapi/v3/"}
    for name, versions in registry.groups():
        if name:
            paths |= {f"/apis/{name}", *(f"/apis/{name}/{each}" for each in versions)}
    return {"paths": sorted(paths)}


def _group(name: str, versions: tuple[str, ...]) -> JsonObject:
    listed = [{"groupVersion": f"{name}/{each}", "version": each} for each in versions]
    return {"name": name, "versions": listed, "preferredVersion": listed[0]}


def _custom(registry: Registry, group: str, version: str) -> Iterator[Kind]:
    for kind in registry.custom():
        served = kind.custom is not None and kind.custom.served
        if served and (kind.group, kind.version) == (group, version):
            yield kind


def _resources(kind: Kind) -> Iterator[JsonObject]:
    """The entries of a custom kind in an APIResourceList."""
    storage = f"{kind.group}/{kind.custom.storage_version if kind.custom else kind.version}/{kind.kind}"
    hashed = b64encode(hashlib.sha256(storage.encode()).digest()[:8]).decode()
    yield {
        "name": kind.plural,
        "singularName": kind.singular,
        "namespaced": kind.namespaced,
        "kind": kind.kind,
        "verbs": list(_CUSTOM_VERBS),
        **({"shortNames": list(kind.short_names)} if kind.short_names else {}),
        **({"categories": list(kind.categories)} if kind.categories else {}),
        "storageVersionHash": hashed,
    }
    for name, each in kind.subresources.items():
        other = (each.group, each.version) != (kind.group, kind.version)
        yield {
            "name": f"{kind.plural}/{name}",
            "singularName": "",
            "namespaced": kind.namespaced,
            **({"group": each.group, "version": each.version} if other else {}),
            "kind": each.kind,
            "verbs": sorted(each.verbs),
        }


def _discovery(registry: Registry, group: str, version: str) -> JsonObject:
    listed = resource_list(registry, group, version)
    resources: dict[str, JsonObject] = {}
    custom = {kind.plural for kind in _custom(registry, group, version)}
    for each in listed["resources"] if listed else ():
        plural, _, subresource = each["name"].partition("/")
        own = (group, version) if plural in custom else ("", "")
        kind = {"group": each.get("group", own[0]), "version": each.get("version", own[1])}
        response = kind | {"kind": each["kind"]}
        if subresource:
            found = {"subresource": subresource, "responseKind": response, "verbs": each["verbs"]}
            resources[plural].setdefault("subresources", []).append(found)
        else:
            resources[plural] = {
                "resource": plural,
                "responseKind": response,
                "scope": "Namespaced" if each["namespaced"] else "Cluster",
                "singularResource": each["singularName"],
                **{key: each[key] for key in ("verbs", "shortNames", "categories") if key in each},
            }
    return {"version": version, "resources": list(resources.values()), "freshness": "Current"}
