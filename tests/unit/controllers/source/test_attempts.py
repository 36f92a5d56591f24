"""Costly work is done once for all who want it at the same time; a failure is not tried again at once."""

from __future__ import annotations

import threading

import pytest

from controllers.source.attempts import FAILED_SECONDS, Attempts
from gitops.errors import InvalidInput, Location, Problem, ToolMissing


class Work:
    """Counts; fails where it is told to."""

    def __init__(self) -> None:
        self.done = 0
        self.fails = False

    def __call__(self) -> int:
        """Do it."""
        self.done += 1
        if self.fails:
            raise InvalidInput(Problem(Location("a"), f"failure {self.done}"))
        return self.done


def test_a_failure_is_told_again_for_a_while() -> None:
    now, work = [0.0], Work()
    attempts = Attempts(lambda: now[0])
    work.fails = True
    for _ in range(3):
        with pytest.raises(InvalidInput, match="failure 1"):
            attempts.run("key", work)
    now[0] = FAILED_SECONDS
    with pytest.raises(InvalidInput, match="failure 2"):
        attempts.run("key", work)
    now[0] += FAILED_SECONDS - 1
    with pytest.raises(InvalidInput, match="failure 2"):
        attempts.run("key", work)
    now[0] += 1
    work.fails = False
    assert attempts.run("key", work) == 3


def test_a_missing_tool_is_looked_for_again_at_once() -> None:
    attempts, found = Attempts(), list[str]()

    def work() -> str:
        if not found:
            raise ToolMissing(Problem(Location("a"), "not there"))
        return found[0]

    with pytest.raises(ToolMissing):
        attempts.run("key", work)
    found.append("there")
    assert attempts.run("key", work) == "there"


def test_another_key_is_another_thing() -> None:
    attempts, work = Attempts(), Work()
    work.fails = True
    with pytest.raises(InvalidInput):
        attempts.run("one", work)
    work.fails = False
    assert attempts.run("two", work) == 2


def test_failures_are_kept_within_a_bound() -> None:
    attempts, work = Attempts(), Work()
    work.fails = True
    for number in range(2000):
        with pytest.raises(InvalidInput):
            attempts.run(str(number), work)
    assert len(attempts._failed) == 1000
    assert attempts._running == {}


def test_who_wants_the_same_waits_for_it() -> None:
    """And then finds what the first has made."""
    attempts, made = Attempts(), dict[str, int]()
    inside, started = threading.Semaphore(0), threading.Barrier(4)
    together: list[int] = []

    def work() -> int:
        together.append(1)
        assert inside.acquire(timeout=20)
        if "it" not in made:
            made["it"] = len(together)
        return made["it"]

    found: list[int] = []

    def ask() -> None:
        started.wait(timeout=20)
        found.append(attempts.run("key", work))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in threads:
        inside.release()
    for thread in threads:
        thread.join()
    assert found == [1, 1, 1, 1]
