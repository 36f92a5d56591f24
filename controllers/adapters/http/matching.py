"""Search a text with a pattern that somebody else wrote, in bounded time.

`re` backtracks: a pattern such as `(a+)+$` can take years, and `re` holds the interpreter's lock for all of
it, so a thread with a timeout would stop the whole controller. The search therefore runs in a process that
can be killed. Patterns without repetition, choice or groups cost at most text times pattern and need none.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from gitops.errors import TransientError

_BACKTRACKS = frozenset("*+?{|(")
_WORKER = Path(__file__).with_name("match_worker.py")
SECONDS = 1.0
HOLD_SECONDS = 60.0


class MatchUnknown(TransientError):  # noqa: N818 - neither yes nor no
    """The search did not end in time, or its process ended before."""


class Matcher:
    """One process for all searches, one at a time, started when first needed.

    A pattern that took longer than `seconds` is not tried again for HOLD_SECONDS, so that it cannot keep the
    process from the gates of others. Raises MatchUnknown.
    """

    def __init__(self, now: Callable[[], float], *, seconds: float = SECONDS) -> None:
        self._now = now
        self._seconds = seconds
        self._turn = asyncio.Lock()
        self._process: Process | None = None
        self._killed: list[Process] = []
        self._held: dict[str, float] = {}

    async def search(self, pattern: str, text: str) -> bool:
        """Whether `pattern` (Python's `re`) is found anywhere in `text`."""
        if not _BACKTRACKS & set(pattern):
            return re.search(pattern, text) is not None
        async with self._turn:
            if self._now() < self._held.get(pattern, 0.0):
                raise MatchUnknown("the body match takes too long: write it with less repetition")
            try:
                process = await self._running()  # starting it is not the pattern's fault
                async with asyncio.timeout(self._seconds):
                    return await _ask(process, pattern, text)
            except TimeoutError:
                self._hold(pattern)
                raise MatchUnknown("the body match takes too long: write it with less repetition") from None
            except OSError:
                self._kill()
                raise MatchUnknown("the body match could not be run") from None
            except BaseException:
                self._kill()  # its answer would be taken for the next one's
                raise

    async def close(self) -> None:
        """End the process."""
        self._kill()
        for process in self._killed:
            with suppress(OSError):
                await process.communicate()
        self._killed.clear()

    async def _running(self) -> Process:
        if self._process is None or self._process.returncode is not None:
            # Its own session: a terminal's Ctrl-C is the controller's to handle.
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-I",
                "-S",
                str(_WORKER),
                stdin=PIPE,
                stdout=PIPE,
                stderr=DEVNULL,
                env={},
                start_new_session=True,
            )
        return self._process

    def _hold(self, pattern: str) -> None:
        self._kill()
        now = self._now()
        self._held = {held: until for held, until in self._held.items() if until > now}
        self._held[pattern] = now + HOLD_SECONDS

    def _kill(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            with suppress(ProcessLookupError):
                process.kill()
            self._killed = [*(one for one in self._killed if one.returncode is None), process]


async def _ask(process: Process, pattern: str, text: str) -> bool:
    if process.stdin is None or process.stdout is None:
        raise MatchUnknown("the body match could not be run")
    process.stdin.write(json.dumps([pattern, text]).encode() + b"\n")
    await process.stdin.drain()
    answer = await process.stdout.readline()
    if not answer:
        raise MatchUnknown("the body match could not be run")
    return answer == b"true\n"
