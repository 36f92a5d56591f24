"""Who has to look when something changes: from each change of the store to keys of the work queue.

It sees every write of a cluster, so it reads no more of an object than it must: pods change most, and the
bytes of their canonical JSON tell the usual cases apart.
"""

from __future__ import annotations

from simcluster.api.deleting import FOREGROUND, ORPHAN
from simcluster.behaviour import garbage, volumes, workloads
from simcluster.behaviour.client import Client
from simcluster.behaviour.meta import deleting
from simcluster.behaviour.nodes import Kubelets, Placement
from simcluster.behaviour.owners import Place, Reference, References, controller_in
from simcluster.behaviour.queue import Key
from simcluster.behaviour.selecting import Selectors
from simcluster.bootstrap import ROOT_CERTIFICATES
from simcluster.store.records import Change

# Pods are placed and run before those are asked who count them; see `queue.Key`.
SCHEDULER, KUBELET, COUNTERS, DEPLOYMENTS, OTHERS, GARBAGE, NAMESPACES = range(7)
_SERVICES = "services"
_BUDGETS = "policy/poddisruptionbudgets"
_OWNERS = {
    "ReplicaSet": (COUNTERS, "apps/replicasets"),
    "ReplicationController": (COUNTERS, "replicationcontrollers"),
    "StatefulSet": (COUNTERS, "apps/statefulsets"),
    "DaemonSet": (COUNTERS, "apps/daemonsets"),
    "Job": (COUNTERS, "batch/jobs"),
    "Deployment": (DEPLOYMENTS, "apps/deployments"),
    "CronJob": (DEPLOYMENTS, "batch/cronjobs"),
}
_RANKS = {storage: rank for rank, storage in _OWNERS.values()} | {
    "nodes": KUBELET,
    _SERVICES: OTHERS,
    _BUDGETS: OTHERS,
    volumes.CLAIMS: SCHEDULER,
    volumes.VOLUMES: SCHEDULER,
    "namespaces": NAMESPACES,
}
_FURNITURE = (("serviceaccounts", "default"), ("configmaps", ROOT_CERTIFICATES))
_ADOPTERS = {
    "pods": ("apps/replicasets", "apps/statefulsets", "apps/daemonsets"),
    "apps/replicasets": ("apps/deployments",),
}
_DELETING = b'"deletionTimestamp":"'
_OWNED = b'"ownerReferences":['
_PLACED = b'"nodeName":"'
_ADDRESSED = b'"podIP":"'
_ENDED = (b'"phase":"Succeeded"', b'"phase":"Failed"')
# In canonical JSON a condition ends with these two keys.
_SIGNS = (_DELETING, _ADDRESSED, *_ENDED, b'"status":"True","type":"Ready"')


