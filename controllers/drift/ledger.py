"""Writes what was found out about objects into their inventory, a little later and many at once."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from controllers.adapters.kube.client import KubeClient
from controllers.drift.place import Place
from controllers.rollout.finishing import to_the_end
from controllers.rollout.observer import CONFIG_MAPS
from gitops.errors import Conflict, GitopsError
from gitops.inventory import Entry, from_config_maps, selector, to_config_maps
from gitops.inventory.storage import CHUNK, PENDING
from gitops.objects import JsonObject

log = logging.getLogger(__name__)

# An inventory is large and its write costs the server; a crash before it costs one dry-run per object.
QUIET_SECONDS = 2.0
_UNHURRIED_SECONDS = 60.0
_LONGEST_SECONDS = 120.0
_LAST_SECONDS = 3.0


class Ledger:
    """The inventory of one place. `free` says whether no rollout writes there."""

    def __init__(self, client: KubeClient, place: Place, free: Callable[[], bool]) -> None:
        self._client = client
        self._place = place
        self._free = free
        self._task: asyncio.Task[None] | None = None
        self._news = asyncio.Event()
        self._soon = False
        self._written: set[str] = set()

    def note(self, *, soon: bool) -> None:
        """Store what the place has unsaved, once it was quiet for a while; what others do is in no hurry."""
        self._soon = self._soon or soon
        self._news.set()
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._later(), name="store an inventory")

    def wrote(self, version: str) -> bool:
        """Whether a resource version is that of a write of ours; asked once for each."""
        ours = version in self._written
        self._written.discard(version)
        return ours

    async def stop(self) -> None:
        """Store what is left, as far as that is possible now."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
        if self._place.unsaved:
            try:
                async with asyncio.timeout(_LAST_SECONDS):
                    await self._store()
            except (GitopsError, TimeoutError) as error:
                log.info("%s: the next start looks again at some objects: %s", self._place.scope.name, error)

    async def _later(self) -> None:
        loop = asyncio.get_running_loop()
        latest = loop.time() + _LONGEST_SECONDS
        while self._place.unsaved:
            await self._calm(latest)
            try:
                await self._store()
            except GitopsError as error:
                # Somebody else wrote it, or it cannot be reached: nothing is lost but a dry-run at a restart.
                log.debug("%s: the inventory is stored later: %s", self._place.scope.name, error)
                latest = loop.time() + _LONGEST_SECONDS

    async def _calm(self, latest: float) -> None:
        loop = asyncio.get_running_loop()
        while True:
            self._news.clear()
            quiet = QUIET_SECONDS if self._soon else _UNHURRIED_SECONDS
            pause = min(quiet, max(latest - loop.time(), 0.0))
            try:
                async with asyncio.timeout(pause):
                    await self._news.wait()
            except TimeoutError:
                return

    async def _store(self) -> None:
        """Change the entries that we know better, nothing else. Raises Conflict where a rollout is at it."""
        scope = self._place.scope
        chosen = selector(scope.environment, scope.application)
        listing = await self._client.list(CONFIG_MAPS, scope.target.namespace, label_selector=chosen)
        stored = {str(body["metadata"]["name"]): body for body in listing.items}
        inventory = from_config_maps(stored.values(), scope.target.cluster)
        if inventory is None:
            self._place.unsaved.clear()
            return
        if not self._free() or any(map(_pending, listing.items)):
            raise Conflict("a rollout is writing it")
        sent = dict(self._place.unsaved)
        better = [entry for entry in sent.values() if _improves(entry, inventory.entries.get(entry.key))]
        for body in to_config_maps(inventory.applied(better)):
            known = stored.get(str(body["metadata"]["name"]))
            if known is None or known.get("data") != body.get("data"):
                await self._write(body, known)
        self._soon = False
        for key, entry in sent.items():
            if self._place.unsaved.get(key) is entry:
                del self._place.unsaved[key]

    async def _write(self, body: JsonObject, known: JsonObject | None) -> None:
        version = known["metadata"]["resourceVersion"] if known else ""
        metadata = {**body["metadata"], **({"resourceVersion": version} if version else {})}
        answer = await to_the_end(self._client.apply(CONFIG_MAPS, {**body, "metadata": metadata}))
        self._written.add(str(answer["metadata"].get("resourceVersion", "")))


def _pending(body: JsonObject) -> bool:
    return bool((body["metadata"].get("labels") or {}).get(CHUNK) == PENDING)


def _improves(entry: Entry, stored: Entry | None) -> bool:
    return stored is not None and stored != entry and stored.digest in ("", entry.digest)
