"""What CustomResourceDefinitions say, however wrong they are written: the API server refuses those."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from gitops.objects import GroupKind, Json, JsonObject, Manifest, split_api_version

DEFINITION = GroupKind("apiextensions.k8s.io", "CustomResourceDefinition")


@dataclass(frozen=True, slots=True)
class Definition:
    """A kind, and the versions that are served, each with its schema as written."""

    kind: GroupKind
    namespaced: bool
    versions: tuple[tuple[str, JsonObject], ...] = field(repr=False)

    def api_version(self, version: str) -> str:
        """Write a version as objects do."""
        return f"{self.kind.group}/{version}"


def definitions(manifests: Iterable[Manifest]) -> Iterator[Definition]:
    """Give the definitions among manifests; those that name no kind are left out."""
    for manifest in manifests:
        group, _ = split_api_version(manifest.api_version)
        if GroupKind(group, manifest.kind) != DEFINITION:
            continue
        spec = _mapping(manifest.body.get("spec"))
        kind, versions = _mapping(spec.get("names")).get("kind"), spec.get("versions")
        if isinstance(kind, str):
            listed = map(_mapping, versions if isinstance(versions, list) else ())
            yield Definition(
                GroupKind(str(spec.get("group")), kind),
                spec.get("scope") == "Namespaced",
                tuple((str(one.get("name")), _schema(one)) for one in listed if one.get("served")),
            )


def _schema(version: JsonObject) -> JsonObject:
    return _mapping(_mapping(version.get("schema")).get("openAPIV3Schema"))


def _mapping(value: Json) -> JsonObject:
    return value if isinstance(value, dict) else {}
