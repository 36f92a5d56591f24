"""What is seen of the kinds that inventories name: metadata of objects that carry the environment's label."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Iterable, Mapping

from controllers.adapters.kube.client import KubeClient
from controllers.adapters.kube.resources import Resource
from controllers.drift.collection import Collection, Seen
from controllers.drift.habits import Habits
from controllers.drift.place import trimmed
from controllers.drift.snapshots import Kept, Snapshot, WatchName
from controllers.drift.tasks import Tasks
from gitops.drift import Sight
from gitops.errors import GitopsError
from gitops.objects import GroupKind, ObjectKey
from gitops.ownership import ENVIRONMENT

log = logging.getLogger(__name__)

# How long until a kind that could not be watched is tried again.
_AGAIN_SECONDS = 30.0
# Servers keep what happened for five minutes at least; a watch that is noted down later is listed anew.
_NOTE_SECONDS = 240.0


class Sightings:
    """One cluster. `seen` is called for each object that changed, `listed` for each kind that was listed."""

    def __init__(
        self,
        environment: str,
        own: KubeClient,
        seen: Callable[[ObjectKey], None],
        listed: Callable[[GroupKind], None],
        habits: Habits,
    ) -> None:
        self.on_blind: Callable[[], None] = lambda: None
        self._environment = environment
        self._snapshots = habits.snapshots
        self._turns = habits.turns
        self._noted: dict[WatchName, str] = {}
        self._noting: asyncio.Task[None] | None = None
        self._selector = f"{ENVIRONMENT}={environment}"
        self._own = own
        self._tell_seen = seen
        self._tell_listed = listed
        self._wanted: Mapping[GroupKind, Mapping[str, KubeClient]] = {}
        self._collections: dict[GroupKind, Collection[Kept]] = {}
        self._ending = Tasks()
        self._again: asyncio.Task[None] | None = None
        self._stopped = False

    async def cover(self, wanted: Mapping[GroupKind, Mapping[str, KubeClient]]) -> None:
        """Watch exactly these kinds, in these namespaces at least, there with these clients."""
        self._wanted = wanted
        if self._noting is None and not self._stopped:
            self._noting = asyncio.create_task(self._note_now_and_then(), name="note down what is seen")
        for kind in sorted(self._collections.keys() - wanted.keys()):
            self._ending.begin(self._collections.pop(kind).stop())
        complete = True
        for kind, clients in sorted(wanted.items()):
            foreign = any(client is not self._own for client in clients.values())
            everywhere = None if foreign else self._own
            collection = self._collections.get(kind) or await self._collection(kind, everywhere, clients)
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

    def follows(self, kind: GroupKind, namespace: str) -> bool:
        """Whether the kind was listed there and its watch goes on, so that what is known of it is of now."""
        collection = self._collections.get(kind)
        return collection is not None and collection.follows(namespace)

    async def stop(self) -> None:
        """Note down what was seen, and end every watch."""
        self._stopped = True
        for task in (self._again, self._noting):
            if task is not None:
                task.cancel()
                await asyncio.wait({task})
        await self._note_down()
        await asyncio.gather(*(one.stop() for one in self._collections.values()))
        await self._ending.finish()

    async def _cover_again(self) -> None:
        await asyncio.sleep(_AGAIN_SECONDS)
        self._again = None
        await self.cover(self._wanted)

    async def _note_now_and_then(self) -> None:
        await asyncio.to_thread(self._snapshots.tidy)
        while True:
            await asyncio.sleep(_NOTE_SECONDS * random.uniform(0.8, 1.2))  # noqa: S311 - not all at once
            await self._note_down()

    async def _note_down(self) -> None:
        for collection in [*self._collections.values()]:
            for namespace, (items, version) in collection.seen().items():
                name = self._name(collection.resource, namespace)
                if self._noted.get(name) != version:
                    self._noted[name] = version
                    await asyncio.to_thread(self._snapshots.save, name, Snapshot(version, items))

    def _name(self, resource: Resource, namespace: str) -> WatchName:
        return WatchName(self._own.server, self._environment, resource.group, resource.plural, namespace)

    async def _collection(
        self, kind: GroupKind, everywhere: KubeClient | None, clients: Mapping[str, KubeClient]
    ) -> Collection[Kept] | None:
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
        known = await self._remembered(resource, [""] if everywhere is not None else sorted(clients))
        collection: Collection[Kept] = Collection(
            everywhere, resource, self._selector, trimmed, recall=lambda namespace: known.pop(namespace, None)
        )

        def changed(_type: str, kept: Kept) -> None:
            self._tell_seen(ObjectKey(*kind, kept[0], kept[1]))

        collection.on_change = changed
        collection.on_synced = lambda: self._tell_listed(kind)
        collection.on_blind = self._blinded
        self._collections[kind] = collection
        return collection

    def _blinded(self) -> None:
        self.on_blind()

    async def _remembered(self, resource: Resource, namespaces: Iterable[str]) -> dict[str, Seen[Kept]]:
        found: dict[str, Seen[Kept]] = {}
        for namespace in namespaces:
            async with self._turns:
                snapshot = await asyncio.to_thread(self._snapshots.load, self._name(resource, namespace))
            if snapshot is not None:
                found[namespace] = (snapshot.items, snapshot.resource_version)
        return found
