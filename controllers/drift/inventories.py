"""The inventories of one environment on one cluster, read again whenever one of their ConfigMaps changes."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from controllers.adapters.kube.client import KubeClient
from controllers.adapters.kube.wire import Listing
from controllers.drift.collection import Collection
from controllers.drift.place import number_of
from controllers.rollout.observer import CONFIG_MAPS
from gitops.errors import GitopsError, InvalidInput
from gitops.inventory import INVENTORY_OF, Inventory, from_config_maps, selector
from gitops.inventory.storage import APPLICATION
from gitops.objects import JsonObject

log = logging.getLogger(__name__)

# Application and namespace.
Where: TypeAlias = tuple[str, str]
Read: TypeAlias = Callable[[Where, Inventory | None], Awaitable[None]]
# Chunks of an inventory are written one after the other; one reading serves them all.
_GATHER_SECONDS = 0.02
# When an inventory is tried again that could not be read.
_AGAIN_SECONDS = 2.0


@dataclass(slots=True)
class Chunk:
    """One ConfigMap of an inventory. Its `body` is dropped once it was read: it is large."""

    where: Where
    name: str
    version: str
    body: JsonObject | None = field(compare=False, repr=False)


class Inventories:
    """`read` is given every inventory that was asked for, and again when it changed; None: there is none."""

    def __init__(
        self,
        environment: str,
        own: KubeClient,
        read: Read,
        ours: Callable[[Where, str], bool],
        turns: asyncio.Semaphore,
    ) -> None:
        """`ours` says of a resource version whether we wrote it ourselves, and so know what it says.

        `turns` are taken for work that needs much memory for a moment.
        """
        self._environment = environment
        self._own = own
        self._turns = turns
        self._read = read
        self._ours = ours
        self._clusters: dict[Where, str] = {}
        self._chunks: dict[Where, dict[str, Chunk]] = defaultdict(dict)
        self._unread: set[Where] = set()
        self._reading: asyncio.Task[None] | None = None
        self._stopped = False
        self._moved = asyncio.Event()
        self._collection: Collection[Chunk] = Collection(
            own, CONFIG_MAPS, f"{INVENTORY_OF}={environment}", _chunk, metadata_only=False
        )
        self._collection.on_change = self._changed
        self._collection.on_synced = self._listed
        self.on_blind: Callable[[], None] = lambda: None
        self._collection.on_blind = self._blinded

    def follow(self, clusters: Mapping[Where, str]) -> None:
        """Read these, each of the cluster of that name, and nothing else."""
        self._unread |= clusters.keys() - self._clusters.keys()
        self._clusters = dict(clusters)
        self._tell_moved()
        self._collection.cover(dict.fromkeys((namespace for _, namespace in clusters), self._own))
        self._wake()

    @property
    def synced(self) -> bool:
        """Whether all are read as far as is known, and news of them would be heard."""
        return self._collection.synced and not self._unread and not self.blind

    @property
    def blind(self) -> bool:
        """Whether they cannot be watched now."""
        return self._collection.blind

    async def reach(self, where: Where, listing: Listing) -> None:
        """Wait until what was given to `read` is at least as new as a list of the inventory's ConfigMaps.

        Returns at once for what is not followed (any more).
        """
        while where in self._clusters and not self._reached(where, listing):
            await self._moved.wait()

    def _reached(self, where: Where, listing: Listing) -> bool:
        """Whether all that the list shows was seen, and nothing is left that was deleted before it."""
        seen = number_of(self._collection.version(where[1]))
        listed = {
            str(body["metadata"]["name"]): number_of(str(body["metadata"].get("resourceVersion", "")))
            for body in listing.items
        }
        then = number_of(listing.resource_version)
        missed = [
            name
            for name, chunk in self._chunks.get(where, {}).items()
            if name not in listed and 0 <= number_of(chunk.version) <= then
        ]
        return where not in self._unread and max(listed.values(), default=-1) <= seen and not missed

    def _tell_moved(self) -> None:
        self._moved.set()
        self._moved = asyncio.Event()

    async def stop(self) -> None:
        """End the watch and the reading."""
        self._stopped = True
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.wait({self._reading})
        await self._collection.stop()

    def _changed(self, kind: str, chunk: Chunk) -> None:
        chunks = self._chunks[chunk.where]
        if kind == "DELETED":
            chunks.pop(chunk.name, None)
        else:
            chunks[chunk.name] = chunk
        if chunk.where in self._clusters:
            if self._ours(chunk.where, chunk.version):
                chunk.body = None
            else:
                self._unread.add(chunk.where)
                self._wake()
        self._tell_moved()

    def _listed(self) -> None:
        self._wake()
        self._tell_moved()

    def _blinded(self) -> None:
        self.on_blind()

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
                self._tell_moved()
                continue
            chunks = list(self._chunks.get(where, {}).values())
            try:
                bodies = await self._bodies(where, chunks)
                async with self._turns:  # a large one takes a lot of memory while it is read
                    inventory = await asyncio.to_thread(from_config_maps, bodies, cluster)
                await self._read(where, inventory)
            except InvalidInput as error:
                log.warning("drift of %s is not watched: %s", where[0], error)
            except GitopsError as error:
                log.debug("the inventory of %s is read later: %s", where[0], error)
                await asyncio.sleep(_AGAIN_SECONDS)
                continue
            del bodies
            for chunk in chunks:
                chunk.body = None
            if chunks == list(self._chunks.get(where, {}).values()):
                self._unread.discard(where)
            self._tell_moved()

    async def _bodies(self, where: Where, chunks: Iterable[Chunk]) -> tuple[JsonObject, ...]:
        """The ConfigMaps of an inventory: as the watch brought them where it brought all, else read again."""
        known = tuple(chunk.body for chunk in chunks if chunk.body is not None)
        if len(known) == len(tuple(chunks)):
            return known
        application, namespace = where
        chosen = selector(self._environment, application)
        return (await self._own.list(CONFIG_MAPS, namespace, label_selector=chosen)).items


def _chunk(body: JsonObject) -> Chunk:
    metadata = body["metadata"]
    application = str((metadata.get("labels") or {}).get(APPLICATION, ""))
    where = application, str(metadata.get("namespace") or "")
    return Chunk(where, str(metadata["name"]), str(metadata.get("resourceVersion", "")), body)
