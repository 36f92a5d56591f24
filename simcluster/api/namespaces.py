"""What namespaces allow: content only where they are and stay; three stay for ever (NamespaceLifecycle)."""

from __future__ import annotations

from simcluster.api.core import Core
from simcluster.errors import ApiError, forbidden, not_found
from simcluster.kinds.kind import Kind

KIND = "namespaces"
_FOR_EVER = frozenset({"default", "kube-system", "kube-public"})


def check_open(core: Core, kind: Kind, namespace: str, name: str) -> None:
    """Let an object be created in `namespace`; `ApiError` 404 where there is none, 403 while it ends."""
    if not kind.namespaced:
        return
    found = core.store.get(KIND, "", namespace)
    if found is None:
        raise not_found(KIND, "", namespace)
    if b'"deletionTimestamp":' in found.body and "deletionTimestamp" in found.object()["metadata"]:
        raise _terminating(kind, namespace, name)


def check_deletable(kind: Kind, name: str) -> None:
    """Raise `ApiError` 403 for the namespaces that a cluster cannot be without."""
    if kind.storage == KIND and name in _FOR_EVER:
        raise forbidden(KIND, "", name, "this namespace may not be deleted")


def _terminating(kind: Kind, namespace: str, name: str) -> ApiError:
    because = f"unable to create new content in namespace {namespace} because it is being terminated"
    error = forbidden(kind.plural, kind.group, name, because)
    error.status["details"]["causes"] = [
        {
            "reason": "NamespaceTerminating",
            "message": f"namespace {namespace} is being terminated",
            "field": "metadata.namespace",
        }
    ]
    return error
