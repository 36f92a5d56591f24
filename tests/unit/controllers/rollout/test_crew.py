"""Exactly the wanted work is under way, and nothing of one place overlaps."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

import pytest

from controllers.rollout import crew as crews
from controllers.rollout.board import Board
from controllers.rollout.crew import Crew
from controllers.rollout.finishing import to_the_end
from gitops.rollout.observation import ApplyWork, ReachWork, RestoreWork, RevertWork, TargetReport, Work

APPLY = ApplyWork("web", "web#1", "eu-1/shop", "a" * 40, "1")
NEXT = ApplyWork("web", "web#2", "eu-1/shop", "b" * 40, "2")
RESTORE = RestoreWork("web", "web#2", "eu-1/shop", "a" * 40, "1")
ELSEWHERE = ApplyWork("web", "web#1", "us-1/shop", "a" * 40, "1")
REACH = ReachWork("web", "us-1/shop")


class Stage:
    """A crew whose hands do as told, and a diary of what happened in which order."""

    def __init__(self, hand: Callable[[Work], Awaitable[None]] | None = None) -> None:
        self.board = Board()
        self.diary: list[tuple[str, Work]] = []
        self._hand = hand
        self.crew = Crew(self._do, self.board)

    async def _do(self, work: Work) -> None:
        self.diary.append(("begin", work))
        try:
            await (self._hand(work) if self._hand else asyncio.Event().wait())
        finally:
            self.diary.append(("end", work))

    async def want(self, *work: Work) -> None:
        """Reconcile, and let tasks that can start do so."""
        self.crew.reconcile(frozenset(work))
        for _ in range(5):
            await asyncio.sleep(0)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - the loop has to turn, whatever it does meanwhile
            await asyncio.sleep(0)


async def test_exactly_the_wanted_work_runs() -> None:
    """Missing work starts, what is wanted still goes on untouched, the rest ends."""
    stage = Stage()
    await stage.want(APPLY, REACH)
    await stage.want(APPLY, ELSEWHERE)
    assert set(stage.crew.under_way()) == {APPLY, ELSEWHERE}
    assert stage.diary.count(("begin", APPLY)) == 1
    assert ("end", REACH) in stage.diary
    assert ("end", APPLY) not in stage.diary
    await stage.crew.stop()


async def test_work_that_is_done_is_not_begun_again_while_it_is_wanted() -> None:
    """A revert that was pushed is pushed once, however many passes still want it."""

    async def at_once(_work: Work) -> None:
        return

    stage = Stage(at_once)
    revert = RevertWork("web", "web#2")
    for _ in range(3):
        await stage.want(revert)
    assert stage.diary == [("begin", revert), ("end", revert)]
    await stage.crew.stop()


async def test_a_write_in_flight_finishes_before_the_next_work_on_that_place_begins() -> None:
    """The old revision's last write can never land on top of the restore's."""
    answered = asyncio.Event()
    landed: list[str] = []

    async def write(work: Work) -> None:
        async def request() -> None:
            await answered.wait()
            landed.append(repr(work))

        await to_the_end(request())

    stage = Stage(write)
    await stage.want(NEXT)
    await stage.want(RESTORE)
    assert stage.diary == [("begin", NEXT)]
    answered.set()
    await until(lambda: ("begin", RESTORE) in stage.diary)
    assert stage.diary[:2] == [("begin", NEXT), ("end", NEXT)]
    assert landed[0] == repr(NEXT)
    await stage.crew.stop()


async def test_a_write_that_fails_while_its_work_ends_is_not_told_to_anybody(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Cancelled is cancelled: nothing is tried again, and the next work begins."""
    answered = asyncio.Event()

    async def write(work: Work) -> None:
        if work == RESTORE:
            return

        async def request() -> None:
            await answered.wait()
            raise ValueError("refused")

        await to_the_end(request())

    stage = Stage(write)
    await stage.want(NEXT)
    await stage.want(RESTORE)
    answered.set()
    await until(lambda: ("end", RESTORE) in stage.diary)
    assert stage.diary.count(("begin", NEXT)) == 1
    assert not caplog.records
    await stage.crew.stop()


async def test_a_second_cancellation_does_not_cut_a_write_off_either() -> None:
    """A time limit that runs out while a cancelled write finishes leaves nothing running behind."""
    answered = asyncio.Event()
    landed: list[int] = []

    async def request() -> None:
        await answered.wait()
        landed.append(1)

    writing = asyncio.create_task(to_the_end(request()))
    for _ in range(3):
        await asyncio.sleep(0)
        writing.cancel()
    await asyncio.sleep(0)
    assert not writing.done()
    answered.set()
    with pytest.raises(asyncio.CancelledError):
        await writing
    assert landed


async def test_a_silent_place_delays_no_other() -> None:
    """Work on another target begins while the first one's write still hangs."""
    answered = asyncio.Event()

    async def write(work: Work) -> None:
        if work == NEXT:
            await to_the_end(answered.wait())

    stage = Stage(write)
    await stage.want(NEXT)
    await stage.want(RESTORE, ELSEWHERE)
    assert ("end", ELSEWHERE) in stage.diary
    assert ("begin", RESTORE) not in stage.diary
    answered.set()
    await stage.crew.stop()


async def test_work_that_is_wanted_again_while_it_ends_begins_anew() -> None:
    """What was cancelled is over; the same work later is other work, after it."""
    stage = Stage()
    await stage.want(APPLY)
    stage.crew.reconcile(frozenset())
    await stage.want(APPLY)
    assert [what for what, _ in stage.diary] == ["begin", "end", "begin"]
    await stage.crew.stop()


async def test_a_defect_is_logged_and_the_work_tried_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Work must not end in silence while somebody waits for it."""
    monkeypatch.setattr(crews, "RESTART_AFTER_SECONDS", 0.0)
    tries: list[int] = []

    async def defective(_work: Work) -> None:
        tries.append(1)
        if len(tries) == 1:
            raise KeyError("no such thing")

    stage = Stage(defective)
    with caplog.at_level(logging.ERROR):
        await stage.want(APPLY)
        await until(lambda: len(tries) > 1)
    (logged,) = caplog.records
    assert logged.exc_info
    assert "trying again" in logged.message
    await stage.crew.stop()


async def test_stop_waits_until_nothing_is_left() -> None:
    """Also for what ends slowly, and for what had not begun."""
    slow = asyncio.Event()
    ended: list[Work] = []

    async def lingering(work: Work) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await slow.wait()
            ended.append(work)

    stage = Stage(lingering)
    await stage.want(APPLY, REACH)
    stopping = asyncio.create_task(stage.crew.stop())
    await asyncio.sleep(0)
    assert not stopping.done()
    slow.set()
    await asyncio.wait_for(stopping, 5)
    assert set(ended) == {APPLY, REACH}
    assert stage.crew.under_way() == ()


async def test_the_board_forgets_what_is_not_wanted_any_more() -> None:
    """A report of ended work does not speak for the same work when it is wanted again."""
    stage = Stage()
    await stage.want(APPLY, REACH)
    stage.board.target(APPLY, TargetReport(settled=True))
    stage.board.answers(REACH)
    await stage.want()
    assert not stage.board.targets()
    assert not stage.board.reachable()
    await stage.crew.stop()
