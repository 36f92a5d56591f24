"""What is done later."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from controllers.drift.timers import Alarms, Reminder
from gitops.objects import ObjectKey
from tests.unit.controllers.drift.yard import SCOPE

A = ObjectKey("", "ConfigMap", "shop", "a")
B = ObjectKey("", "ConfigMap", "shop", "b")


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


async def test_a_reminder_comes_once_and_later_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    loop, came, pauses = asyncio.get_running_loop(), asyncio.Event(), list[float]()

    def call_later(seconds: float, do: Callable[[], None]) -> asyncio.TimerHandle:
        pauses.append(seconds)
        return loop.call_at(loop.time(), do)

    monkeypatch.setattr(loop, "call_later", call_later)
    reminder = Reminder(came.set)
    for _ in range(3):
        reminder.later()
        reminder.later()
        await came.wait()
        came.clear()
    assert pauses == [0.5, 1.0, 2.0]
    reminder.reset()
    reminder.later()
    reminder.cancel()
    assert pauses[3:] == [0.5]
    reminder.stop()
    reminder.later()
    await asyncio.sleep(0)  # what was due would have rung
    assert pauses[4:] == []
    assert not came.is_set()
