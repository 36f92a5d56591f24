"""The garbage collector: dependents follow their owners, as the deletion's propagation says."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum, auto
from typing import Any

from simcluster.api.deleting import FOREGROUND, ORPHAN
from simcluster.behaviour.actions import Action, Delete, Update
from simcluster.behaviour.client import NOT_FOUND, Client, Component
from simcluster.behaviour.meta import deleting
from simcluster.behaviour.owners import Place
from simcluster.behaviour.queue import Key
from simcluster.errors import ApiError
from simcluster.values import JsonObject

_COLLECTOR = Component("garbage-collector-controller")


class Owner(Enum):
    """What an owner reference points to."""

    SOLID = auto()
    ABSENT = auto()
    WAITING = auto()  # for its dependents: it is being deleted in the foreground


def key(rank: int, place: Place) -> Key:
    """Return the key by which an object of any kind is looked at here."""
    return Key(rank, "garbage", place.namespace, f"{place.storage} {place.name}")


def sync(client: Client, looked_at: Key) -> None:
    """Look at one object as an owner that is deleted, and as a dependent."""
    storage, _, name = looked_at.name.partition(" ")
    found = client.get(storage, looked_at.namespace, name)
    if found is None:
        return
    uid = found["metadata"]["uid"]
    finalizers = found["metadata"].get("finalizers") or ()
    if deleting(found) and (FOREGROUND in finalizers or ORPHAN in finalizers):
        places = client.owners.dependents(uid)
        dependents = [each for each in map(client.at, places) if each is not None]
        decide = as_orphaning if ORPHAN in finalizers else as_foreground
        _perform(client, decide(found, dependents))
    elif not deleting(found) and found["metadata"].get("ownerReferences"):
        states = [owner_state(client, found, each) for each in found["metadata"]["ownerReferences"]]
        _perform(client, as_dependent(found, states, has_dependents=bool(client.owners.dependents(uid))))


def owner_state(client: Client, obj: JsonObject, reference: JsonObject) -> Owner:
    """Look an owner up. One of another namespace, name or uid than the reference says is absent."""
    kind = client.api.registry.of(reference["apiVersion"], reference["kind"])
    if kind is None:
        return Owner.SOLID  # nobody knows; the real one waits for discovery
    namespace = obj["metadata"].get("namespace", "") if kind.namespaced else ""
    stored = client.store.get(kind.storage, namespace, reference["name"])
    if stored is None or stored.uid != reference["uid"]:
        return Owner.ABSENT
    owner = stored.object()
    waiting = deleting(owner) and FOREGROUND in (owner["metadata"].get("finalizers") or ())
    return Owner.WAITING if waiting else Owner.SOLID


def as_dependent(obj: JsonObject, states: Iterable[Owner], *, has_dependents: bool) -> tuple[Action, ...]:
    """Return what becomes of an object by the state of each of its owners."""
    references = obj["metadata"]["ownerReferences"]
    pairs = list(zip(references, states, strict=True))
    solid = [reference for reference, state in pairs if state is Owner.SOLID]
    if len(solid) == len(references):
        return ()
    if solid:
        return (_with_metadata(obj, "ownerReferences", solid),)
    finalizers = obj["metadata"].get("finalizers") or ()
    waiting = any(state is Owner.WAITING for _, state in pairs)
    if waiting and has_dependents:
        return (Delete(obj, "Foreground"),)
    if ORPHAN in finalizers:
        return (Delete(obj, "Orphan"),)
    return (Delete(obj, "Foreground" if FOREGROUND in finalizers else "Background"),)


def as_foreground(obj: JsonObject, dependents: Iterable[JsonObject]) -> tuple[Action, ...]:
    """Return the release of an owner whose blocking dependents are gone; nothing while some are left."""
    uid = obj["metadata"]["uid"]
    for each in dependents:
        for reference in each["metadata"].get("ownerReferences") or ():
            if reference["uid"] == uid and reference.get("blockOwnerDeletion"):
                return ()
    return (_without_finalizer(obj, FOREGROUND),)


def as_orphaning(obj: JsonObject, dependents: Iterable[JsonObject]) -> tuple[Action, ...]:
    """Return the updates that free the dependents, then their owner."""
    uid = obj["metadata"]["uid"]
    freed: list[Action] = []
    for each in dependents:
        kept = [one for one in each["metadata"].get("ownerReferences") or () if one["uid"] != uid]
        freed.append(_with_metadata(each, "ownerReferences", kept))
    return (*freed, _without_finalizer(obj, ORPHAN))


def _without_finalizer(obj: JsonObject, finalizer: str) -> Update:
    return _with_metadata(
        obj, "finalizers", [each for each in obj["metadata"]["finalizers"] if each != finalizer]
    )


def _with_metadata(obj: JsonObject, field: str, value: list[Any]) -> Update:
    return Update({**obj, "metadata": {**obj["metadata"], field: value}})


def _perform(client: Client, actions: Iterable[Action]) -> None:
    for action in actions:
        try:
            client.perform((action,), _COLLECTOR)
        except ApiError as error:
            if error.code != NOT_FOUND:  # gone meanwhile is what was wanted
                raise
