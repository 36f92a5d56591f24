"""What is seen of the kinds that inventories name: metadata of objects that carry the environment's label."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import TypeAlias

from controllers.adapters.kube.client import KubeClient
from controllers.drift.collection import Collection
from controllers.drift.place import trimmed
from gitops.drift import Sight
from gitops.errors import GitopsError
from gitops.objects import GroupKind, ObjectKey
from gitops.ownership import ENVIRONMENT

log = logging.getLogger(__name__)

_Kept: TypeAlias = tuple[str, str, Sight]
# How long until a kind that could not be watched is tried again.
_AGAIN_SECONDS = 30.0


class Sightings:
    """One cluster. `seen` is called for each object that changed, `listed` for each kind that was listed."""

    def __init__(
        self,
        environment: str,
        own: KubeClient,
        seen: Callable[[ObjectKey], None],
        listed: Callable[[GroupKind], None],
    ) -> None:
        self._selector = f"{ENVIRONMENT}={environment}"
        self._own = own
        self._tell_seen = seen
        self._tell_listed = listed
        self._wanted: Mapping[GroupKind, Mapping[str, KubeClient]] = {}
        self._collections: dict[GroupKind, Collection[_Kept]] = {}
        self._ending: set[asyncio.Task[None]] = set()
        self._again: asyncio.Task[None] | None = None
        self._stopped = False

    async def cover(self, wanted: Mapping[GroupKind, Mapping[str, KubeClient]]) -> None:
        """Watch exactly these kinds, in these namespaces at least, there with these clients."""
        self._wanted = wanted
        for kind in sorted(self._collections.keys() - wanted.keys()):
            task = asyncio.ensure_future(self._collections.pop(kind).stop())
            self._ending.add(task)
            task.add_done_callback(self._ending.discard)
        complete = True
        for kind, clients in sorted(wanted.items()):
            foreign = any(client is not self._own for client in clients.values())
            collection = self._collections.get(kind) or await self._collection(kind, foreign=foreign)
            if collection is not None:
                collection.cover(clients)
            complete = complete and collection is not None
        if not complete and self._again is None and not self._stopped:
            self._again = asyncio.create_task(self._cover_again(), name="watch what could not be watched")

    def find(self, key: ObjectKey) -> Sight | None:
        """What is seen of an object now; None where nothing is."""
        collection = self._collections.get(key.group_kind)
        kept = collection.find(key.namespace, key.name) if collection is not None else None
        return kept[2] if kept is not None else None

    def sees(self, kind: GroupKind, namespace: str) -> bool:
        """Whether the kind was listed there, so that what was not seen is not there."""
        collection = self._collections.get(kind)
        return collection is not None and collection.sees(namespace)

    async def stop(self) -> None:
        """End every watch."""
        self._stopped = True
        if self._again is not None:
            self._again.cancel()
            await asyncio.wait({self._again})
        await asyncio.gather(*(one.stop() for one in self._collections.values()))
        if self._ending:
            await asyncio.wait(self._ending)

    async def _cover_again(self) -> None:
        await asyncio.sleep(_AGAIN_SECONDS)
        self._again = None
        await self.cover(self._wanted)

    async def _collection(self, kind: GroupKind, *, foreign: bool) -> Collection[_Kept] | None:
        """A service account's rights end at its namespace, so there is no use in trying all of them."""
        try:
            resource = (await self._own.discovery()).preferred(kind)
            if resource is None:
                resource = (await self._own.discovery(refresh=True)).preferred(kind)
        except GitopsError as error:
            log.debug("%s is not watched: %s", kind, error)
            return None
        if resource is None or self._stopped:
            return None
        everywhere = None if foreign else self._own
        collection: Collection[_Kept] = Collection(everywhere, resource, self._selector, trimmed)

        def changed(_type: str, kept: _Kept) -> None:
            self._tell_seen(ObjectKey(*kind, kept[0], kept[1]))

        collection.on_change = changed
        collection.on_synced = lambda: self._tell_listed(kind)
        self._collections[kind] = collection
        return collection
