"""When work that a server refused, or that cannot be rendered, is tried again: later each time."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from gitops.objects import ObjectKey

FIRST_SECONDS = 30.0
LONGEST_SECONDS = 900.0


@dataclass(slots=True)
class Retries:
    """Of one place. Mutable, and used from the event loop only."""

    _tries: dict[ObjectKey, int] = field(default_factory=dict)
    _not_before: dict[ObjectKey, float] = field(default_factory=dict)

    def refused(self, key: ObjectKey) -> float:
        """Count one more refusal; the seconds until the next attempt, whatever changes meanwhile."""
        tries = self._tries.get(key, 0)
        self._tries[key] = tries + 1
        pause = float(min(FIRST_SECONDS * 2 ** min(tries, 10), LONGEST_SECONDS))
        self._not_before[key] = time.monotonic() + pause
        return pause

    def left(self, key: ObjectKey) -> float:
        """The seconds until an object may be tried again; 0 where nothing was refused."""
        until = self._not_before.get(key)
        return 0.0 if until is None else max(until - time.monotonic(), 0.0)

    def forget(self, key: ObjectKey) -> None:
        """It was not refused any more, or something else is wanted."""
        self._tries.pop(key, None)
        self._not_before.pop(key, None)

    def clear(self) -> None:
        """Forget all."""
        self._tries.clear()
        self._not_before.clear()
