"""Two simulated clusters behind one port, with a clock that stands still, and a client for them."""

from __future__ import annotations

import io
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest

from simcluster.clock import SteppedClock
from simcluster.cluster import Cluster
from simcluster.fleet import Fleet, Settings
from simcluster.rbac.rules import Identity

LIMITED = "limited-token"


@dataclass(frozen=True)
class Reply:
    """An answer: `body` is decoded where it is JSON."""

    status: int
    headers: Mapping[str, str]
    warnings: list[str]
    text: str

    @property
    def body(self) -> Any:
        """The body, decoded."""
        return json.loads(self.text)

    @property
    def message(self) -> str:
        """What a Status says."""
        return str(self.body["message"])


class Client:
    """Requests to one cluster, as the administrator unless `token` says otherwise ("" for nobody)."""

    def __init__(self, session: aiohttp.ClientSession, url: str, token: str) -> None:
        self.session = session
        self.url = url
        self.token = token

    async def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        token: str | None = None,
        content_type: str = "application/json",
        **headers: str,
    ) -> Reply:
        """Send a request and return whatever was answered. `headers` have underscores for hyphens."""
        async with self.open(
            method, path, body, token=token, content_type=content_type, **headers
        ) as response:
            text = await response.text()
            return Reply(response.status, response.headers, response.headers.getall("Warning", []), text)

    def open(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        token: str | None = None,
        content_type: str = "application/json",
        **headers: str,
    ) -> Any:
        """Begin a request, to read its answer as it comes."""
        sent = {key.replace("_", "-"): value for key, value in headers.items()}
        credential = self.token if token is None else token
        if credential:
            sent["Authorization"] = f"Bearer {credential}"
        if body is not None:
            sent["Content-Type"] = content_type
        raw = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        data = None if raw is None else io.BytesIO(raw)
        return self.session.request(method, f"{self.url}{path}", data=data, headers=sent)

    async def get(self, path: str, **headers: str) -> Any:
        """Return the body of a GET that succeeds."""
        reply = await self.send("GET", path, **headers)
        assert reply.status == 200, reply.text
        return reply.body

    async def make(self, path: str, name: str, **rest: Any) -> Any:
        """Create an object that the cluster accepts, and return it."""
        reply = await self.send("POST", path, {"metadata": {"name": name}, **rest})
        assert reply.status == 201, reply.text
        return reply.body


@pytest.fixture
async def fleet() -> AsyncIterator[Fleet]:
    tokens = {LIMITED: Identity("limited", ("system:authenticated",), "limited")}
    settings = Settings(clusters=2, nodes=1, tls=False, tokens=tokens, clock=SteppedClock)
    async with Fleet(settings) as served:
        yield served


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    # Paths with tricks in them must arrive as they are written.
    async with aiohttp.ClientSession(
        requote_redirect_url=False, timeout=aiohttp.ClientTimeout(total=20)
    ) as made:
        yield made


@pytest.fixture
def client(fleet: Fleet, session: aiohttp.ClientSession) -> Client:
    return Client(session, fleet.url("cluster-1"), fleet.token)


@pytest.fixture
def other(fleet: Fleet, session: aiohttp.ClientSession) -> Client:
    return Client(session, fleet.url("cluster-2"), fleet.token)


@pytest.fixture
def cluster(fleet: Fleet) -> Cluster:
    return fleet.clusters["cluster-1"]


@pytest.fixture
def clock(cluster: Cluster) -> SteppedClock:
    assert isinstance(cluster.clock, SteppedClock)
    return cluster.clock
