"""The metadata that the server owns: set on create, kept on update, told apart from what users may change."""

from __future__ import annotations

import random

from simcluster.api.identity import new_uid
from simcluster.errors import bad_request
from simcluster.kinds.kind import Kind
from simcluster.patches.refusals import internal
from simcluster.values import JsonObject

_DOUBLE_OWNERS = (
    ".metadata.ownerReferences contains duplicate entries; API server dedups owner references in 1.20+, and "
    "may reject such requests as early as 1.24; please fix your requests; duplicate UID(s) observed: "
)


def place(obj: JsonObject, kind: Kind, namespace: str) -> JsonObject:
    """Return `obj`'s metadata (made where missing) in the request's namespace.

    Raises `ApiError` 400 when the object names another one.
    """
    metadata: JsonObject = obj.get("metadata") or {}
    obj["metadata"] = metadata
    if kind.namespaced:
        if metadata.setdefault("namespace", namespace) != namespace:
            if metadata["namespace"]:
                raise bad_request(
                    "the namespace of the provided object does not match the namespace sent on the request"
                )
            metadata["namespace"] = namespace
    elif metadata.get("namespace"):
        raise bad_request(
            "the namespace of the provided object does not match the namespace sent on the request"
        )
    return metadata


def check_name(metadata: JsonObject, name: str) -> None:
    """Hold an update's name against the path's; raises `ApiError` 400."""
    found = metadata.get("name")
    if not found:
        raise bad_request(
            f"the name of the object ({name} based on URL) was undeterminable: name must be provided"
        )
    if found != name:
        raise bad_request(f"the name of the object ({found}) does not match the name on the URL ({name})")


def fill_new(metadata: JsonObject, chance: random.Random, now: str) -> None:
    """Give a new object what only the server sets, whatever the request says of it."""
    wipe(metadata)
    metadata["uid"] = new_uid(chance)
    metadata["creationTimestamp"] = now


def wipe(metadata: JsonObject) -> None:
    """Take from a new object's metadata what only the server says, before anybody comes to own it."""
    for key in ("deletionTimestamp", "deletionGracePeriodSeconds", "selfLink"):
        metadata.pop(key, None)


def keep_old(metadata: JsonObject, old: JsonObject) -> None:
    """Carry over what an update cannot change or may leave out."""
    for key in ("creationTimestamp", "generation", "selfLink"):
        if key in old:
            metadata[key] = old[key]
        else:
            metadata.pop(key, None)
    if not metadata.get("uid"):
        metadata["uid"] = old["uid"]
    if "deletionTimestamp" in old:
        metadata["deletionTimestamp"] = old["deletionTimestamp"]
        if metadata.get("deletionGracePeriodSeconds") is None and "deletionGracePeriodSeconds" in old:
            metadata["deletionGracePeriodSeconds"] = old["deletionGracePeriodSeconds"]


def without_double_owners(metadata: JsonObject) -> tuple[str, ...]:
    """Drop owner references that are there twice; returns the warning about them."""
    references = metadata.get("ownerReferences") or []
    kept: list[JsonObject] = []
    uids: dict[str, None] = {}
    for each in references:
        if each in kept:
            uids[each.get("uid", "")] = None
        else:
            kept.append(each)
    if not uids:
        return ()
    metadata["ownerReferences"] = kept
    return (f"{_DOUBLE_OWNERS}{', '.join(uids)}",)


def requested_revision(metadata: JsonObject) -> int:
    """Return the resource version that an update expects, 0 for none; raises `ApiError` 500 for nonsense."""
    text = metadata.get("resourceVersion") or "0"
    if not text.isdigit():
        raise internal(f'strconv.ParseUint: parsing "{text}": invalid syntax')
    return int(text)
