"""What the store holds and tells: an object at one revision, and the step from one to the next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

import orjson

JsonObject: TypeAlias = dict[str, Any]
ChangeKind: TypeAlias = Literal["ADDED", "MODIFIED", "DELETED"]

NO_LABELS: Mapping[str, str] = MappingProxyType({})


@dataclass(slots=True, frozen=True, eq=False)
class Stored:
    """One object at one revision. `body` is canonical JSON with `metadata.resourceVersion` in it.

    `api_version` is the stored version's, as in `body`; reading through another version converts.
    """

    storage: str
    namespace: str
    name: str
    uid: str
    revision: int
    api_version: str
    labels: Mapping[str, str]
    body: bytes

    def object(self) -> JsonObject:
        """Return a fresh copy of the object, in the stored version."""
        found: JsonObject = orjson.loads(self.body)
        return found


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


def canonical(obj: JsonObject) -> bytes:
    """One object, one byte string: sorted keys, no spaces."""
    return orjson.dumps(obj, option=orjson.OPT_SORT_KEYS)


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
        canonical(obj),
    )
