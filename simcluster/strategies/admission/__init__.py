"""What the server's default admission plugins put into new objects, and what they refuse."""

from __future__ import annotations

from simcluster.kinds.kind import Kind
from simcluster.strategies.admission import pods, storage
from simcluster.strategies.context import Context
from simcluster.values import JsonObject


def admit_update(new: JsonObject, old: JsonObject, kind: Kind) -> None:
    """Complete a changed object in place."""
    if kind.group_resource == "pods":
        pods.admit_update(new, old)


def admit_create(obj: JsonObject, kind: Kind, context: Context) -> None:
    """Complete a new object in place. Raises `ApiError` (403 or 404) for what a plugin refuses."""
    match kind.group_resource:
        case "pods":
            pods.admit(obj, context)
        case "persistentvolumeclaims":
            storage.admit_claim(obj, context)
        case "persistentvolumes":
            storage.protect_volume(obj)
        case "ingresses.networking.k8s.io":
            storage.admit_ingress(obj, context)
