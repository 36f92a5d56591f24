"""How long we wait for an API server, and how often we ask again."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Patience:
    """All times are in seconds. `rng` gives numbers from 0 up to 1.

    `attempt` bounds one request, `total` all attempts of one call with the waits between them, `knocking`
    the same where no connection comes about: whoever asks shall be able to say soon that nobody is there.
    `silence` is how long a watch may stay quiet: API servers send a bookmark about every 60 s.
    """

    attempt: float = 30.0
    total: float = 60.0
    knocking: float = 3.0
    silence: float = 90.0
    first_wait: float = 0.1
    longest_wait: float = 10.0
    rng: Callable[[], float] = random.random
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    monotonic: Callable[[], float] = time.monotonic

    def wait(self, failures: int, wish: float | None = None) -> float:
        """Choose the wait after so many failures in a row (from 1), never shorter than the server's wish.

        Half of it is jitter, so that clients that failed together do not come back together.
        """
        step = min(self.first_wait * 2.0 ** min(failures - 1, 30), self.longest_wait)
        jittered = step / 2 + self.rng() * step / 2
        return jittered if wish is None else wish + self.rng() * self.first_wait
