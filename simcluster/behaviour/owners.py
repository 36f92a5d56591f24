"""Who belongs to whom: an index of owner references, kept up to date from the store's changes."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

import orjson

from simcluster.store.records import Change

# What controllers adopt when it is nobody's and their selector matches. Nothing before `metadata` in these
# kinds' canonical JSON can look like owner references, so that the bytes tell whether these have changed.
ADOPTABLE = frozenset(("pods", "apps/replicasets"))
_MARK = b'"ownerReferences":['


class Place(NamedTuple):
    """Where an object is in the store."""

    storage: str
    namespace: str
    name: str


class Reference(NamedTuple):
    """One owner."""

    api_version: str
    kind: str
    name: str
    uid: str
    controls: bool


References: TypeAlias = tuple[Reference, ...]


class Owners:
    """Dependents by their owner's uid, in the order in which they came; and pods and the like without any."""

    __slots__ = ("_dependents", "_orphans", "_owners")

    def __init__(self) -> None:
        self._dependents: dict[str, dict[Place, None]] = {}
        self._owners: dict[Place, References] = {}
        self._orphans: dict[Place, None] = {}

    def see(self, change: Change) -> tuple[References, References]:
        """Follow one change; return the owners before and now, those of a deleted object twice."""
        now = change.now
        place = Place(now.storage, now.namespace, now.name)
        before = self._owners.get(place, ())
        if change.kind == "DELETED":
            self._orphans.pop(place, None)
            self._set(place, before, ())
            return before, before
        if change.before is not None and _same(change):
            return before, before
        references = _references(now.body)
        if place.storage in ADOPTABLE:
            if controller_in(references) is not None:
                self._orphans.pop(place, None)
            else:
                self._orphans[place] = None
        self._set(place, before, references)
        return before, references

    def of(self, place: Place) -> References:
        """Return the owners of what is at a place."""
        return self._owners.get(place, ())

    def dependents(self, uid: str) -> list[Place]:
        """Return what names `uid` as an owner."""
        return list(self._dependents.get(uid, ()))

    def dependents_in(self, uid: str, storage: str) -> list[Place]:
        """Return what names `uid` as an owner, of one storage."""
        return [each for each in self._dependents.get(uid, ()) if each.storage == storage]

    def orphans(self, storage: str, namespace: str) -> list[Place]:
        """Return what nobody controls, of a storage in a namespace."""
        return [each for each in self._orphans if each.storage == storage and each.namespace == namespace]

    def _set(self, place: Place, before: References, now: References) -> None:
        if before == now:
            return
        for each in before:
            named = self._dependents.get(each.uid, {})
            named.pop(place, None)
            if not named:
                self._dependents.pop(each.uid, None)
        for each in now:
            self._dependents.setdefault(each.uid, {})[place] = None
        if now:
            self._owners[place] = now
        else:
            self._owners.pop(place, None)


def controller_in(references: References) -> Reference | None:
    """Return the owner that controls."""
    return next((each for each in references if each.controls), None)


def _same(change: Change) -> bool:
    """Tell cheaply, where it can be told, that a change left the owners alone."""
    if change.before is None or _MARK not in change.now.body:
        return change.before is not None and _MARK not in change.before.body
    return change.now.storage in ADOPTABLE and _segment(change.now.body) == _segment(change.before.body)


def _segment(body: bytes) -> bytes:
    start = body.find(_MARK)
    return b"" if start < 0 else body[start : body.index(b"]", start)]


def _references(body: bytes) -> References:
    if _MARK not in body:
        return ()
    found = orjson.loads(body)["metadata"].get("ownerReferences") or ()
    return tuple(
        Reference(each["apiVersion"], each["kind"], each["name"], each["uid"], bool(each.get("controller")))
        for each in found
    )
