"""Namespaces: what each has from the beginning, and how one ends: pods first, then all else, then itself."""

from __future__ import annotations

from datetime import datetime

from simcluster.behaviour.client import CONFLICT, Client, Component
from simcluster.behaviour.meta import condition_in, deleting, new_condition, spec_of, status_of
from simcluster.behaviour.queue import Key
from simcluster.bootstrap import ROOT_CERTIFICATES, certificates
from simcluster.errors import ApiError, qualified
from simcluster.kinds.kind import Kind
from simcluster.values import JsonObject

NAMESPACES = "namespaces"
_FINALIZER = "kubernetes"
_CONTROLLER = Component("namespace-controller")
# What conditions say (status, reason, message) of what always succeeds here, and of what is over.
_DONE = {
    "NamespaceDeletionDiscoveryFailure": (
        "False",
        "ResourcesDiscovered",
        "All resources successfully discovered",
    ),
    "NamespaceDeletionGroupVersionParsingFailure": (
        "False",
        "ParsedGroupVersions",
        "All legacy kube types successfully parsed",
    ),
    "NamespaceDeletionContentFailure": (
        "False",
        "ContentDeleted",
        "All content successfully deleted, may be waiting on finalization",
    ),
}
_CONTENT_REMOVED = ("False", "ContentRemoved", "All content successfully removed")
_FINALIZERS_FINISHED = ("False", "ContentHasNoFinalizers", "All content-preserving finalizers finished")


def sync(client: Client, key: Key) -> None:
    """Give a namespace what each has, or bring one that is deleted a step nearer to its end."""
    found = client.get(NAMESPACES, "", key.name)
    if found is None:
        return
    if deleting(found):
        _empty(client, found)
    else:
        _furnish(client, key.name)


def _furnish(client: Client, namespace: str) -> None:
    account = {"name": "default", "namespace": namespace}
    if client.store.get("serviceaccounts", namespace, "default") is None:
        _create(client, {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": account})
    if client.store.get("configmaps", namespace, ROOT_CERTIFICATES) is None:
        _create(client, {"apiVersion": "v1", "kind": "ConfigMap", **certificates(namespace)})


def _create(client: Client, obj: JsonObject) -> None:
    try:
        client.create(obj, _CONTROLLER)
    except ApiError as error:
        if error.code != CONFLICT:
            raise


def _empty(client: Client, namespace: JsonObject) -> None:
    if _FINALIZER not in (spec_of(namespace).get("finalizers") or ()):
        return
    name = namespace["metadata"]["name"]
    kinds = _contents(client, name)
    pods = [kind for kind in kinds if kind.storage == "pods"]
    for kind in pods or kinds:
        for stored in client.store.items(kind.storage, name):
            obj = stored.object()
            if not deleting(obj):
                client.delete(obj, "Background")
    left = _left(client, name, kinds)
    if not any(left.values()):
        rest = [each for each in namespace["spec"]["finalizers"] if each != _FINALIZER]
        current = client.get(NAMESPACES, "", name)
        if current is not None:
            client.update(
                {**current, "spec": {**current["spec"], "finalizers": rest}}, _CONTROLLER, "finalize"
            )
        return
    conditions = conditions_of(namespace, left, client.now)
    if conditions != status_of(namespace).get("conditions"):
        status = {**status_of(namespace), "conditions": conditions}
        client.update_status(namespace, status, _CONTROLLER)


def _contents(client: Client, namespace: str) -> list[Kind]:
    """Return one kind of each storage that holds something in the namespace and can be deleted from."""
    found: dict[str, Kind] = {}
    for kind in client.api.registry.kinds():
        if kind.namespaced and "delete" in kind.verbs and kind.storage not in found:
            found[kind.storage] = kind
    return [kind for storage, kind in found.items() if client.store.items(storage, namespace)]


def _left(client: Client, namespace: str, kinds: list[Kind]) -> dict[str, list[JsonObject]]:
    return {
        qualified(kind.plural, kind.group): client.items(kind.storage, namespace)
        for kind in kinds
        if client.store.items(kind.storage, namespace)
    }


def conditions_of(
    namespace: JsonObject, left: dict[str, list[JsonObject]], now: datetime
) -> list[JsonObject]:
    """Return the conditions of a namespace that cannot go yet; `left` are the objects by resource."""
    counts: dict[str, int] = {}
    for objects in left.values():
        for obj in objects:
            for finalizer in obj["metadata"].get("finalizers") or ():
                counts[finalizer] = counts.get(finalizer, 0) + 1
    resources = ", ".join(
        f"{name}. has {len(left[name])} resource instances" for name in sorted(left) if left[name]
    )
    finalizers = ", ".join(f"{name} in {count} resource instances" for name, count in sorted(counts.items()))
    content, finalized = _CONTENT_REMOVED, _FINALIZERS_FINISHED
    if resources:
        content = ("True", "SomeResourcesRemain", f"Some resources are remaining: {resources}")
    if finalizers:
        message = f"Some content in the namespace has finalizers remaining: {finalizers}"
        finalized = ("True", "SomeFinalizersRemain", message)
    told = {**_DONE, "NamespaceContentRemaining": content, "NamespaceFinalizersRemaining": finalized}
    before = status_of(namespace).get("conditions") or ()
    conditions = []
    for kind, (state, reason, message) in told.items():
        found = new_condition(kind, state, reason, message, now)
        old = condition_in(before, kind)
        if old is not None and old["status"] == state:
            found["lastTransitionTime"] = old["lastTransitionTime"]
        conditions.append(found)
    return conditions
