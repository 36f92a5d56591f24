"""Who belongs to whom: an index of owner references, kept up to date from the store's changes."""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias

from simcluster.store.records import Change

JsonObject: TypeAlias = dict[str, Any]
# What controllers adopt when it is nobody's and their selector matches.
ADOPTABLE = frozenset(("pods", "apps/replicasets"))
_MARK = b'"ownerReferences"'


class Place(NamedTuple):
    """Where an object is in the store."""

    storage: str
    namespace: str
    name: str


class Owners:
    """Dependents by their owner's uid, in the order in which they came; and pods and the like without any."""

    __slots__ = ("_dependents", "_orphans", "_owners")

    def __init__(self) -> None:
        self._dependents: dict[str, dict[Place, None]] = {}
        self._owners: dict[Place, tuple[str, ...]] = {}
        self._orphans: dict[Place, None] = {}

    def see(self, change: Change, obj: JsonObject | None) -> None:
        """Follow one change; `obj` may be None where the body has no owner references."""
        place = Place(change.now.storage, change.now.namespace, change.now.name)
        if change.kind == "DELETED":
            self._orphans.pop(place, None)
            self._set(place, ())
            return
        references = () if obj is None else obj["metadata"].get("ownerReferences") or ()
        if place.storage in ADOPTABLE:
            if any(each.get("controller") for each in references):
                self._orphans.pop(place, None)
            else:
                self._orphans[place] = None
        self._set(place, tuple(each["uid"] for each in references))

    def dependents(self, uid: str) -> list[Place]:
        """Return what names `uid` as an owner."""
        return list(self._dependents.get(uid, ()))

    def dependents_in(self, uid: str, storage: str) -> list[Place]:
        """Return what names `uid` as an owner, of one storage."""
        return [each for each in self._dependents.get(uid, ()) if each.storage == storage]

    def orphans(self, storage: str, namespace: str) -> list[Place]:
        """Return what nobody controls, of a storage in a namespace."""
        return [each for each in self._orphans if each.storage == storage and each.namespace == namespace]

    def _set(self, place: Place, uids: tuple[str, ...]) -> None:
        before = self._owners.get(place, ())
        if before == uids:
            return
        for uid in before:
            named = self._dependents[uid]
            named.pop(place, None)
            if not named:
                del self._dependents[uid]
        for uid in uids:
            self._dependents.setdefault(uid, {})[place] = None
        if uids:
            self._owners[place] = uids
        else:
            self._owners.pop(place, None)


def may_have_owners(body: bytes) -> bool:
    """Tell cheaply whether an object's JSON could hold owner references."""
    return _MARK in body
