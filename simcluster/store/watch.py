"""One watcher's queue of changes. Filled by the store at each write, emptied by whoever streams it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable

from simcluster.store.records import Change

# A watcher that is this many changes behind is ended, as the watch cache does when its buffer is full.
MAX_BEHIND = 1000


class Watch:
    """Changes of one storage (and namespace) after a revision, in order. End it with `close`."""

    __slots__ = ("_ended", "_on_close", "_queue", "_waiter", "namespace", "storage")

    def __init__(
        self, storage: str, namespace: str, backlog: Iterable[Change], on_close: Callable[[Watch], None]
    ) -> None:
        self.storage = storage
        self.namespace = namespace
        self._queue = deque(backlog)
        self._on_close = on_close
        self._waiter: asyncio.Future[None] | None = None
        self._ended = False

    @property
    def ended(self) -> bool:
        """Nothing will come after what is queued: the watch was closed, dropped, or fell behind."""
        return self._ended

    def offer(self, change: Change) -> None:
        """Queue a change; the store calls this. Ends the watch when its reader is too far behind."""
        if self._ended or (self.namespace and change.now.namespace != self.namespace):
            return
        if len(self._queue) >= MAX_BEHIND:
            self.close()
            return
        self._queue.append(change)
        self._wake()

    def pending(self) -> list[Change]:
        """Take what is queued, without waiting."""
        taken = list(self._queue)
        self._queue.clear()
        return taken

    async def wait(self) -> bool:
        """Return when something is queued (True) or the watch has ended and is empty (False)."""
        while not self._queue:
            if self._ended:
                return False
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        return True

    def close(self) -> None:
        """End the watch; what is queued may still be read. A second call does nothing."""
        if not self._ended:
            self._ended = True
            self._on_close(self)
            self._wake()

    def __aiter__(self) -> Watch:
        return self

    async def __anext__(self) -> Change:
        if not await self.wait():
            raise StopAsyncIteration
        return self._queue.popleft()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
