"""Names to addresses, in threads of its own: a name server that hangs holds up no other work."""

from __future__ import annotations

import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from aiohttp.abc import AbstractResolver, ResolveResult

_THREADS = 4


class ThreadsOfItsOwn(AbstractResolver):
    """`getaddrinfo`. The loop's default threads are few, and libgit2 works in them."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_THREADS, "http-gate-dns")

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """All addresses of `host`; raises OSError (socket.gaierror) where there are none."""
        ask = partial(socket.getaddrinfo, host, port, family, socket.SOCK_STREAM)
        found = await asyncio.get_running_loop().run_in_executor(self._threads, ask)
        return [
            ResolveResult(
                hostname=host,
                host=str(place[0]),
                port=port,
                family=kind,
                proto=protocol,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for kind, _, protocol, _, place in found
        ]

    async def close(self) -> None:
        """Take no more questions; one that hangs ends by itself."""
        self._threads.shutdown(wait=False, cancel_futures=True)
