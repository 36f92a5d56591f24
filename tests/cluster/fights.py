"""Somebody who does again whatever the controller undoes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress


@asynccontextmanager
async def fighting(undone: Callable[[], bool], again: Callable[[], object]) -> AsyncIterator[None]:
    """Within this, `again` is called as soon as it was undone."""

    async def fight() -> None:
        while True:
            if undone():
                again()
            await asyncio.sleep(0.02)

    fighter = asyncio.create_task(fight())
    try:
        yield
    finally:
        fighter.cancel()
        with suppress(asyncio.CancelledError):
            await fighter
