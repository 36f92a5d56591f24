"""Which kinds a cluster serves, and where. Parses discovery documents; fetches nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple
from urllib.parse import quote

from gitops.errors import Refused
from gitops.objects import GroupKind, JsonObject, split_api_version

# What nearly every name is made of: nothing to quote, nothing to refuse.
_PLAIN = re.compile(r"[a-z0-9][a-z0-9.-]*")


class Resource(NamedTuple):
    """One served version of one kind."""

    group: str
    version: str
    kind: str
    plural: str
    namespaced: bool
    verbs: frozenset[str] = frozenset()

    @property
    def api_version(self) -> str:
        """As manifests write it: `apps/v1`, `v1`."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def group_kind(self) -> GroupKind:
        """The kind without its version."""
        return GroupKind(self.group, self.kind)

    def path(self, namespace: str = "", name: str = "", subresource: str = "") -> str:
        """Build the URL path of one object (`name`) or of the collection, all namespaces where none is given.

        Raises Refused for what cannot be one path segment, or where an object's namespace is missing: the
        text comes from manifests and must not be able to address something else.
        """
        parts = [f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"]
        if self.namespaced and namespace:
            parts.append(f"namespaces/{_segment(namespace)}")
        elif self.namespaced and name:
            raise Refused(f"{self.group_kind} {name} needs a namespace")
        parts.append(self.plural)
        if name:
            parts.append(_segment(name))
        if subresource:
            parts.append(subresource)
        return "/".join(parts)


def _segment(text: str) -> str:
    if _PLAIN.fullmatch(text):
        return text
    # The rule of apimachinery's path.IsValidPathSegmentName.
    if text in {".", ".."} or "/" in text or "%" in text:
        raise Refused(f'"{text}" cannot be a name: it may not be ".", ".." or contain "/" or "%"')
    return quote(text, safe=":")


class Discovery:
    """All resources of a cluster, preferred versions first, as the server orders them.

    `unavailable` names groups and versions that are registered but did not answer: a kind of theirs is not
    known to be missing.
    """

    def __init__(self, resources: Iterable[Resource], unavailable: Iterable[str] = ()) -> None:
        self.resources = tuple(resources)
        self.unavailable = frozenset(unavailable)
        self._exact = {(found.group, found.version, found.kind): found for found in reversed(self.resources)}
        self._preferred = {found.group_kind: found for found in reversed(self.resources)}

    def __iter__(self) -> Iterator[Resource]:
        return iter(self.resources)

    def find(self, api_version: str, kind: str) -> Resource | None:
        """Look up exactly this version, or None where it is not served."""
        group, version = split_api_version(api_version)
        return self._exact.get((group, version, kind))

    def namespaced(self, api_version: str, kind: str) -> bool | None:
        """Whether objects of a kind have a namespace; None where the kind is not served."""
        resource = self.find(api_version, kind)
        return None if resource is None else resource.namespaced

    def preferred(self, group_kind: GroupKind) -> Resource | None:
        """Look up the version that the server prefers for a kind, or None where none is served."""
        return self._preferred.get(group_kind)


def parse_aggregated(document: JsonObject) -> Discovery:
    """Read an `APIGroupDiscoveryList` (apidiscovery.k8s.io/v2, KEP-3352)."""
    resources: list[Resource] = []
    unavailable: list[str] = []
    for item in document.get("items") or []:
        group = str((item.get("metadata") or {}).get("name") or "")
        for version in item.get("versions") or []:
            name = str(version["version"])
            if version.get("freshness") == "Stale":
                unavailable.append(f"{group}/{name}" if group else name)
            resources += [
                _aggregated(group, name, entry)
                for entry in version.get("resources") or []
                if _has_kind(entry)
            ]
    return Discovery(resources, unavailable)


def _has_kind(entry: dict[str, Any]) -> bool:
    return bool((entry.get("responseKind") or {}).get("kind"))


def _aggregated(group: str, version: str, entry: dict[str, Any]) -> Resource:
    return Resource(
        group=group,
        version=version,
        kind=str(entry["responseKind"]["kind"]),
        plural=str(entry["resource"]),
        namespaced=entry.get("scope") == "Namespaced",
        verbs=frozenset(entry.get("verbs") or ()),
    )


def parse_resource_list(document: JsonObject) -> list[Resource]:
    """Read an `APIResourceList`, the older document per group and version. Subresources are left out."""
    group, version = split_api_version(str(document["groupVersion"]))
    return [
        Resource(
            group=group,
            version=version,
            kind=str(entry["kind"]),
            plural=str(entry["name"]),
            namespaced=bool(entry.get("namespaced")),
            verbs=frozenset(entry.get("verbs") or ()),
        )
        for entry in document.get("resources") or []
        if "/" not in str(entry["name"])
    ]


def group_versions(document: JsonObject) -> list[str]:
    """Read the versions out of an `APIVersions` or `APIGroupList`, each group's preferred one first."""
    if "groups" not in document:
        return [str(version) for version in document.get("versions") or []]
    found: list[str] = []
    for group in document["groups"] or []:
        preferred = (group.get("preferredVersion") or {}).get("groupVersion")
        served = [str(version["groupVersion"]) for version in group.get("versions") or []]
        found += sorted(served, key=lambda version, first=preferred: version != first)  # type: ignore[misc]
    return found