class Watcher:
    """Turns the changes of one cluster's store into keys."""

    __slots__ = ("_client", "_kubelets", "_placement", "_selectors")

    def __init__(self, client: Client, placement: Placement, kubelets: Kubelets) -> None:
        self._client = client
        self._placement = placement
        self._kubelets = kubelets
        self._selectors = Selectors()

    def see(self, change: Change) -> None:
        """Add the keys of all who have to look because of `change`."""
        now, gone = change.now, change.kind == "DELETED"
        storage = now.storage
        if storage == "events":
            return
        before, owners = self._client.owners.see(change)
        rank = _RANKS.get(storage)
        if storage == "namespaces" and change.before is None:
            rank = SCHEDULER  # pods need what each namespace has from the beginning
        if rank is not None and not gone:
            self._add(rank, storage, now.namespace, now.name)
        if (owners or before) and not (before is owners and _counts_alike(change)):
            self._see_owners(change, before, owners)
        if gone:
            self._see_gone(change, owners)
        elif _DELETING in now.body:
            self._see_deleting(change)
        self._see_kind(change, controller_in(owners))

    def _see_kind(self, change: Change, controller: Reference | None) -> None:
        storage = change.now.storage
        if storage == "pods":
            self._see_pod(change, controller)
        elif storage in (_SERVICES, _BUDGETS):
            self._selectors.see(change)
        elif storage == "nodes":
            self._see_nodes()
        elif storage in (volumes.CLAIMS, volumes.CLASSES):
            self._see_volumes(storage)
        if storage in _ADOPTERS and change.kind != "DELETED" and controller is None:
            self._see_orphan(change)

    def _add(self, rank: int, part: str, namespace: str, name: str) -> None:
        self._client.queue.add(Key(rank, part, namespace, name))

    def _add_controller(self, reference: Reference | None, namespace: str) -> None:
        if reference is not None and reference.kind in _OWNERS:
            rank, storage = _OWNERS[reference.kind]
            self._add(rank, storage, namespace, reference.name)

    def _see_owners(self, change: Change, before: References, now: References) -> None:
        namespace = change.now.namespace
        self._add_controller(controller_in(now), namespace)
        if before is now:
            return
        self._add_controller(controller_in(before), namespace)
        if now:
            obj = change.now.object()
            for reference in obj["metadata"]["ownerReferences"]:
                if garbage.owner_state(self._client, obj, reference) is not garbage.Owner.SOLID:
                    self._collect(Place(change.now.storage, namespace, change.now.name))

    def _see_gone(self, change: Change, owners: References) -> None:
        """Dependents follow, owners and namespaces that waited for it go on."""
        now = change.now
        for place in self._client.owners.dependents(now.uid):
            self._collect(place)
        for reference in owners:
            kind = self._client.api.registry.of(reference.api_version, reference.kind)
            if kind is not None:
                namespace = now.namespace if kind.namespaced else ""
                self._collect(Place(kind.storage, namespace, reference.name))
        if now.storage == volumes.CLAIMS:
            volume = (now.object().get("spec") or {}).get("volumeName")
            if volume:
                self._add(SCHEDULER, volumes.VOLUMES, "", volume)
        elif now.storage == _SERVICES:
            self._add(OTHERS, _SERVICES, now.namespace, now.name)
        home = self._client.store.get("namespaces", "", now.namespace) if now.namespace else None
        if home is not None and (_DELETING in home.body or (now.storage, now.name) in _FURNITURE):
            self._add(NAMESPACES, "namespaces", "", now.namespace)

    def _see_deleting(self, change: Change) -> None:
        obj = change.now.object()
        finalizers = obj["metadata"].get("finalizers") or ()
        if not deleting(obj) or not (FOREGROUND in finalizers or ORPHAN in finalizers):
            return
        self._collect(Place(change.now.storage, change.now.namespace, change.now.name))
        if FOREGROUND in finalizers:
            for place in self._client.owners.dependents(change.now.uid):
                self._collect(place)

    def _collect(self, place: Place) -> None:
        self._client.queue.add(garbage.key(GARBAGE, place))

    def _see_pod(self, change: Change, controller: Reference | None) -> None:
        now, gone = change.now, change.kind == "DELETED"
        if gone:
            self._placement.gone(now.uid)
            self._kubelets.forget(now.uid)
            self._retry_waiting()
            for claim in volumes.claimed(now.object()):
                self._add(SCHEDULER, volumes.CLAIMS, now.namespace, claim)
            if controller is not None and controller.kind == "ReplicaSet":
                self._see_replica_gone(now.namespace, controller)
        elif _PLACED not in now.body and _DELETING not in now.body:
            if change.before is None:
                self._add(SCHEDULER, "scheduler", now.namespace, now.name)
        else:
            fresh = change.before is None or _PLACED not in change.before.body
            if fresh or any(mark in now.body for mark in _ENDED):
                self._placement.see(now.object())
            if fresh or _DELETING in now.body:
                self._add(KUBELET, "kubelet", now.namespace, now.name)
        if not _counts_alike(change):
            if gone or _ADDRESSED in now.body:
                self._add_selecting(change, _SERVICES)
            self._add_selecting(change, _BUDGETS)

    def _add_selecting(self, change: Change, storage: str) -> None:
        names = self._selectors.matching(storage, change.now.namespace, change.now.labels)
        if change.before is not None and change.before.labels != change.now.labels:
            names |= self._selectors.matching(storage, change.now.namespace, change.before.labels)
        for name in sorted(names):
            self._add(OTHERS, storage, change.now.namespace, name)

    def _see_replica_gone(self, namespace: str, controller: Reference) -> None:
        """A Recreate waits for old pods to be gone."""
        owner = self._client.owners.of(Place("apps/replicasets", namespace, controller.name))
        self._add_controller(controller_in(owner), namespace)

    def _see_orphan(self, change: Change) -> None:
        """Let who would adopt an orphan look at it, once for each set of labels that it has."""
        before = change.before
        if before is not None and before.labels == change.now.labels and _OWNED not in before.body:
            return
        orphan = change.now.object()
        for storage in _ADOPTERS[change.now.storage]:
            owner = workloads.orphans_owner(self._client, orphan, storage)
            if owner is not None:
                self._add(_RANKS[storage], storage, change.now.namespace, owner["metadata"]["name"])

    def _see_nodes(self) -> None:
        self._client.see_nodes()
        self._placement.see_nodes()
        self._retry_waiting()
        for stored in self._client.store.items("apps/daemonsets"):
            self._add(COUNTERS, "apps/daemonsets", stored.namespace, stored.name)

    def _see_volumes(self, storage: str) -> None:
        self._retry_waiting()
        if storage == volumes.CLASSES:
            for claim in self._client.store.items(volumes.CLAIMS):
                self._add(SCHEDULER, volumes.CLAIMS, claim.namespace, claim.name)

    def _retry_waiting(self) -> None:
        for namespace, name in self._placement.waiting:
            self._add(SCHEDULER, "scheduler", namespace, name)


def _counts_alike(change: Change) -> bool:
    """Tell whether a pod is what it was to all who count pods: as ready, as alive, of the same labels."""
    before, now = change.before, change.now
    if before is None or change.kind == "DELETED" or now.storage != "pods" or before.labels != now.labels:
        return False
    return all((sign in before.body) == (sign in now.body) for sign in _SIGNS)
