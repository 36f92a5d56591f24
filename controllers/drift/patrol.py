"""Defence in depth: looks closely at every object now and then, also where all look as they were applied.

What ownership cannot tell is found so: a change under our own name within the second of our apply, or news
that a server never sent. One dry-run for each object, a few at a time, spread over hours.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Collection
from typing import NamedTuple, Protocol

from controllers.drift.place import Place
from gitops.objects import ObjectKey

# The manifests of a place are rendered for each of its turns.
_AT_A_TIME = 100
_PAUSE_SECONDS = 0.2
# Nothing to check yet, or too much for the time given.
_LONGEST_SECONDS = 600.0
_SHORTEST_SECONDS = 0.2


class Checker(Protocol):
    """Who looks closely."""

    async def check(self, place: Place, key: ObjectKey) -> None:
        """Look at an object, and do what may be done. Raises nothing for a cluster that does not answer."""


class Beat(Protocol):
    """What is there to be checked."""

    def places(self) -> Collection[Place]:
        """All that are watched."""


class _Turn(NamedTuple):
    place: Place
    keys: tuple[ObjectKey, ...]


class Patrol:
    """Of one cluster. Each object has its turn once in `every` seconds, in another order each time."""

    def __init__(self, every: float, beat: Beat, checker: Checker, pause: float = _PAUSE_SECONDS) -> None:
        self._every = every
        self._beat = beat
        self._checker = checker
        self._pause = pause

    async def run(self) -> None:
        """Go round until cancelled."""
        while True:
            turns = self._turns()
            if not turns:
                await asyncio.sleep(min(self._every, _LONGEST_SECONDS))
            for turn in turns:
                # Spread, and not at the same moments on all clusters.
                apart = max(self._every / len(turns), _SHORTEST_SECONDS)
                await asyncio.sleep(apart * random.uniform(0.5, 1.5))  # noqa: S311 - spreads load
                await self._check(turn)

    def _turns(self) -> list[_Turn]:
        turns = []
        for place in self._beat.places():
            keys = [*place.entries]
            turns += [
                _Turn(place, tuple(keys[first : first + _AT_A_TIME]))
                for first in range(0, len(keys), _AT_A_TIME)
            ]
        random.shuffle(turns)
        return turns

    async def _check(self, turn: _Turn) -> None:
        for key in turn.keys:
            await self._checker.check(turn.place, key)
            await asyncio.sleep(self._pause)
