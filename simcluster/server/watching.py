"""One watch over HTTP: what was there, what changes, bookmarks, until it is over for either side."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Protocol

from aiohttp import web

from simcluster.api.watching import EventStream
from simcluster.clock import Clock, Handle
from simcluster.errors import ApiError
from simcluster.server import events
from simcluster.server.events import Lines
from simcluster.server.rendering import View

# What the watch cache does (cacher's bookmark frequency).
BOOKMARK_SECONDS = 60.0
_LAST_BOOKMARK_SECONDS = 2.0  # before the end of a watch
# A client that takes nothing for so long, with a full buffer, is dropped.
_STUCK_SECONDS = 30.0


class Sink(Protocol):
    """Where the lines go: an HTTP answer that was begun."""

    async def ready(self) -> None:
        """Return when lines may go out."""

    async def write(self, data: bytes) -> None:
        """Send bytes; waits while the client's buffer is full."""


class WatchStream:
    """A watch that is open. `run` streams it until `close`, a deadline, or a client that takes nothing."""

    __slots__ = (
        "_clock",
        "_events",
        "_first",
        "_lines",
        "_marking",
        "_revision",
        "_sink",
        "_timers",
        "_view",
    )

    def __init__(
        self, events: EventStream, view: View, lines: Lines, clock: Clock, revision: Callable[[], int]
    ) -> None:
        self._events = events
        self._view = view
        self._lines = lines
        self._clock = clock
        self._revision = revision
        self._sink: Sink | None = None
        self._timers: dict[str, Handle] = {}
        self._marking: asyncio.Task[None] | None = None
        self._first = True

    async def run(self, sink: Sink, *, seconds: float, bookmarks: bool, initial_end: bool) -> None:
        """Send what was there, then changes, for `seconds`.

        `initial_end`: a bookmark says when all that was there has been sent. Raises TimeoutError for a client
        that takes nothing, ConnectionError for one that has gone.
        """
        self._sink = sink
        self._timers["end"] = self._clock.call_later(seconds, self.close)
        if bookmarks:
            self._plan_bookmark()
            if seconds > _LAST_BOOKMARK_SECONDS:
                self._timers["last"] = self._clock.call_later(seconds - _LAST_BOOKMARK_SECONDS, self._mark)
        try:
            await self._flush(initial_end=initial_end)
            while await self._events.wait():
                await self._flush()
        finally:
            self.close()

    def close(self) -> None:
        """End the watch; what is queued is still sent. A second call does nothing."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        self._events.close()

    async def _flush(self, *, bookmark: bool = False, initial_end: bool = False) -> None:
        """Send what is queued. Taking it and handing it to the transport is one step, so order is kept."""
        if self._sink is None:
            return
        await self._sink.ready()
        lines = [
            self._lines.line(event, self._view, first=self._is_first()) for event in self._events.pending()
        ]
        if bookmark or initial_end:
            revision = self._revision()
            lines.append(
                self._lines.bookmark(revision, self._view, initial_end=initial_end, first=self._is_first())
            )
        if lines:
            async with asyncio.timeout(_STUCK_SECONDS):
                await self._sink.write(b"".join(lines))

    def _is_first(self) -> bool:
        """Tell whether this line begins the stream of a Table, and so carries its columns."""
        first, self._first = self._first, False
        return first and self._view.representation.shape == "Table"

    def _plan_bookmark(self) -> None:
        self._timers["bookmark"] = self._clock.call_later(BOOKMARK_SECONDS, self._mark_again)

    def _mark(self) -> None:
        self._marking = asyncio.get_running_loop().create_task(self._send_bookmark())

    def _mark_again(self) -> None:
        self._mark()
        self._plan_bookmark()

    async def _send_bookmark(self) -> None:
        try:
            await self._flush(bookmark=True)
        except (OSError, TimeoutError):  # the client has gone, or takes nothing
            self.close()


class HttpSink:
    """The answer to a watch: lines go out while the cluster can be reached."""

    __slots__ = ("_reachable", "_request", "response")

    def __init__(
        self, request: web.BaseRequest, response: web.StreamResponse, reachable: Callable[[], Awaitable[None]]
    ) -> None:
        self._request = request
        self.response = response
        self._reachable = reachable

    async def ready(self) -> None:
        """Wait until lines may go out; for ever in a black hole."""
        await self._reachable()

    async def write(self, data: bytes) -> None:
        """Send bytes; waits while the client's buffer is full."""
        await self.response.write(data)

    async def error(self, error: ApiError) -> web.StreamResponse:
        """Answer with the one event that tells why there is nothing to watch."""
        await self.response.prepare(self._request)
        await self.response.write(events.error(error))
        await self.response.write_eof()
        return self.response

    async def stream(
        self, stream: WatchStream, *, seconds: float, bookmarks: bool, initial_end: bool
    ) -> None:
        """Stream a watch to its end. A client that takes nothing loses its connection."""
        await self.response.prepare(self._request)
        try:
            await stream.run(self, seconds=seconds, bookmarks=bookmarks, initial_end=initial_end)
        except TimeoutError:
            if self._request.transport is not None:
                self._request.transport.abort()
            return
        with contextlib.suppress(ConnectionError):  # a client may go at any time, and most watchers just go
            await self.response.write_eof()
