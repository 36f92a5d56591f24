"""Costly work that several threads want at the same time is done once; that it failed is remembered."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import TypeVar

from gitops.errors import InvalidInput, ToolMissing

FAILED_SECONDS = 600.0
_FAILURES_KEPT = 1000
_T = TypeVar("_T")


class Attempts:
    """Failures by key, for ten minutes: a machine that was too busy may be less so then. For any thread.

    What came of it is remembered elsewhere: whoever waited for another's success asks again, and finds it.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._running: dict[str, threading.Lock] = {}
        self._failed: OrderedDict[str, tuple[float, InvalidInput]] = OrderedDict()

    def run(self, key: str, work: Callable[[], _T]) -> _T:
        """Give what `work` gives. Raises InvalidInput, also the one that it raised for this key before."""
        with self._lock:
            running = self._running.setdefault(key, threading.Lock())
        try:
            with running:
                self.raise_again(key)
                return self._remembering(key, work)
        finally:
            with self._lock:
                self._running.pop(key, None)

    def raise_again(self, key: str) -> None:
        """Raise the InvalidInput that is remembered for this key, if there is one."""
        with self._lock:
            since, failure = self._failed.get(key, (0.0, None))
        if failure is not None and self._clock() - since < FAILED_SECONDS:
            raise InvalidInput(*failure.problems)

    def _remembering(self, key: str, work: Callable[[], _T]) -> _T:
        try:
            return work()
        except ToolMissing:  # it may be there the next moment, and asking for it costs little
            raise
        except InvalidInput as error:
            self.remember(key, error)
            raise

    def remember(self, key: str, failure: InvalidInput) -> None:
        """Have it raised for this key from now on."""
        with self._lock:
            self._failed[key] = (self._clock(), failure)
            while len(self._failed) > _FAILURES_KEPT:
                self._failed.popitem(last=False)
