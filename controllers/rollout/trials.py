"""Many renders at once, in processes of their own: the controller goes on with its other work meanwhile."""

from __future__ import annotations

import logging
import multiprocessing
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import wait

from controllers import processors
from gitops.render.trial import Trial, succeeds

log = logging.getLogger(__name__)

# Measured with 4,000 renders: 4.4 s of one process; 0.4 s of it, and 6.3 s of two others that had to start.
# So another core alone wins little, and fewer renders than half of that nothing.
WORTH_RENDERS = 2000
_CHUNK = 25
_LOOK_SECONDS = 0.2


class Trials:
    """Tries renders side by side, one batch after another. For any thread.

    The workers end with their batch, and with this process however it ends.
    """

    def __init__(self, workers: int = 0, worth: int = WORTH_RENDERS) -> None:
        """By default one for each processor but the controller's own; a single one is never started."""
        self._workers = workers or processors.available() - 1
        self._worth = worth
        self._lock = threading.Lock()

    def pay(self, renders: int) -> bool:
        """Whether so many renders are worth the processes."""
        return self._workers > 1 and renders >= self._worth

    def run(self, trials: Sequence[Trial], stopped: Callable[[], bool] = lambda: False) -> list[bool]:
        """Say of each trial whether it certainly succeeds: none where processes fail, or after `stopped`."""
        chunks = [trials[start : start + _CHUNK] for start in range(0, len(trials), _CHUNK)]
        with self._lock:
            if stopped() or not chunks:
                return [False] * len(trials)
            try:
                return self._run(chunks, stopped)
            except (BrokenProcessPool, OSError) as error:
                log.warning("processes that render have ended or cannot start, going on without: %s", error)
                return [False] * len(trials)

    def _run(self, chunks: Sequence[Sequence[Trial]], stopped: Callable[[], bool]) -> list[bool]:
        pool = ProcessPoolExecutor(
            max_workers=min(self._workers, len(chunks)),
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_end_with_parent,
        )
        try:
            futures = [pool.submit(_tried, chunk) for chunk in chunks]
            _wait(futures, stopped)
            unknown = ([False] * len(chunk) for chunk in chunks)
            found = (
                guess if future.cancelled() else future.result()
                for future, guess in zip(futures, unknown, strict=True)
            )
            return [one for answers in found for one in answers]
        finally:
            pool.shutdown(cancel_futures=True)


def _wait(futures: Sequence[Future[list[bool]]], stopped: Callable[[], bool]) -> None:
    while not stopped():
        try:
            for _ in as_completed(futures, timeout=_LOOK_SECONDS):
                pass
        except TimeoutError:
            continue
        return
    for future in futures:
        future.cancel()


def _tried(trials: Sequence[Trial]) -> list[bool]:
    return [succeeds(trial) for trial in trials]


def _end_with_parent() -> None:
    """A worker whose parent was killed would wait for work for ever."""
    parent = multiprocessing.parent_process()
    assert parent is not None  # noqa: S101 - this runs in workers only
    sentinel = parent.sentinel

    def watch() -> None:
        wait([sentinel])
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
