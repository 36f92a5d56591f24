"""What was used last, within a limit: every cache in memory that makes room by itself."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Generic, TypeVar

_K = TypeVar("_K")
_V = TypeVar("_V")


class Recent(Generic[_K, _V]):
    """Values by key; what was used longest ago goes first. For any thread."""

    def __init__(self, limit: int) -> None:
        """`limit` bounds the sizes together, in the unit of those who keep something here."""
        self._limit = limit
        self._lock = threading.Lock()
        self._values: OrderedDict[_K, tuple[int, _V]] = OrderedDict()
        self.held = 0

    def get(self, key: _K) -> _V | None:
        """Give what is kept by this key; None where nothing is."""
        with self._lock:
            if key not in self._values:
                return None
            self._values.move_to_end(key)
            return self._values[key][1]

    def keep(self, key: _K, value: _V, size: int = 1) -> None:
        """Keep a value in place of an earlier one. What exceeds the limit by itself is not kept."""
        with self._lock:
            self.held += size - self._values.pop(key, (0, None))[0]
            self._values[key] = (size, value)
            while self.held > self._limit:
                _, (left, _) = self._values.popitem(last=False)
                self.held -= left
