"""Keeps exactly the wanted work under way: starts what is missing, ends what is not wanted any more."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from controllers.rollout.board import Board
from gitops.rollout.observation import ApplyWork, PruneWork, RestoreWork, Work

log = logging.getLogger(__name__)

Hand: TypeAlias = Callable[[Work], Awaitable[float | None]]
Quiet: TypeAlias = Callable[[str, str], Awaitable[None]]
RESTART_AFTER_SECONDS = 5.0


async def nobody_else_writes(application: str, target: str) -> None:
    """Wait for nobody."""
    del application, target


class Crew:
    """Tasks by the work they do. Two pieces of work on one application and target never overlap."""

    def __init__(self, hand: Hand, board: Board, quiet: Quiet = nobody_else_writes) -> None:
        """`quiet` is awaited before work begins to write to an application's target.

        `hand` does work until it is done (None), or as far as it goes now, to be called again after so many
        seconds, in which others may write.
        """
        self._hand = hand
        self._quiet = quiet
        self._board = board
        self._tasks: dict[Work, asyncio.Task[None]] = {}
        self._ending: set[asyncio.Task[None]] = set()
        self._places: dict[tuple[str, str], asyncio.Lock] = defaultdict(asyncio.Lock)

    def reconcile(self, wanted: frozenset[Work]) -> None:
        """Start and end work until what is under way is `wanted`. Ended work finishes its current write."""
        for work in self._tasks.keys() - wanted:
            task = self._tasks.pop(work)
            self._ending.add(task)
            task.add_done_callback(self._ending.discard)
            task.cancel()
            self._board.forget(work)
        for work in sorted(wanted - self._tasks.keys(), key=repr):
            self._tasks[work] = asyncio.create_task(self._run(work), name=repr(work))

    def under_way(self) -> tuple[Work, ...]:
        """What is being done, in a stable order."""
        return tuple(sorted(self._tasks, key=repr))

    def writing(self, application: str, target: str) -> bool:
        """Whether work may write there now: some is under way, and has not said that all of it is settled."""
        place = self._places.get((application, target))
        found = [
            work
            for work in self._tasks
            if isinstance(work, ApplyWork | RestoreWork)
            and (work.application, work.target) == (application, target)
        ]
        if not found:
            return place is not None and place.locked()
        reports = self._board.targets()
        return not all(work in reports and reports[work].settled for work in found)

    async def stop(self) -> None:
        """End everything and wait for it."""
        self.reconcile(frozenset())
        if self._ending:
            await asyncio.wait(self._ending)

    async def _run(self, work: Work) -> None:
        while True:
            try:
                if isinstance(work, ApplyWork | RestoreWork | PruneWork):
                    async with self._places[work.application, work.target]:
                        await self._quiet(work.application, work.target)
                        again_in = await self._hand(work)
                else:
                    again_in = await self._hand(work)
            except asyncio.CancelledError:
                raise
            except Exception:
                # A defect of ours must not end in silence: it is logged, and the work is tried again.
                log.exception("work failed unexpectedly; trying again", extra={"work": repr(work)})
                again_in = RESTART_AFTER_SECONDS
            if again_in is None:
                return
            await asyncio.sleep(again_in)
