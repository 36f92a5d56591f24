"""Who we are towards one API server: the Authorization header, kept fresh.

Knows neither kubeconfig nor files; what `load` does is the business of `authentication`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from math import inf

from gitops.errors import Denied

Load = Callable[[bool], Awaitable[str]]


class Credentials:
    """The header's value, asked for again every `refresh` seconds and after the server said 401.

    `load(forced)` reads it anew; forced: the server refused the present one. Nothing here prints it.
    """

    def __init__(
        self,
        header: str = "",
        load: Load | None = None,
        *,
        refresh: float = inf,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._header = header
        self._load = load
        self._refresh = refresh
        self._monotonic = monotonic
        self._due = monotonic() + refresh
        self._lock = asyncio.Lock()

    def __repr__(self) -> str:
        return "Credentials(…)"

    async def header(self) -> str:
        """Give the Authorization header's value; empty where another means (a certificate) speaks for us."""
        if self._monotonic() >= self._due:
            await self._reload(self._header, forced=False)
        return self._header

    async def renew(self, refused: str) -> bool:
        """After a 401 for `refused`: read again; true when there is now something else to try."""
        if self._load is None:
            return False
        await self._reload(refused, forced=True)
        return self._header != refused

    async def _reload(self, seen: str, *, forced: bool) -> None:
        async with self._lock:
            if self._load is None or self._header != seen:
                return  # another task was here first
            if not forced and self._monotonic() < self._due:
                return
            self._due = self._monotonic() + self._refresh
            try:
                self._header = await self._load(forced)
            except Denied:
                # A token file that is being replaced: the old token serves until the server refuses it.
                return
