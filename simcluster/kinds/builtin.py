"""The built-in kinds of Kubernetes, from the generated table `builtin.json`. Loaded once for all clusters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import orjson

from simcluster.kinds.kind import Kind, Subresource
from simcluster.kinds.structure import Definitions
from simcluster.kinds.types import Struct
from simcluster.values import JsonObject

_TABLE = Path(__file__).parent / "builtin.json"
# Both groups' events are views of the same objects.
_SHARED_STORAGE = {"events.k8s.io/events": "events"}


@dataclass(frozen=True, slots=True, eq=False)
class Builtin:
    """The shared table; treat everything in it as frozen.

    `groups` are (name, versions, the preferred one first) in the order of the server's discovery; `resources`
    its APIResource lists by `group/version`; `definitions` OpenAPI v3 schemas in the table's compact form.
    """

    version: JsonObject
    groups: tuple[tuple[str, tuple[str, ...]], ...]
    resources: Mapping[str, list[JsonObject]]
    definitions: Mapping[str, JsonObject]
    names: Mapping[tuple[str, str, str], str]  # (group, version, kind) → definition
    types: Definitions
    by_plural: Mapping[tuple[str, str, str], Kind]
    by_kind: Mapping[tuple[str, str], Kind]

    def type_of(self, group: str, version: str, kind: str) -> Struct | None:
        """Return the type of any known kind, also of those without a collection (Scale, Status, …)."""
        name = self.names.get((group, version, kind))
        found = self.types.look_up(name) if name else None
        return found if isinstance(found, Struct) else None


@cache
def builtin() -> Builtin:
    """Return the shared table, loading it at the first call."""
    raw = orjson.loads(_TABLE.read_bytes())
    definitions: dict[str, JsonObject] = raw["definitions"]
    names = {tuple(each["gvk"]): name for name, each in definitions.items() if "gvk" in each}
    types = Definitions(definitions)
    groups = tuple((name, tuple(versions)) for name, versions in raw["groups"])
    kinds = [
        kind
        for group, versions in groups
        for version in versions
        for kind in _kinds(group, version, raw["resources"], types, names)
    ]
    return Builtin(
        version=raw["version"],
        groups=groups,
        resources=raw["resources"],
        definitions=definitions,
        names=names,
        types=types,
        by_plural={(kind.group, kind.version, kind.plural): kind for kind in kinds},
        by_kind={(kind.api_version, kind.kind): kind for kind in kinds},
    )


def _kinds(
    group: str,
    version: str,
    resources: Mapping[str, list[JsonObject]],
    types: Definitions,
    names: Mapping[tuple[str, str, str], str],
) -> Iterator[Kind]:
    api_version = f"{group}/{version}" if group else version
    listed = resources[api_version]
    for each in listed:
        plural = each["name"]
        if "/" in plural:
            continue
        schema = types.look_up(names[group, version, each["kind"]])
        if not isinstance(schema, Struct):
            raise TypeError(f"{each['kind']} of {api_version} is no object")
        path = f"{group}/{plural}" if group else plural
        yield Kind(
            group=group,
            version=version,
            kind=each["kind"],
            list_kind=f"{each['kind']}List",
            plural=plural,
            singular=each["singularName"],
            namespaced=each["namespaced"],
            short_names=tuple(each.get("shortNames", ())),
            categories=tuple(each.get("categories", ())),
            verbs=frozenset(each["verbs"]),
            subresources={
                sub["name"].partition("/")[2]: _subresource(sub, group, version)
                for sub in listed
                if sub["name"].startswith(f"{plural}/")
            },
            schema=schema,
            storage=_SHARED_STORAGE.get(path, path),
        )


def _subresource(found: JsonObject, group: str, version: str) -> Subresource:
    return Subresource(
        # A body of another kind names its version; one of the resource's own group leaves it out.
        group=found.get("group", group if "version" not in found else ""),
        version=found.get("version", version),
        kind=found["kind"],
        verbs=frozenset(found["verbs"]),
    )
