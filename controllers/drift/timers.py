"""Timers that a watch over live objects sets: one for an object, and one for all that has to wait."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from gitops.objects import ObjectKey
from gitops.plan import Scope

_FIRST_SECONDS = 0.5
_LONGEST_SECONDS = 30.0


class Reminder:
    """Calls `do` a while after it was asked to, later each time until `reset`. One call waits at most."""

    def __init__(self, do: Callable[[], None]) -> None:
        self._do = do
        self._pause = _FIRST_SECONDS
        self._timer: asyncio.TimerHandle | None = None
        self._stopped = False

    def later(self) -> None:
        """Have it done, where that is not coming already."""
        if self._timer is None and not self._stopped:
            self._timer = asyncio.get_running_loop().call_later(self._pause, self._ring)
            self._pause = min(self._pause * 2, _LONGEST_SECONDS)

    def cancel(self) -> None:
        """Do not call: it is being done."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def reset(self) -> None:
        """Begin with short waits again."""
        self._pause = _FIRST_SECONDS

    def stop(self) -> None:
        """Call nothing any more."""
        self._stopped = True
        self.cancel()

    def _ring(self) -> None:
        self._timer = None
        self._do()


class Alarms:
    """One timer at most for each object of each place."""

    def __init__(self) -> None:
        self._set: dict[tuple[Scope, ObjectKey], asyncio.TimerHandle] = {}
        self._stopped = False

    def ring_in(self, seconds: float, scope: Scope, key: ObjectKey, do: Callable[[], None]) -> None:
        """Call `do` then, and nothing that was to be called for the same object before."""
        self._cancel((scope, key))
        if self._stopped:
            return
        self._set[scope, key] = asyncio.get_running_loop().call_later(seconds, self._ring, (scope, key), do)

    def stop(self) -> None:
        """Call nothing any more."""
        self._stopped = True
        for mark in [*self._set]:
            self._cancel(mark)

    def _ring(self, mark: tuple[Scope, ObjectKey], do: Callable[[], None]) -> None:
        del self._set[mark]
        do()

    def _cancel(self, mark: tuple[Scope, ObjectKey]) -> None:
        waiting = self._set.pop(mark, None)
        if waiting is not None:
            waiting.cancel()
