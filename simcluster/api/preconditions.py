"""What keeps a write from beginning: a name that is taken, a uid that is another object's."""

from __future__ import annotations

from simcluster.errors import ApiError, already_exists, conflict
from simcluster.kinds.kind import Kind
from simcluster.store.records import Stored, key_of
from simcluster.values import JsonObject

# Where etcd keeps kinds whose names have changed; one error's text shows it.
_ETCD = {"nodes": "minions", "services": "services/specs", "endpoints": "services/endpoints"}


def taken(kind: Kind, there: Stored | None, name: str) -> ApiError:
    """Refuse a name that is taken; where it is by an object that is going, the server says that."""
    refused = already_exists(kind.plural, kind.group, name)
    if there is not None and "deletionTimestamp" in there.object()["metadata"]:
        refused.status["message"] = f"object is being deleted: {refused}"
    return refused


def check_no_uid(kind: Kind, own: JsonObject) -> None:
    """Let an apply create an object only when it names no uid; raises `ApiError` 409."""
    uid = own.get("uid")
    if uid:
        because = f"uid mismatch: the provided object specified uid {uid}, and no existing object was found"
        raise conflict(kind.plural, kind.group, own["name"], because)


def check_uid(kind: Kind, live: Stored, own: JsonObject) -> None:
    """Let an update change only the object whose uid it names, if any; raises `ApiError` 409."""
    uid = own.get("uid")
    if uid and uid != live.uid:
        key = f"/registry/{_etcd(kind)}/{key_of(live.namespace, live.name)}"
        because = (
            f"StorageError: invalid object, Code: 4, Key: {key}, ResourceVersion: 0, "
            f"AdditionalErrorMsg: Precondition failed: UID in precondition: {uid}, "
            f"UID in object meta: {live.uid}"
        )
        raise conflict(kind.plural, kind.group, live.name, because)


def _etcd(kind: Kind) -> str:
    """Return the part of an etcd key that stands for a resource: as a rule its plural, with some history."""
    if kind.custom is not None:
        return f"{kind.group}/{kind.plural}"
    return _ETCD.get(kind.plural, kind.plural)
