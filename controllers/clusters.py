"""Clients by connection, made when first used and shared by everything that talks to that cluster."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from controllers.adapters.kube.client import KubeClient
from controllers.adapters.kube.connection import ConnectionSettings, connect
from controllers.adapters.kube.wire import RequestSeen
from gitops.errors import GitopsError, Unreachable


class Clusters:
    """The operator's connections. A repository names them and can say nothing else about them."""

    def __init__(
        self,
        connections: Mapping[str, ConnectionSettings],
        on_request: Callable[[str, RequestSeen], None] = lambda _cluster, _seen: None,
        request_timeout_seconds: float = 30.0,
    ) -> None:
        self._connections = connections
        self._on_request = on_request
        self._timeout = request_timeout_seconds
        self._clients: dict[str, KubeClient] = {}
        self._lock = asyncio.Lock()

    async def client(self, connection: str) -> KubeClient:
        """Give the client for a connection.

        Raises Unreachable where the operator has not configured it, or not usably: that says nothing
        about a revision, and may be mended without a commit.
        """
        async with self._lock:
            if connection not in self._clients:
                self._clients[connection] = await self._connect(connection)
            return self._clients[connection]

    async def close(self) -> None:
        """Close all connections."""
        for client in self._clients.values():
            await client.close()
        self._clients.clear()

    async def _connect(self, name: str) -> KubeClient:
        settings = self._connections.get(name)
        if settings is None:
            known = ", ".join(sorted(self._connections)) or "none"
            raise Unreachable(
                f'connection "{name}" is not configured: add it to the controller\'s connections ({known})'
            )
        try:
            client = await connect(settings, timeout_seconds=self._timeout)
        except GitopsError as error:
            raise Unreachable(f"connection {name} cannot be used: {error}") from error
        client.on_request = lambda seen: self._on_request(name, seen)
        return client
