"""One cluster as the server sees it: who may come in, what is open, and what goes wrong on purpose."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from simcluster.clock import Clock
from simcluster.cluster import Cluster
from simcluster.faults import NONE, Faults, read_only_error
from simcluster.rbac.authorizer import Authorizer
from simcluster.rbac.rules import Identity
from simcluster.server.authentication import Authenticator
from simcluster.server.events import Lines
from simcluster.server.tokens import ServiceAccountTokens


class Refused(Exception):  # noqa: N818 - what happens to the connection
    """The connection ends without an answer."""


class Site:
    """Everything that a request to one cluster needs. `tokens`: those of no service account."""

    __slots__ = ("_healed", "accounts", "authenticator", "authorizer", "cluster", "lines", "open", "watches")

    def __init__(self, cluster: Cluster, tokens: Mapping[str, Identity], key: bytes) -> None:
        self.cluster = cluster
        self.authorizer = Authorizer(cluster.store)
        self.accounts = ServiceAccountTokens(cluster.store, cluster.clock, key)
        self.authenticator = Authenticator(tokens, self.accounts)
        self.lines = Lines(cluster.clock.now)
        self.open: set[asyncio.Transport] = set()  # connections with a request in work
        self.watches: set[asyncio.Transport] = set()  # those of them that stream a watch
        self._healed: asyncio.Event | None = None
        cluster.faults.on_change(self._on_faults)

    async def suffer(self) -> None:
        """Do to a request what the faults want before it is looked at.

        Returns when it may go on. Raises Refused, or `ApiError` for a failure that was drawn.
        """
        faults = self.cluster.faults
        if faults.current is NONE:
            return
        await self.reachable()
        delay = faults.delay()
        if delay:
            await sleep(self.cluster.clock, delay)
            await self.reachable()
        failure = faults.failure()
        if failure is not None:
            raise failure

    async def reachable(self) -> None:
        """Wait out a black hole. Raises Refused while connections are refused."""
        while (partition := self.cluster.faults.current.partition) != "none":
            if partition == "refuse":
                raise Refused
            if self._healed is None:
                self._healed = asyncio.Event()
            await self._healed.wait()

    @contextmanager
    def watching(self, transport: asyncio.Transport | None) -> Iterator[None]:
        """Count a connection among those of `drop_watches` while it streams."""
        if transport is None:
            raise ConnectionResetError
        self.watches.add(transport)
        try:
            yield
        finally:
            self.watches.discard(transport)

    def drop_watches(self) -> None:
        """End the connections of all open watches, as a restart of the server does."""
        for transport in tuple(self.watches):
            transport.abort()

    def _on_faults(self, faults: Faults) -> None:
        self.cluster.store.refusal = read_only_error() if faults.read_only else None
        if faults.partition == "refuse":
            for transport in tuple(self.open):
                transport.abort()
        if faults.partition != "blackHole" and self._healed is not None:
            self._healed.set()
            self._healed = None


async def sleep(clock: Clock, seconds: float) -> None:
    """Wait by the cluster's own clock."""
    done = asyncio.get_running_loop().create_future()

    def wake() -> None:
        if not done.done():
            done.set_result(None)

    handle = clock.call_later(seconds, wake)
    try:
        await done
    finally:
        handle.cancel()
