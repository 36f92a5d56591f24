"""What the store holds and tells: an object at one revision, and the step from one to the next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, TypeAlias

import orjson

from simcluster.values import JsonObject

ChangeKind: TypeAlias = Literal["ADDED", "MODIFIED", "DELETED"]

NO_LABELS: Mapping[str, str] = MappingProxyType({})


@dataclass(slots=True, frozen=True, eq=False)
class Stored:
    """One object at one revision. `body` is canonical JSON with `metadata.resourceVersion` in it.

    `api_version` is the stored version's, as in `body`; reading through another version converts. `body`
    starts with `kind` and `apiVersion`, which end at `head`: what stands for another version of the same
    shape, and the items of lists (which tell no types), are made by changing only that.
    """

    storage: str
    namespace: str
    name: str
    uid: str
    revision: int
    api_version: str
    labels: Mapping[str, str]
    head: int
    body: bytes

    def object(self) -> JsonObject:
        """Return a fresh copy of the object, in the stored version."""
        found: JsonObject = orjson.loads(self.body)
        return found

    def untyped(self) -> bytes:
        """Return the body without `kind` and `apiVersion`, as built-in kinds' lists hold it."""
        return b"{" + self.body[self.head :]


@dataclass(slots=True, frozen=True, eq=False)
class Change:
    """One write. `now` of a deletion is the object's last state with the revision of the deletion."""

    kind: ChangeKind
    now: Stored
    before: Stored | None

    @property
    def revision(self) -> int:
        """The revision that this change made."""
        return self.now.revision


def key_of(namespace: str, name: str) -> str:
    """Where an object is among those of its storage: sorted, these keys give the order of every list."""
    return f"{namespace}/{name}" if namespace else name


def type_prefix(kind: str, api_version: str) -> bytes:
    """Return how the body of an object of this type begins; another key always follows."""
    return b'{"kind":"%s","apiVersion":"%s",' % (kind.encode(), api_version.encode())


def canonical(obj: JsonObject) -> bytes:
    """One object, one byte string: its type first, then sorted keys, no spaces."""
    rest = {key: value for key, value in obj.items() if key not in ("kind", "apiVersion")}
    return type_prefix(obj["kind"], obj["apiVersion"]) + orjson.dumps(rest, option=orjson.OPT_SORT_KEYS)[1:]


def stored(storage: str, obj: JsonObject, revision: int) -> Stored:
    """Make the record of `obj` at `revision`; writes the revision into `obj`'s metadata."""
    metadata = obj["metadata"]
    metadata["resourceVersion"] = str(revision)
    return Stored(
        storage,
        metadata.get("namespace") or "",
        metadata["name"],
        metadata.get("uid") or "",
        revision,
        obj["apiVersion"],
        metadata.get("labels") or NO_LABELS,
        len(type_prefix(obj["kind"], obj["apiVersion"])),
        canonical(obj),
    )
