"""Writes that are allowed to finish: what was sent is awaited to its end, also by whoever is cancelled."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from contextlib import suppress
from typing import Any, TypeVar

_T = TypeVar("_T")
_Job = TypeVar("_Job")


async def to_the_end(write: Coroutine[Any, Any, _T], *, on_cancel: Callable[[], None] | None = None) -> _T:
    """Await a write; when cancelled meanwhile, call `on_cancel` and let the write finish first."""
    task = asyncio.ensure_future(write)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        if on_cancel is not None:
            on_cancel()
        while not task.done():  # a time limit around us may cancel once more
            with suppress(asyncio.CancelledError):
                await asyncio.wait({task})
        if not task.cancelled():
            task.exception()  # nobody waits for the answer any more, so nobody is told
        raise


async def side_by_side(jobs: Sequence[_Job], do: Callable[[_Job], Awaitable[_T]], *, hands: int) -> list[_T]:
    """Do every job, `hands` of them at a time, and give the outcomes in the order of the jobs.

    After a failure, and when cancelled, no further job begins; those that began end first. A task for each
    hand instead of one for each job, and one shield for all: a thousand jobs must not cost a thousand tasks.
    """
    left = deque(enumerate(jobs))
    outcomes: dict[int, _T] = {}

    async def hand() -> None:
        try:
            while left:
                index, job = left.popleft()
                outcomes[index] = await do(job)
        except BaseException:
            left.clear()
            raise

    await to_the_end(all_of(hand() for _ in range(min(hands, len(jobs)))), on_cancel=left.clear)
    return [outcomes[index] for index in range(len(jobs))]


async def all_of(work: Iterable[Awaitable[_T]]) -> list[_T]:
    """Await everything to its end, then raise the first error, if any: nothing is left running behind."""
    outcomes = await asyncio.gather(*work, return_exceptions=True)
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            raise outcome
    return [outcome for outcome in outcomes if not isinstance(outcome, BaseException)]
