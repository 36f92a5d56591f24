"""Tasks that go on beside whoever began them, until they end or are ended."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any


class Tasks:
    """Used from the event loop only."""

    def __init__(self) -> None:
        self._under_way: set[asyncio.Task[None]] = set()

    def begin(self, work: Coroutine[Any, Any, None]) -> None:
        """Let work go on by itself. Where it raises, nobody is told."""
        task = asyncio.create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def finish(self) -> None:
        """Wait for all that is under way."""
        if self._under_way:
            await asyncio.wait(self._under_way)

    async def stop(self) -> None:
        """End all that is under way, and wait for it."""
        for task in self._under_way:
            task.cancel()
        await self.finish()
