"""Watches as clients see them: changes seen through selectors, with what was there first."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import NamedTuple

from simcluster.api.core import Core
from simcluster.api.listing import RecordTest, record_test, requested
from simcluster.api.options import ListOptions
from simcluster.kinds.kind import Kind
from simcluster.store.records import Change, ChangeKind, Stored, stored
from simcluster.store.watch import Watch


class Event(NamedTuple):
    """One event of a watch: what happened, and the object as the event shows it."""

    type: ChangeKind
    record: Stored


class EventStream:
    """The events of one watch. `async for event in stream`, or `pending()` without waiting.

    `initial` are the objects that were there, already in the stream; `revision` is how far it has come: what
    a bookmark tells.
    """

    __slots__ = ("_queue", "_test", "_watch", "initial", "revision")

    def __init__(
        self, watch: Watch, test: RecordTest | None, initial: Iterable[Stored], revision: int
    ) -> None:
        self._watch = watch
        self._test = test
        self._queue = deque(Event("ADDED", record) for record in initial)
        self.initial = len(self._queue)
        self.revision = revision

    @property
    def ended(self) -> bool:
        """Nothing more will come than what is queued."""
        return self._watch.ended

    def pending(self) -> list[Event]:
        """Take the events that are there, without waiting."""
        taken = list(self._queue)
        self._queue.clear()
        for change in self._watch.pending():
            taken += self._seen(change)
        return taken

    async def wait(self) -> bool:
        """Return when changes may be pending (True), or the watch has ended (False)."""
        return bool(self._queue) or await self._watch.wait()

    def close(self) -> None:
        """End the watch."""
        self._watch.close()

    def __aiter__(self) -> EventStream:
        return self

    async def __anext__(self) -> Event:
        while not self._queue:
            if not await self._watch.wait():
                raise StopAsyncIteration
            for change in self._watch.pending():
                self._queue.extend(self._seen(change))
        return self._queue.popleft()

    def _seen(self, change: Change) -> tuple[Event, ...]:
        """Return the change as this watch's selectors let it be seen: an object may enter or leave them."""
        self.revision = change.revision
        test = self._test
        if test is None:
            return (Event(change.kind, change.now),)
        before = change.before is not None and test(change.before)
        now = change.kind != "DELETED" and test(change.now)
        if now:
            return (Event("MODIFIED" if before else "ADDED", change.now),)
        if before and change.before is not None:
            return (Event("DELETED", _at_revision(change.before, change.revision)),)
        return ()


def watch(core: Core, kind: Kind, namespace: str, options: ListOptions) -> EventStream:
    """Follow the objects of a kind in a namespace ("": all).

    Without a resource version, or with "0", what is there comes first as ADDED; so it does when initial
    events are asked for. Raises `ApiError` 400, 410, 504.
    """
    test = record_test(kind, options)
    since = requested(core, options.resource_version)
    current = core.store.revision
    if options.send_initial_events or (not since and options.send_initial_events is None):
        records = core.store.items(kind.storage, namespace)
        initial = records if test is None else [record for record in records if test(record)]
        return EventStream(core.store.watch(kind.storage, namespace, current), test, initial, current)
    return EventStream(
        core.store.watch(kind.storage, namespace, since or current), test, (), since or current
    )


def _at_revision(record: Stored, revision: int) -> Stored:
    """Return an earlier state under a later revision: how a watch shows that an object left its selector."""
    return stored(record.storage, record.object(), revision)
