"""Faults are values that are checked when made, drawn by a seeded generator, and read from JSON."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import pytest

from simcluster.faults import NONE, FaultInjector, Faults, from_json, to_json


def test_without_faults_nothing_fails_and_nothing_waits() -> None:
    injector = FaultInjector()
    assert {injector.failure() for _ in range(100)} == {None}
    assert injector.delay() == 0


def test_rates_are_shares_of_requests() -> None:
    injector = FaultInjector(seed=1)
    injector.set(Faults(too_many_requests=0.2, internal_error=0.3, unavailable=0.1))
    drawn = Counter(error.code if (error := injector.failure()) else 200 for _ in range(5000))
    shares = {code: round(count / 5000, 1) for code, count in drawn.items()}
    assert shares == {429: 0.2, 500: 0.3, 503: 0.1, 200: 0.4}


def test_too_many_requests_says_when_to_come_back() -> None:
    injector = FaultInjector()
    injector.set(Faults(too_many_requests=1, retry_after=7))
    error = injector.failure()
    assert error is not None
    assert error.headers == {"Retry-After": "7"}
    assert error.status["details"]["retryAfterSeconds"] == 7


def test_one_seed_gives_one_course_of_events() -> None:
    def course(seed: int) -> list[Any]:
        injector = FaultInjector(seed)
        injector.set(Faults(unavailable=0.5, latency=1, jitter=1))
        return [(injector.failure() is None, injector.delay()) for _ in range(50)]

    assert course(3) == course(3) != course(4)
    assert all(1 <= delay <= 2 for _, delay in course(3))


def test_listeners_hear_of_every_change() -> None:
    injector = FaultInjector()
    heard: list[Faults] = []
    injector.on_change(heard.append)
    injector.set(Faults(read_only=True))
    injector.clear()
    assert heard == [Faults(read_only=True), NONE]


def test_json_is_read_as_written() -> None:
    faults = Faults(latency=0.5, too_many_requests=0.1, partition="blackHole", read_only=True)
    assert from_json(to_json(faults)) == faults
    assert to_json(faults)["tooManyRequests"] == 0.1
    assert from_json({}) == NONE


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ([], "must be an object"),
        ({"latencie": 1}, "unknown fault 'latencie'"),
        ({"latency": "1"}, "latency must be a number"),
        ({"latency": True}, "latency must be a number"),
        ({"latency": -1}, "latency must not be negative"),
        ({"unavailable": 1.5}, "must be a share from 0 to 1"),
        ({"partition": "maybe"}, "partition must be one of none, refuse, blackHole"),
        ({"readOnly": 1}, "readOnly must be a bool"),
    ],
)
def test_mistakes_in_json_are_told(body: object, words: str) -> None:
    with pytest.raises(ValueError, match=re.escape(words)):
        from_json(body)
