"""Keeps a copy of a collection up to date: list, watch, resume, list again when the server forgot (410).

Decides nothing about the objects. It never gives up: whatever fails is in `error` and is tried again with
backoff and jitter, while `items` keeps what was seen last.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from controllers.adapters.kube.client import KubeClient
from controllers.adapters.kube.errors import Expired
from controllers.adapters.kube.patience import Patience
from controllers.adapters.kube.resources import Resource
from controllers.adapters.kube.wire import WatchEvent
from gitops.errors import GitopsError, TransientError, Unreachable
from gitops.objects import JsonObject

log = logging.getLogger(__name__)

Place = tuple[str, str]
Kept = TypeVar("Kept")
# A watch that drops begins anew at once: no news. Whoever fails to begin one then does not see.
_FAILURES_UNTIL_BLIND = 2
_LONGEST_WISH = 60.0  # seconds: no server puts a copy to sleep for a day


def whole(body: JsonObject) -> JsonObject:
    """Keep an object as it came."""
    return body


def nothing() -> None:
    """Tell nobody."""


def ignore(error: GitopsError) -> None:
    """Tell nobody."""
    del error


@dataclass(slots=True)
class Reflector(Generic[Kept]):
    """One collection of one cluster. `items` is by (namespace, name); read it, never write it.

    `trim` makes of each object what is kept, so that a large collection need not be in memory whole.
    `on_change(type, object)` is called with ADDED, MODIFIED or DELETED and the trimmed object, also for what
    a new list shows to have changed meanwhile; it must be quick and not raise. `synced` is set from the first
    complete list on, `error` is None while the server answers, `blind` is True once it twice did not:
    `items` may be of another time. `on_synced`, `on_error` and `on_blind` (either way) tell the same.
    `lists` counts complete lists: what came and went between two of them was not seen. After the server
    forgot (410) a list waits up to `spread` seconds: a restarted server forgets for everybody at once.
    """

    client: KubeClient
    resource: Resource
    namespace: str = ""
    label_selector: str = ""
    field_selector: str = ""
    metadata_only: bool = False
    page_size: int = 500
    spread: float = 0.0
    trim: Callable[[JsonObject], Kept] = whole  # type: ignore[assignment]  # whoever trims says to what
    on_change: Callable[[str, Kept], None] | None = None
    on_synced: Callable[[], None] = nothing
    on_error: Callable[[GitopsError], None] = ignore
    on_blind: Callable[[], None] = nothing
    patience: Patience = field(default_factory=Patience)
    items: dict[Place, Kept] = field(default_factory=dict, init=False)
    resource_version: str = field(default="", init=False)
    synced: asyncio.Event = field(default_factory=asyncio.Event, init=False)
    error: GitopsError | None = field(default=None, init=False)
    lists: int = field(default=0, init=False)
    blind: bool = field(default=False, init=False)
    _unanswered: int = field(default=0, init=False)
    _stuck: bool = field(default=False, init=False)
    _failures: int = field(default=0, init=False)
    _task: asyncio.Task[None] | None = field(default=None, init=False)

    def start(self) -> None:
        """Begin, in a task of its own. Once only."""
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name=f"reflect {self.resource.plural}")

    def resume(self, items: Mapping[Place, Kept], resource_version: str) -> None:
        """Go on from what was seen before, instead of listing; to be called before `start`.

        Where the server does not let a watch begin there, for whatever reason, a list is made.
        """
        self.items.update(items)
        self.resource_version = resource_version

    async def stop(self) -> None:
        """End the task and wait until its connection is given back."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
            if not self._task.cancelled():
                self._task.result()

    async def _run(self) -> None:
        while True:
            wish: float | None = None
            try:
                if not self.resource_version:
                    await self._list()
                await self._follow()
            except Expired:
                self.resource_version = ""
                wish = self.patience.rng() * self.spread
            except GitopsError as error:
                if not self.synced.is_set():
                    self.resource_version = ""  # what was remembered is not taken: a list tells
                self.error = error
                self._unanswered += 1
                self._look()
                self.on_error(error)
                wish = error.retry_after if isinstance(error, TransientError) else None
                wish = None if wish is None else min(wish, _LONGEST_WISH)
            except Exception as error:
                # A defect of ours: nobody may go on trusting the picture, and it is tried again.
                log.exception("watching %s failed unexpectedly", self.resource.plural)
                self.error = Unreachable(f"watching {self.resource.plural} failed: {type(error).__name__}")
                self._stuck = True  # a watch can be begun, and fails at the same event again
                self._look()
            # After a watch that the server ended in its own time too: one that ends at once must not spin.
            self._failures += 1
            await self.patience.sleep(self.patience.wait(self._failures, wish))

    async def _list(self) -> None:
        listing = await self.client.list(
            self.resource,
            self.namespace,
            label_selector=self.label_selector,
            field_selector=self.field_selector,
            metadata_only=self.metadata_only,
            page_size=self.page_size,
        )
        found = {_place(body): self.trim(body) for body in listing.items}
        for place in sorted(self.items.keys() - found.keys()):
            self._change("DELETED", place, self.items[place])
        for place, body in found.items():
            known = self.items.get(place)
            if known != body:
                self._change("ADDED" if known is None else "MODIFIED", place, body)
        self.resource_version = listing.resource_version
        self.lists += 1
        self.error = None
        self._answered(stuck=False)
        self._tell_synced()

    def _answered(self, *, stuck: bool) -> None:
        self._unanswered, self._stuck = 0, stuck
        self._look()

    def _look(self) -> None:
        blind = self._stuck or self._unanswered >= _FAILURES_UNTIL_BLIND
        if blind != self.blind:
            self.blind = blind
            self.on_blind()

    def _tell_synced(self) -> None:
        self.synced.set()
        self.on_synced()

    async def _follow(self) -> None:
        async with self.client.watch(
            self.resource,
            self.namespace,
            resource_version=self.resource_version,
            label_selector=self.label_selector,
            field_selector=self.field_selector,
            metadata_only=self.metadata_only,
        ) as watch:
            await watch.open()
            self.error = None
            self._answered(stuck=self._stuck)
            if not self.synced.is_set():
                self._tell_synced()
            async for event in watch:
                self._failures = 0
                self._take(event)
                if self._stuck:
                    self._answered(stuck=False)

    def _take(self, event: WatchEvent) -> None:
        if event.type != "BOOKMARK":
            self._change(event.type, _place(event.object), self.trim(event.object))
        self.resource_version = str(event.object["metadata"]["resourceVersion"])

    def _change(self, kind: str, place: Place, body: Kept) -> None:
        if kind == "DELETED":
            self.items.pop(place, None)
        else:
            self.items[place] = body
        if self.on_change is not None:
            self.on_change(kind, body)


def _place(body: JsonObject) -> Place:
    metadata = body["metadata"]
    return str(metadata.get("namespace") or ""), str(metadata["name"])
