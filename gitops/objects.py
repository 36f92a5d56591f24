"""What identifies a Kubernetes object, and a manifest of one. Says nothing about live state."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple, Protocol, TypeAlias

import orjson

from gitops.errors import Location

Json: TypeAlias = dict[str, Any] | list[Any] | str | int | float | bool | None
JsonObject: TypeAlias = dict[str, Any]


class GroupKind(NamedTuple):
    """A kind without its version: versions of one kind are views of the same objects."""

    group: str
    kind: str

    def __str__(self) -> str:
        """Write it as KEP-3659 does in `contains-group-kinds`: `Deployment.apps`, `ConfigMap`."""
        return f"{self.kind}.{self.group}" if self.group else self.kind

    @classmethod
    def parse(cls, text: str) -> GroupKind:
        """Read what `str` wrote."""
        kind, _, group = text.partition(".")
        return cls(group, kind)


class ObjectKey(NamedTuple):
    """Identity of an object in one cluster. `namespace` is empty for cluster-scoped kinds."""

    group: str
    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        place = f"{self.namespace}/" if self.namespace else ""
        return f"{GroupKind(self.group, self.kind)} {place}{self.name}"

    @property
    def group_kind(self) -> GroupKind:
        """The kind this key belongs to."""
        return GroupKind(self.group, self.kind)


def split_api_version(api_version: str) -> tuple[str, str]:
    """`apps/v1` → (`apps`, `v1`); `v1` → (``, `v1`)."""
    group, slash, version = api_version.rpartition("/")
    return (group, version) if slash else ("", api_version)


def canonical_json(value: Json) -> bytes:
    """One value, one byte string: sorted keys, no spaces, UTF-8. The ground of every digest."""
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except TypeError:  # integers beyond 64 bits, which YAML can hold
        return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def digest(value: Json) -> str:
    """SHA-256 over `canonical_json`, as 64 hex digits."""
    return hashlib.sha256(canonical_json(value)).hexdigest()


def short_digest(value: Json) -> str:
    """The first 128 bits of `digest`: enough to tell the states of one object apart, in half the bytes.

    An inventory holds two of these for each object, and is written with every rollout.
    """
    return digest(value)[:32]


class Written(Protocol):
    """Knows where each value of an object was written."""

    def at(self, *pointer: str | int, key: bool = False) -> Location:
        """The place of the value at `pointer`, or of its key; of its nearest parent where it is missing."""


@dataclass(frozen=True)
class Manifest:
    """One object as it shall be applied, and the place it was written. Treat `body` as frozen."""

    body: JsonObject = field(repr=False)
    source: Location
    written: Written | None = field(default=None, repr=False, compare=False)

    def at(self, *pointer: str | int, key: bool = False) -> Location:
        """Where the value at `pointer` was written, or its key; `source` where the renderer does not tell."""
        return self.source if self.written is None else self.written.at(*pointer, key=key)

    @property
    def api_version(self) -> str:
        """As written, such as `apps/v1`."""
        return str(self.body["apiVersion"])

    @property
    def kind(self) -> str:
        """As written, such as `Deployment`."""
        return str(self.body["kind"])

    @property
    def metadata(self) -> Mapping[str, Any]:
        """The object's own metadata; never missing in a Manifest."""
        found: Mapping[str, Any] = self.body["metadata"]
        return found

    @property
    def annotations(self) -> Mapping[str, str]:
        """Annotations as written; empty where there are none."""
        return self.metadata.get("annotations") or {}

    @property
    def labels(self) -> Mapping[str, str]:
        """Labels as written; empty where there are none."""
        return self.metadata.get("labels") or {}

    @cached_property
    def key(self) -> ObjectKey:
        """Identity; the namespace is what the body says, so scope must have been settled before."""
        group, _ = split_api_version(self.api_version)
        metadata = self.metadata
        return ObjectKey(group, self.kind, str(metadata.get("namespace") or ""), str(metadata["name"]))
