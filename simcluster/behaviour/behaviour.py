"""One cluster's controllers, scheduler and kubelets: every change of the store leads to keys to look at."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta
from random import Random
from typing import Any, TypeAlias

import orjson

from simcluster.api.api import Api
from simcluster.behaviour import (
    batch,
    daemons,
    disruption,
    endpoints,
    garbage,
    namespaces,
    nodes,
    stateful,
    volumes,
    workloads,
)
from simcluster.behaviour.client import NOT_FOUND, Client
from simcluster.behaviour.meta import controller_of, deleting, spec_of
from simcluster.behaviour.owners import Place, may_have_owners
from simcluster.behaviour.queue import Key, WorkQueue
from simcluster.clock import Clock
from simcluster.errors import ApiError
from simcluster.store.records import Change
from simcluster.store.store import Store

JsonObject: TypeAlias = dict[str, Any]
Part: TypeAlias = Callable[[Client, Key], None]
_LOG = logging.getLogger(__name__)
_RETRIES = 15

# Pods are placed and run before those are asked who count them; see `queue.Key`.
_SCHEDULER, _KUBELET, _PODS_OWNERS, _DEPLOYMENTS, _OTHERS, _GARBAGE, _NAMESPACES = range(7)
_OWNERS = {
    "ReplicaSet": (_PODS_OWNERS, "apps/replicasets"),
    "ReplicationController": (_PODS_OWNERS, "replicationcontrollers"),
    "StatefulSet": (_PODS_OWNERS, "apps/statefulsets"),
    "DaemonSet": (_PODS_OWNERS, "apps/daemonsets"),
    "Job": (_PODS_OWNERS, "batch/jobs"),
    "Deployment": (_DEPLOYMENTS, "apps/deployments"),
    "CronJob": (_DEPLOYMENTS, "batch/cronjobs"),
}
_RANKS = {storage: rank for rank, storage in _OWNERS.values()} | {
    "nodes": _KUBELET,
    "services": _OTHERS,
    "policy/poddisruptionbudgets": _OTHERS,
    volumes.CLAIMS: _SCHEDULER,
    volumes.VOLUMES: _SCHEDULER,
    "namespaces": _NAMESPACES,
}


class Behaviour:
    """What lives in one cluster. It follows the store from its construction until `close`."""

    __slots__ = ("_client", "_closed", "_failures", "_kubelets", "_parts", "_placement", "_queue", "_store")

    def __init__(self, api: Api, store: Store, clock: Clock, random: Random) -> None:
        self._store = store
        self._queue = WorkQueue(clock, self._work)
        self._client = Client(api, store, self._queue, random)
        self._placement = nodes.Placement(self._client)
        self._kubelets = nodes.Kubelets(self._client)
        self._failures: dict[Key, int] = {}
        self._closed = False
        self._parts: dict[str, Part] = {
            "scheduler": self._placement.sync,
            "kubelet": self._kubelets.sync,
            "nodes": nodes.sync_node,
            "apps/deployments": workloads.sync_deployment,
            "apps/replicasets": workloads.sync_replica_set,
            "replicationcontrollers": workloads.sync_replication_controller,
            "apps/statefulsets": stateful.sync,
            "apps/daemonsets": daemons.sync,
            "batch/jobs": batch.sync_job,
            "batch/cronjobs": batch.sync_cron_job,
            "services": endpoints.sync,
            "policy/poddisruptionbudgets": disruption.sync,
            volumes.CLAIMS: volumes.sync_claim,
            volumes.VOLUMES: volumes.sync_volume,
            "namespaces": namespaces.sync,
            "garbage": garbage.sync,
        }
        self._catch_up()
        store.on_change(self._see)

    def close(self) -> None:
        """Do nothing any more."""
        self._closed = True
        self._queue.close()

    @property
    def idle(self) -> bool:
        """Nothing is to be done now; something may be due later."""
        return self._queue.idle

    def _catch_up(self) -> None:
        """Look at what the store holds already, as after a restart."""
        for storage in self._store.storages():
            for stored in self._store.items(storage):
                self._see(Change("ADDED", stored, None))

    def _see(self, change: Change) -> None:
        if self._closed:
            return
        now = change.now
        storage = now.storage
        owned = may_have_owners(now.body)
        before = change.before
        obj: JsonObject | None = None
        if owned or storage in ("pods", "namespaces") or b'"deletionTimestamp"' in now.body:
            obj = orjson.loads(now.body)
        self._client.owners.see(change, obj)
        rank = _RANKS.get(storage)
        if rank is not None and change.kind != "DELETED":
            self._add(rank, storage, now.namespace, now.name)
        if obj is not None and owned:
            self._see_owned(change, obj)
        if before is not None and change.kind == "MODIFIED" and owned != may_have_owners(before.body):
            self._see_orphaning(before.object())
        self._see_collectable(change, obj)
        self._see_special(change, obj)

    def _add(self, rank: int, part: str, namespace: str, name: str) -> None:
        self._queue.add(Key(rank, part, namespace, name))

    def _see_owned(self, change: Change, obj: JsonObject) -> None:
        """Who controls an object looks when it changes; who only owns it, when it comes or goes."""
        controller = controller_of(obj)
        if controller is not None and controller["kind"] in _OWNERS:
            rank, storage = _OWNERS[controller["kind"]]
            self._add(rank, storage, change.now.namespace, controller["name"])
        if change.kind == "DELETED":
            for reference in obj["metadata"].get("ownerReferences") or ():
                self._collect_owner(obj, reference)
        elif change.before is None:
            for reference in obj["metadata"]["ownerReferences"]:
                state = garbage.owner_state(self._client, obj, reference)
                if state is not garbage.Owner.SOLID:
                    self._collect(Place(change.now.storage, change.now.namespace, change.now.name))

    def _see_orphaning(self, before: JsonObject) -> None:
        controller = controller_of(before)
        if controller is not None and controller["kind"] in _OWNERS:
            rank, storage = _OWNERS[controller["kind"]]
            self._add(rank, storage, before["metadata"].get("namespace", ""), controller["name"])

    def _collect(self, place: Place) -> None:
        self._queue.add(garbage.key(_GARBAGE, place))

    def _collect_owner(self, obj: JsonObject, reference: JsonObject) -> None:
        kind = self._client.api.registry.of(reference["apiVersion"], reference["kind"])
        if kind is not None:
            namespace = obj["metadata"].get("namespace", "") if kind.namespaced else ""
            self._collect(Place(kind.storage, namespace, reference["name"]))

    def _see_collectable(self, change: Change, obj: JsonObject | None) -> None:
        if change.kind == "DELETED":
            for place in self._client.owners.dependents(change.now.uid):
                self._collect(place)
        elif obj is not None and deleting(obj) and obj["metadata"].get("finalizers"):
            self._collect(Place(change.now.storage, change.now.namespace, change.now.name))
            if garbage.FOREGROUND in obj["metadata"]["finalizers"]:
                for place in self._client.owners.dependents(change.now.uid):
                    self._collect(place)

    def _see_special(self, change: Change, obj: JsonObject | None) -> None:
        storage = change.now.storage
        if storage == "pods" and obj is not None:
            self._see_pod(change, obj)
        elif storage == "nodes":
            self._see_nodes()
        elif storage in (volumes.CLAIMS, volumes.CLASSES):
            self._retry_waiting()
            if storage == volumes.CLASSES:
                for claim in self._store.items(volumes.CLAIMS):
                    self._add(_SCHEDULER, volumes.CLAIMS, claim.namespace, claim.name)
        if change.kind == "DELETED":
            self._see_gone(change)

    def _see_pod(self, change: Change, pod: JsonObject) -> None:
        namespace, name = change.now.namespace, change.now.name
        gone = change.kind == "DELETED"
        self._placement.see(pod, gone=gone)
        if gone:
            self._kubelets.forget(change.now.uid)
            self._retry_waiting()
            for claim in volumes.claimed(pod):
                self._add(_SCHEDULER, volumes.CLAIMS, namespace, claim)
        elif not spec_of(pod).get("nodeName") and not deleting(pod):
            if change.before is None:
                self._add(_SCHEDULER, "scheduler", namespace, name)
        else:
            self._add(_KUBELET, "kubelet", namespace, name)
        for storage in ("services", "policy/poddisruptionbudgets"):
            for stored in endpoints.selecting(self._store, storage, change):
                self._add(_OTHERS, storage, stored.namespace, stored.name)
        controller = controller_of(pod)
        if controller is None:
            self._adopt(pod)
        elif controller["kind"] == "ReplicaSet" and gone:
            owner = self._store.get("apps/replicasets", namespace, controller["name"])
            if owner is not None:
                self._see_orphaning(owner.object())  # a Recreate waits for its pods to be gone

    def _adopt(self, orphan: JsonObject) -> None:
        """Let who would adopt an orphan look at it."""
        for storage in ("apps/replicasets", "apps/statefulsets", "apps/daemonsets"):
            owner = workloads.orphans_owner(self._client, orphan, storage)
            if owner is not None:
                rank = _RANKS[storage]
                self._add(rank, storage, owner["metadata"]["namespace"], owner["metadata"]["name"])

    def _see_nodes(self) -> None:
        self._retry_waiting()
        for stored in self._store.items("apps/daemonsets"):
            self._add(_PODS_OWNERS, "apps/daemonsets", stored.namespace, stored.name)

    def _see_gone(self, change: Change) -> None:
        namespace, storage, name = change.now.namespace, change.now.storage, change.now.name
        if storage == volumes.CLAIMS:
            volume = (orjson.loads(change.now.body).get("spec") or {}).get("volumeName")
            if volume:
                self._add(_SCHEDULER, volumes.VOLUMES, "", volume)
        elif storage == "services":
            self._add(_OTHERS, "services", namespace, name)
        home = self._store.get("namespaces", "", namespace) if namespace else None
        if home is not None and (
            b'"deletionTimestamp"' in home.body
            or (storage, name)
            in (("serviceaccounts", "default"), ("configmaps", namespaces.ROOT_CERTIFICATES))
        ):
            self._add(_NAMESPACES, "namespaces", "", namespace)

    def _retry_waiting(self) -> None:
        for namespace, name in self._placement.waiting:
            self._add(_SCHEDULER, "scheduler", namespace, name)

    def _work(self, key: Key) -> None:
        try:
            self._parts[key.part](self._client, key)
        except ApiError as error:
            self._retry(key, error)
        else:
            if self._failures:
                self._failures.pop(key, None)

    def _retry(self, key: Key, error: ApiError) -> None:
        """Look again after a while: 1, 2, 4, … at most 64 seconds; what is gone is not looked at again."""
        if error.code == NOT_FOUND:
            return
        count = self._failures.get(key, 0)
        _LOG.debug("%s %s/%s was refused: %s", key.part, key.namespace, key.name, error)
        if count >= _RETRIES:
            del self._failures[key]
            return
        self._failures[key] = count + 1
        at = self._queue.now + timedelta(seconds=2 ** min(count, 6))
        self._queue.at(at, lambda: self._queue.add(key))
