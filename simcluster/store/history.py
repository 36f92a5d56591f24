"""The last changes of a cluster, bounded by number and bytes: what watches resume from."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from simcluster.store.records import Change


class History:
    """Changes after `compacted`, oldest first. What falls out of the bounds counts as compacted."""

    __slots__ = ("_bytes", "_changes", "_max_bytes", "_max_changes", "compacted")

    def __init__(self, start: int, max_changes: int, max_bytes: int) -> None:
        self.compacted = start
        self._changes: deque[Change] = deque()
        self._bytes = 0
        self._max_changes = max_changes
        self._max_bytes = max_bytes

    def append(self, change: Change) -> None:
        """Remember a change, and forget the oldest beyond the bounds."""
        self._changes.append(change)
        self._bytes += len(change.now.body)
        while len(self._changes) > self._max_changes or self._bytes > self._max_bytes:
            self._forget_oldest()

    def compact(self, revision: int) -> None:
        """Forget the changes up to and including `revision`."""
        while self._changes and self._changes[0].revision <= revision:
            self._forget_oldest()
        self.compacted = max(self.compacted, revision)

    def after(self, revision: int) -> list[Change]:
        """Return the changes after `revision`, oldest first."""
        found = []
        for change in reversed(self._changes):
            if change.revision <= revision:
                break
            found.append(change)
        found.reverse()
        return found

    def newest_first(self) -> Iterator[Change]:
        """All changes that are remembered, the last one first."""
        return reversed(self._changes)

    def _forget_oldest(self) -> None:
        oldest = self._changes.popleft()
        self._bytes -= len(oldest.now.body)
        self.compacted = oldest.revision
