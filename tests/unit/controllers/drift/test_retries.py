"""When refused work is tried again."""

from __future__ import annotations

import asyncio

from controllers.drift.retries import FIRST_SECONDS, LONGEST_SECONDS, Alarms, Retries
from gitops.objects import ObjectKey
from tests.unit.controllers.drift.yard import SCOPE

A = ObjectKey("", "ConfigMap", "shop", "a")
B = ObjectKey("", "ConfigMap", "shop", "b")


def test_the_wait_doubles_up_to_a_bound_however_often_it_is_refused() -> None:
    """A refusal that lasts for weeks is one of many thousands."""
    retries = Retries()
    waits = [retries.refused(A) for _ in range(3000)]
    assert waits[:3] == [FIRST_SECONDS, 2 * FIRST_SECONDS, 4 * FIRST_SECONDS]
    assert waits[-1] == LONGEST_SECONDS
    assert LONGEST_SECONDS - 5 < retries.left(A) <= LONGEST_SECONDS
    assert retries.left(B) == 0.0
    retries.forget(A)
    assert retries.left(A) == 0.0
    assert retries.refused(A) == FIRST_SECONDS


async def test_a_new_alarm_takes_the_place_of_the_one_before() -> None:
    alarms, rung = Alarms(), list[str]()
    for name in ("first", "second"):
        alarms.ring_in(0.01, SCOPE, A, lambda name=name: rung.append(name))  # type: ignore[misc]
    alarms.ring_in(0.02, SCOPE, B, lambda: rung.append("other"))
    async with asyncio.timeout(10):
        while "other" not in rung:  # noqa: ASYNC110 - a timer tells nobody
            await asyncio.sleep(0.005)
    assert rung == ["second", "other"]
    alarms.ring_in(0.01, SCOPE, A, lambda: rung.append("never"))
    alarms.stop()
    await asyncio.sleep(0.05)
    assert rung == ["second", "other"]
