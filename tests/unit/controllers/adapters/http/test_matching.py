"""Searching with foreign patterns, in bounded time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from controllers.adapters.http.matching import HOLD_SECONDS, Matcher, MatchUnknown

EVIL = "(a+)+$"


class Clock:
    """Stands still until told otherwise."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """Tell the time."""
        return self.now


@pytest.fixture
async def clock() -> Clock:
    return Clock()


@pytest.fixture
async def matcher(clock: Clock) -> AsyncIterator[Matcher]:
    made = Matcher(clock, seconds=0.3)
    yield made
    await made.close()


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        ("ok", "all ok\n", True),
        ("^ok$", "not ok", False),
        (r"[Oo]k\.", "Ok.", True),
        (r"a\s+b", "a \t b", True),
        ("(?i)READY|well", "ready", True),
        ("é+", "caf\u00e9\n\u2028", True),
        ("x{3}", "xx", False),
    ],
)
async def test_a_search_answers_as_re_does(matcher: Matcher, pattern: str, text: str, *, found: bool) -> None:
    assert await matcher.search(pattern, text) is found


async def test_a_pattern_that_backtracks_for_ever_ends_and_is_held(matcher: Matcher, clock: Clock) -> None:
    """It costs others one time limit, not one for each sample; later it may try again with another body."""
    text = "a" * 5000 + "!"
    with pytest.raises(MatchUnknown):
        await matcher.search(EVIL, text)
    began = time.perf_counter()
    with pytest.raises(MatchUnknown):
        await matcher.search(EVIL, "a")
    assert time.perf_counter() - began < 0.2
    assert await matcher.search("o+", "ok")
    clock.now = HOLD_SECONDS + 1
    assert await matcher.search(EVIL, "aaa")


async def test_the_loop_goes_on_while_a_pattern_backtracks(matcher: Matcher) -> None:
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            ticks += 1
            await asyncio.sleep(0.01)

    ticking = asyncio.create_task(tick())
    with pytest.raises(MatchUnknown):
        await matcher.search(EVIL, "a" * 5000 + "!")
    ticking.cancel()
    assert ticks > 5


async def test_a_search_that_is_cancelled_leaves_no_answer_for_the_next(matcher: Matcher) -> None:
    assert not await matcher.search("z+", "a")
    searching = asyncio.create_task(matcher.search(EVIL, "a" * 5000 + "!"))
    async with asyncio.timeout(5):
        while not matcher._turn.locked():  # noqa: ASYNC110 - the state of interest has no event
            await asyncio.sleep(0)
    searching.cancel()
    with pytest.raises(asyncio.CancelledError):
        await searching
    assert await asyncio.gather(*(matcher.search(f"{n}+$", "x7") for n in range(10))) == [
        n == 7 for n in range(10)
    ]


async def test_a_process_that_died_is_started_again(matcher: Matcher) -> None:
    assert await matcher.search("o+", "ok")
    process = matcher._process
    assert process is not None
    process.kill()
    await process.wait()
    assert await matcher.search("o+", "ok")
