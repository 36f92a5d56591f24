"""Follow one repository: fetch when something hints at a change, and now and then without a hint.

Level-triggered: a hint (a webhook, a written ref, a timer) says only that it is worth fetching; what there is
to know comes from the fetch. Hints during a fetch cause one more fetch, however many they were.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Protocol

from controllers.adapters.git import Fetched
from controllers.source.refs import RefWatch
from gitops.errors import GitopsError, TransientError

Wait = Callable[[asyncio.Event, float], Awaitable[None]]


class Source(Protocol):
    """What is followed; Mirror is one."""

    def fetch(self) -> Fetched:
        """Ask the remote. Blocks; raises GitopsError."""


@dataclass(frozen=True, slots=True)
class Timing:
    """How long to wait between fetches, in seconds.

    Each wait is drawn from ±`jitter` (a fraction) around its length, so that many controllers do not ask at
    once. After the n-th error in a row it is `backoff`·2ⁿ⁻¹, at most `longest`.
    """

    interval: float = 60.0
    jitter: float = 0.1
    backoff: float = 1.0
    longest: float = 300.0

    def after(self, failures: int, rng: Random, wish: float | None = None) -> float:
        """Choose the next wait; never shorter than the other side's `wish`."""
        base = min(self.backoff * 2 ** min(failures - 1, 30), self.longest) if failures else self.interval
        return max(base * rng.uniform(1 - self.jitter, 1 + self.jitter), wish or 0.0)


async def wait_for_hint(hinted: asyncio.Event, seconds: float) -> None:
    """Return at the hint, or after the time."""
    # Not wait_for: Python 3.11's loses a cancellation that comes together with the hint.
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await hinted.wait()


class Follower:
    """Yields what fetches found, from the event loop that iterates `changes`.

    `watch` is the folder of a local repository, whose refs are then watched. `wait` is for tests.
    """

    def __init__(
        self,
        source: Source,
        *,
        watch: Path | None = None,
        timing: Timing | None = None,
        rng: Random | None = None,
        wait: Wait = wait_for_hint,
    ) -> None:
        self._source = source
        self._watch = watch
        self._timing = timing or Timing()
        self._rng = rng or Random()  # noqa: S311 - spreads load, guards nothing
        self._wait = wait
        self._hinted = asyncio.Event()
        self._watching = contextlib.ExitStack()
        self._watching_now = False

    def hint(self) -> None:
        """Fetch now, or once more after the fetch that is under way. Call it from the event loop."""
        self._hinted.set()

    async def changes(self) -> AsyncGenerator[Fetched | GitopsError, None]:
        """Yield the first outcome, then every change, every error, and the first success after an error.

        Never ends by itself, and never raises a GitopsError: even what is terminal for one fetch (a branch
        that vanished) ends when people push. Close the iterator to stop watching.
        """
        last: Fetched | GitopsError | None = None
        failures = 0
        try:
            while True:
                self._start_watching()
                self._hinted.clear()
                outcome = await self._fetch()
                failed = isinstance(outcome, GitopsError)
                failures = failures + 1 if failed else 0
                if failed:  # the folder may come back as another one, which has to be watched anew
                    await asyncio.to_thread(self._watching.close)
                if failed or _is_news(outcome, last):
                    yield outcome
                last = outcome
                wish = outcome.retry_after if isinstance(outcome, TransientError) else None
                await self._wait(self._hinted, self._timing.after(failures, self._rng, wish))
        finally:
            await asyncio.to_thread(self._watching.close)

    async def _fetch(self) -> Fetched | GitopsError:
        try:
            return await asyncio.to_thread(self._source.fetch)
        except GitopsError as error:
            return error

    def _start_watching(self) -> None:
        """Watch if we do not yet; a repository that cannot be watched now is polled until it can."""
        if self._watch is None or self._watching_now:
            return
        loop = asyncio.get_running_loop()

        def changed() -> None:
            with contextlib.suppress(RuntimeError):  # the loop was closed before the watching thread ended
                loop.call_soon_threadsafe(self._hinted.set)

        with contextlib.suppress(GitopsError, OSError):
            self._watching.enter_context(RefWatch(self._watch, changed))
            self._watching.callback(self._watch_ended)
            self._watching_now = True

    def _watch_ended(self) -> None:
        self._watching_now = False


def _is_news(outcome: Fetched | GitopsError, last: Fetched | GitopsError | None) -> bool:
    if not isinstance(last, Fetched) or not isinstance(outcome, Fetched):
        return True
    return (outcome.head, outcome.seen, outcome.diverged) != (last.head, last.seen, last.diverged)
