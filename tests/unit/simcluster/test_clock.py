"""The stepped clock keeps its promises about order and time; the real one runs on the event loop."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from simcluster.clock import RealClock, SteppedClock, micro_timestamp, timestamp


@given(st.lists(st.integers(0, 50)))
def test_what_is_due_runs_in_order_of_time_and_then_of_asking(delays: list[int]) -> None:
    clock = SteppedClock()
    ran: list[tuple[int, int]] = []
    for number, delay in enumerate(delays):
        clock.call_later(delay, lambda delay=delay, number=number: ran.append((delay, number)))  # type: ignore[misc]
    clock.step(25)
    assert ran == sorted((delay, number) for number, delay in enumerate(delays) if delay <= 25)
    clock.step(25)
    assert len(ran) == len(delays)
    assert clock.until_next() is None


def test_each_function_sees_its_own_time() -> None:
    clock = SteppedClock()
    start = clock.now()
    seen: list[datetime] = []
    clock.call_later(3, lambda: seen.append(clock.now()))
    clock.step(10)
    assert seen == [start + timedelta(seconds=3)]
    assert clock.now() == start + timedelta(seconds=10)


def test_a_step_runs_what_it_causes_as_far_as_it_reaches() -> None:
    clock = SteppedClock()
    beats: list[float] = []
    start = clock.now()

    def beat() -> None:
        beats.append((clock.now() - start).total_seconds())
        clock.call_later(2, beat)

    clock.call_later(2, beat)
    clock.step(7)
    assert beats == [2, 4, 6]
    assert clock.until_next() == 1


def test_what_was_cancelled_does_not_run() -> None:
    clock = SteppedClock()
    ran: list[str] = []
    handle = clock.call_later(1, lambda: ran.append("cancelled"))
    clock.call_later(1, lambda: ran.append("kept"))
    handle.cancel()
    clock.step(1)
    handle.cancel()
    assert ran == ["kept"]


def test_nothing_runs_before_the_caller_returns() -> None:
    clock = SteppedClock()
    ran: list[int] = []
    clock.call_later(0, lambda: ran.append(1))
    assert not ran
    clock.step(0)
    assert ran == [1]


async def test_the_real_clock_runs_on_the_event_loop() -> None:
    clock = RealClock()
    assert clock.now().tzinfo is UTC
    done = asyncio.Event()
    cancelled = clock.call_later(0, lambda: (_ for _ in ()).throw(AssertionError))
    cancelled.cancel()
    clock.call_later(0, done.set)
    await asyncio.wait_for(done.wait(), 5)


def test_times_are_written_as_the_api_writes_them() -> None:
    moment = datetime(2026, 3, 4, 5, 6, 7, 89, tzinfo=UTC)
    assert timestamp(moment) == "2026-03-04T05:06:07Z"
    assert micro_timestamp(moment) == "2026-03-04T05:06:07.000089Z"
