"""The inventories of one environment on one cluster, read again whenever one of their ConfigMaps changes."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeAlias

from controllers.adapters.kube.client import KubeClient
from controllers.drift.collection import Collection
from controllers.rollout.observer import CONFIG_MAPS
from gitops.errors import InvalidInput
from gitops.inventory import INVENTORY_OF, Inventory, from_config_maps
from gitops.inventory.storage import APPLICATION
from gitops.objects import JsonObject

log = logging.getLogger(__name__)

# Application and namespace.
Where: TypeAlias = tuple[str, str]
Read: TypeAlias = Callable[[Where, Inventory | None], Awaitable[None]]
# Chunks of an inventory are written one after the other; one reading serves them all.
_GATHER_SECONDS = 0.02


class Inventories:
    """`read` is given every inventory that was asked for, and again when it changed; None: there is none."""

    def __init__(
        self, environment: str, own: KubeClient, read: Read, ours: Callable[[Where, str], bool]
    ) -> None:
        """`ours` says of a resource version whether we wrote it ourselves, and so know what it says."""
        self._own = own
        self._read = read
        self._ours = ours
        self._clusters: dict[Where, str] = {}
        self._chunks: dict[Where, dict[str, JsonObject]] = defaultdict(dict)
        self._unread: set[Where] = set()
        self._reading: asyncio.Task[None] | None = None
        self._stopped = False
        self._collection: Collection[JsonObject] = Collection(
            own, CONFIG_MAPS, f"{INVENTORY_OF}={environment}", lambda body: body, metadata_only=False
        )
        self._collection.on_change = self._changed
        self._collection.on_synced = self._wake

    def follow(self, clusters: Mapping[Where, str]) -> None:
        """Read these, each of the cluster of that name, and nothing else."""
        self._unread |= clusters.keys() - self._clusters.keys()
        self._clusters = dict(clusters)
        self._collection.cover(dict.fromkeys((namespace for _, namespace in clusters), self._own))
        self._wake()

    @property
    def synced(self) -> bool:
        """Whether all are read as far as is known."""
        return self._collection.synced and not self._unread

    async def stop(self) -> None:
        """End the watch and the reading."""
        self._stopped = True
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.wait({self._reading})
        await self._collection.stop()

    def _changed(self, kind: str, body: JsonObject) -> None:
        metadata = body["metadata"]
        application = str((metadata.get("labels") or {}).get(APPLICATION, ""))
        where = application, str(metadata.get("namespace") or "")
        if kind == "DELETED":
            self._chunks[where].pop(str(metadata["name"]), None)
        else:
            self._chunks[where][str(metadata["name"])] = body
        if where in self._clusters and not self._ours(where, str(metadata.get("resourceVersion", ""))):
            self._unread.add(where)
            self._wake()

    def _wake(self) -> None:
        if self._unread and not self._stopped and (self._reading is None or self._reading.done()):
            self._reading = asyncio.create_task(self._read_all(), name="read inventories")

    async def _read_all(self) -> None:
        while self._unread and self._collection.synced:
            await asyncio.sleep(_GATHER_SECONDS)
            where = min(self._unread)
            cluster = self._clusters.get(where)
            if cluster is None:
                self._unread.discard(where)
                continue
            chunks = list(self._chunks.get(where, {}).values())
            try:
                inventory = await asyncio.to_thread(from_config_maps, chunks, cluster)
                await self._read(where, inventory)
            except InvalidInput as error:
                log.warning("drift of %s is not watched: %s", where[0], error)
            if chunks == list(self._chunks.get(where, {}).values()):
                self._unread.discard(where)
