"""One cluster's controllers, scheduler and kubelets: every change of the store leads to keys to look at."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import timedelta
from random import Random
from types import MappingProxyType
from typing import TypeAlias

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
from simcluster.behaviour.queue import Key, WorkQueue
from simcluster.behaviour.watcher import Watcher
from simcluster.clock import Clock
from simcluster.errors import ApiError
from simcluster.store.records import Change
from simcluster.store.store import Store

Part: TypeAlias = Callable[[Client, Key], None]
_LOG = logging.getLogger(__name__)
_RETRIES = 15

_PARTS: Mapping[str, Part] = MappingProxyType(
    {
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
)


class Behaviour:
    """What lives in one cluster. It follows the store from its construction until `close`."""

    __slots__ = ("_failures", "_held", "_parts", "_queue", "_started", "_store", "_watcher", "client")

    def __init__(self, api: Api, store: Store, clock: Clock, random: Random) -> None:
        self._store = store
        self._queue = WorkQueue(clock, self._work)
        self.client = Client(api, store, self._queue, random)
        placement = nodes.Placement(self.client)
        kubelets = nodes.Kubelets(self.client)
        self._watcher = Watcher(self.client, placement, kubelets)
        self._parts: dict[str, Part] = {"scheduler": placement.sync, "kubelet": kubelets.sync}
        self._failures: dict[Key, int] = {}
        self._held: dict[Key, None] | None = None
        self._started = False
        store.on_change(self._see)

    def close(self) -> None:
        """Do nothing any more."""
        self._queue.close()

    def pause_controllers(self) -> None:
        """Let what the controllers would do wait for `resume_controllers`; pods are placed and run on."""
        if self._held is None:
            self._held = {}

    def resume_controllers(self) -> None:
        """Undo `pause_controllers`."""
        held, self._held = self._held or {}, None
        for key in held:
            self._queue.add(key)

    @property
    def idle(self) -> bool:
        """Nothing is to be done now; something may be due later."""
        return self._queue.idle

    def _see(self, change: Change) -> None:
        """Follow a change. Only the first makes it look at what was there before: idle ones cost nothing."""
        if self._started:
            self._watcher.see(change)
            return
        self._started = True
        for storage in self._store.storages():
            for stored in self._store.items(storage):
                self._watcher.see(Change("ADDED", stored, None))
        if change.kind == "DELETED":
            self._watcher.see(change)

    def _work(self, key: Key) -> None:
        try:
            part = self._parts.get(key.part)
            if part is None:
                if self._held is not None:
                    self._held[key] = None
                    return
                part = _PARTS[key.part]
            part(self.client, key)
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
        self._queue.again(key, at)
