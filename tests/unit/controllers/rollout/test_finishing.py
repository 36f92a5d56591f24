"""Writes side by side: all of them, some at a time, none begun after a failure, none cut off."""

from __future__ import annotations

import asyncio

import pytest

from controllers.rollout.finishing import side_by_side


class Desk:
    """Jobs that end when they are told to."""

    def __init__(self) -> None:
        self.begun: list[int] = []
        self.ended: list[int] = []
        self.go = asyncio.Event()

    async def do(self, job: int) -> str:
        """Begin, wait for the word, end."""
        self.begun.append(job)
        await self.go.wait()
        self.ended.append(job)
        return f"done {job}"


async def test_outcomes_come_in_the_order_of_the_jobs_whichever_ends_first() -> None:
    async def slower_first(job: int) -> int:
        await asyncio.sleep(0.002 * (5 - job))
        return job * 10

    assert await side_by_side(range(6), slower_first, hands=3) == [0, 10, 20, 30, 40, 50]
    assert await side_by_side((), slower_first, hands=3) == []


async def test_no_more_jobs_run_at_a_time_than_there_are_hands() -> None:
    desk = Desk()
    working = asyncio.create_task(side_by_side(range(10), desk.do, hands=4))
    await asyncio.sleep(0.01)
    assert desk.begun == [0, 1, 2, 3]
    desk.go.set()
    assert len(await working) == 10


async def test_after_a_failure_no_job_begins_and_those_begun_end_before_it_is_raised() -> None:
    desk = Desk()

    async def do(job: int) -> str:
        if job == 2:
            raise RuntimeError("the cluster went away")
        return await desk.do(job)

    working = asyncio.create_task(side_by_side(range(10), do, hands=3))
    await asyncio.sleep(0.01)
    assert not working.done()
    desk.go.set()
    with pytest.raises(RuntimeError, match="went away"):
        await working
    assert desk.begun == desk.ended == [0, 1]


@pytest.mark.parametrize("times", [1, 3])
async def test_who_is_cancelled_begins_no_job_and_waits_for_those_begun(times: int) -> None:
    desk = Desk()
    working = asyncio.create_task(side_by_side(range(10), desk.do, hands=2))
    await asyncio.sleep(0.01)
    for _ in range(times):
        working.cancel()
        await asyncio.sleep(0.01)
    assert not working.done()
    desk.go.set()
    with pytest.raises(asyncio.CancelledError):
        await working
    assert desk.begun == desk.ended == [0, 1]


async def test_a_failure_while_being_cancelled_stays_unspoken() -> None:
    async def fail(_: int) -> None:
        await asyncio.sleep(0.02)
        raise RuntimeError("nobody waits for this any more")

    working = asyncio.create_task(side_by_side(range(4), fail, hands=2))
    await asyncio.sleep(0.01)
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working
