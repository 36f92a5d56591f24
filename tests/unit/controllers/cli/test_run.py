"""`gitops run` has threads enough for builds that take long and for everything else."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

from controllers.cli import run


class Busy:
    """A fleet whose threads all wait for one another."""

    def __init__(self, threads: int) -> None:
        self._threads = threads

    async def run(self, **_how: Any) -> bool:
        """Wait for as many as there are threads."""
        meeting = threading.Barrier(self._threads)
        waiting = [asyncio.to_thread(meeting.wait, 20) for _ in range(self._threads)]
        return sorted(await asyncio.gather(*waiting)) == list(range(self._threads))


def test_work_that_waits_leaves_threads_for_other_work() -> None:
    """Fewer would never meet."""
    assert asyncio.run(run._run(Busy(32), once=True))  # type: ignore[arg-type]  # all that it needs of a Fleet
