"""A simulated cluster's time: the machine's, or one that a test moves. No other module reads a clock."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol

_START = datetime(2026, 1, 1, tzinfo=UTC)


class Handle(Protocol):
    """Something that was asked for later, and need not happen."""

    def cancel(self) -> None:
        """Take the wish back. After it has run, or a second time, this does nothing."""


class Clock(Protocol):
    """What a cluster asks about time."""

    def now(self) -> datetime:
        """Return the time, in UTC and aware of it."""

    def call_later(self, seconds: float, function: Callable[[], None]) -> Handle:
        """Run `function` once, `seconds` from now, not before the caller has returned."""


def timestamp(moment: datetime) -> str:
    """Write a time as `metav1.Time` does: RFC 3339 in UTC, whole seconds."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def micro_timestamp(moment: datetime) -> str:
    """Write a time as `metav1.MicroTime` does: RFC 3339 in UTC, six decimals."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class RealClock:
    """The machine's clock, and the running event loop's timers."""

    __slots__ = ()

    def now(self) -> datetime:
        """Return the machine's time."""
        return datetime.now(UTC)

    def call_later(self, seconds: float, function: Callable[[], None]) -> Handle:
        """Leave it to the event loop; raises RuntimeError where none runs."""
        return asyncio.get_running_loop().call_later(seconds, function)


class _Entry:
    """A wish in a SteppedClock's heap; `function` is None once it has run or was cancelled."""

    __slots__ = ("due", "function", "number")

    def __init__(self, due: datetime, number: int, function: Callable[[], None]) -> None:
        self.due = due
        self.number = number
        self.function: Callable[[], None] | None = function

    def __lt__(self, other: _Entry) -> bool:
        return (self.due, self.number) < (other.due, other.number)

    def cancel(self) -> None:
        self.function = None


class SteppedClock:
    """Time stands still until `step`; then everything due runs, in order, at the time that it asked for."""

    __slots__ = ("_heap", "_now", "_number")

    def __init__(self, start: datetime = _START) -> None:
        self._now = start
        self._heap: list[_Entry] = []
        self._number = 0

    def now(self) -> datetime:
        """Return the time that the steps have come to."""
        return self._now

    def call_later(self, seconds: float, function: Callable[[], None]) -> Handle:
        """Keep `function` for the step that reaches it; equal times run in the order of asking."""
        self._number += 1
        entry = _Entry(self._now + timedelta(seconds=max(seconds, 0)), self._number, function)
        heapq.heappush(self._heap, entry)
        return entry

    def step(self, seconds: float) -> None:
        """Move on, and run what becomes due meanwhile, and what that asks for; 0 runs what is due now."""
        until = self._now + timedelta(seconds=seconds)
        while (entry := self._first()) is not None and entry.due <= until:
            heapq.heappop(self._heap)
            self._now = entry.due
            function, entry.function = entry.function, None
            if function is not None:
                function()
        self._now = until

    def until_next(self) -> float | None:
        """Return the seconds until something is due, or None when nothing waits."""
        entry = self._first()
        return None if entry is None else (entry.due - self._now).total_seconds()

    def _first(self) -> _Entry | None:
        while self._heap and self._heap[0].function is None:
            heapq.heappop(self._heap)
        return self._heap[0] if self._heap else None
