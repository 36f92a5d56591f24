"""The roles and bindings that every cluster starts with, in records that all clusters of a process share.

`policy.json` holds what kube-apiserver 1.37 makes at its first start, less the roles of single controllers.
"""

from __future__ import annotations

import uuid
from functools import cache
from pathlib import Path

import orjson

from simcluster.store.records import Stored, stored

_POLICY = Path(__file__).parent / "policy.json"
_STORAGES = {
    "ClusterRole": "rbac.authorization.k8s.io/clusterroles",
    "ClusterRoleBinding": "rbac.authorization.k8s.io/clusterrolebindings",
    "Role": "rbac.authorization.k8s.io/roles",
    "RoleBinding": "rbac.authorization.k8s.io/rolebindings",
}
_MADE = "2026-01-01T00:00:00Z"
_SPACE = uuid.UUID("8c0ff3d5-5d0b-4a3f-9d07-6a8f5b0e7a11")


@cache
def records(revision: int = 1) -> tuple[Stored, ...]:
    """Return the records to seed a store with; the same ones at every call."""
    found = []
    for obj in orjson.loads(_POLICY.read_bytes()):
        metadata = obj["metadata"]
        storage = _STORAGES[obj["kind"]]
        identity = f"{storage}/{metadata.get('namespace', '')}/{metadata['name']}"
        metadata["uid"] = str(uuid.uuid5(_SPACE, identity))
        metadata["creationTimestamp"] = _MADE
        found.append(stored(storage, obj, revision))
    return tuple(found)
