"""What is to be looked at, and when: a queue without doubles, and one timer for all that is due later."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NamedTuple

from simcluster.clock import Clock, Handle

# One drain looks at this many keys before others on the event loop get their turn.
_CHUNK = 64


class Key(NamedTuple):
    """One object that one part shall look at. Parts with a smaller `rank` look first.

    So pods are placed and started before those who count them look, and each count is written once.
    """

    rank: int
    part: str
    namespace: str
    name: str


class WorkQueue:
    """Keys wait here until the clock's next turn; `work` is then called with each, and with one `now`.

    All keys of one drain see the same time: what begins together becomes due together.
    """

    __slots__ = (
        "_again",
        "_clock",
        "_closed",
        "_due",
        "_later",
        "_number",
        "_pending",
        "_timer",
        "_turn",
        "_work",
        "now",
    )

    def __init__(self, clock: Clock, work: Callable[[Key], None]) -> None:
        self._clock = clock
        self._work = work
        self._pending: list[dict[Key, None]] = []
        self._later: list[tuple[datetime, int, Key | Callable[[], None]]] = []
        self._again: dict[Key, datetime] = {}
        self._number = 0
        self._turn: Handle | None = None
        self._timer: Handle | None = None
        self._due: datetime | None = None
        self._closed = False
        self.now = clock.now()

    @property
    def idle(self) -> bool:
        """Nothing waits for a turn; something may still be due later."""
        return self._turn is None

    def add(self, key: Key) -> None:
        """Have a key looked at in the next turn; a key that waits already waits on."""
        while len(self._pending) <= key.rank:
            self._pending.append({})
        self._pending[key.rank][key] = None
        if self._turn is None and not self._closed:
            self._turn = self._clock.call_later(0, self._drain)

    def forget(self, key: Key) -> None:
        """Do not look at a key that waits: who calls this has just seen all that there is to see."""
        if key.rank < len(self._pending):
            self._pending[key.rank].pop(key, None)

    def at(self, due: datetime, function: Callable[[], None]) -> None:
        """Call `function` once when `due` has come, in the order of due times."""
        self._push(due, function)
        self._set_timer()

    def again(self, key: Key, at: datetime | None) -> None:
        """Have a key looked at when `at` has come (in a second if it is past), and not at an earlier wish.

        None takes the wish back.
        """
        if at is None:
            if self._again.pop(key, None) is not None:
                self._set_timer()
            return
        due = at if at > self.now else self.now + timedelta(seconds=1)
        if self._again.get(key) != due:
            self._again[key] = due
            self._push(due, key)
            self._set_timer()

    def close(self) -> None:
        """Forget everything; nothing is called any more."""
        self._closed = True
        self._pending.clear()
        self._later.clear()
        for handle in (self._turn, self._timer):
            if handle is not None:
                handle.cancel()
        self._turn = self._timer = None

    def _next(self) -> Key | None:
        for waiting in self._pending:
            if waiting:
                key = next(iter(waiting))
                del waiting[key]
                return key
        return None

    def _drain(self) -> None:
        self._turn = None
        self.now = self._clock.now()
        try:
            for _ in range(_CHUNK):
                key = self._next()
                if key is None:
                    break
                self._work(key)
        finally:
            if self._turn is None and any(self._pending) and not self._closed:
                self._turn = self._clock.call_later(0, self._drain)

    def _push(self, due: datetime, what: Key | Callable[[], None]) -> None:
        self._number += 1
        heapq.heappush(self._later, (due, self._number, what))

    def _outdated(self, entry: tuple[datetime, int, Key | Callable[[], None]]) -> bool:
        """Tell whether an entry is a wish that was taken back or replaced."""
        return isinstance(entry[2], Key) and self._again.get(entry[2]) != entry[0]

    def _set_timer(self) -> None:
        while self._later and self._outdated(self._later[0]):
            heapq.heappop(self._later)
        due = self._later[0][0] if self._later and not self._closed else None
        if due == self._due:
            return
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._due = due
        if due is not None:
            seconds = (due - self._clock.now()).total_seconds()
            self._timer = self._clock.call_later(seconds, self._fire)

    def _fire(self) -> None:
        self._timer = self._due = None
        self.now = self._clock.now()
        try:
            while self._later and self._later[0][0] <= self.now:
                entry = heapq.heappop(self._later)
                if self._outdated(entry):
                    continue
                if isinstance(entry[2], Key):
                    del self._again[entry[2]]
                    self.add(entry[2])
                else:
                    entry[2]()
        finally:
            self._set_timer()
