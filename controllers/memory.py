"""Keeps the garbage collector's pauses short: nothing else of the process runs meanwhile.

A full collection walks every object there is: with 100,000 files, for a quarter of a second. What was read
at the start stays, or is freed without the collector once it is replaced: nothing in it refers to itself.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable

_LOOK_SECONDS = 1.0


async def set_start_apart(started: Callable[[], bool]) -> None:
    """Once it has `started`, leave all objects that there are out of every later collection, until cancelled.

    Reference cycles among them that become garbage stay until then: tasks and sessions of the start, a few.
    """
    while not started():  # noqa: ASYNC110 - nobody announces it: every environment has a part in it
        await asyncio.sleep(_LOOK_SECONDS)
    gc.collect()
    gc.freeze()
    try:
        await asyncio.Event().wait()
    finally:
        gc.unfreeze()
