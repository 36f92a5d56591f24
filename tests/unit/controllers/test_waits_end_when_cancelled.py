"""Waits of the loops end when cancelled, also when what they wait for happens in the same moment."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any

import pytest

from controllers.rollout.worker import _change
from controllers.source.follower import wait_for_hint


async def _follower(changed: asyncio.Event) -> None:
    await wait_for_hint(changed, 60.0)


async def _worker(changed: asyncio.Event) -> None:
    watch: Any = SimpleNamespace(changed=changed)
    seen: Any = SimpleNamespace(look_again_in=None)
    await _change(watch, seen)


@pytest.mark.parametrize("turns", range(4))
@pytest.mark.parametrize("wait", [_follower, _worker])
async def test_a_cancellation_is_not_lost_to_an_event_of_the_same_moment(
    wait: Callable[[asyncio.Event], Awaitable[None]], turns: int
) -> None:
    """A loop that missed it would go on for ever, and the process would not end.

    `turns` of the event loop lie between the event and the cancellation.
    """
    changed = asyncio.Event()

    async def loop() -> None:
        while True:
            await wait(changed)
            changed.clear()

    task = asyncio.create_task(loop())
    for _ in range(3):
        await asyncio.sleep(0)
    changed.set()
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    done, _ = await asyncio.wait({task}, timeout=1.0)
    lost = not done
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    assert not lost
