"""An HTTP server that answers what a test tells it to, and a client of it whose time is the test's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson
from aiohttp import web
from aiohttp.test_utils import TestServer

from controllers.adapters.kube.client import KubeClient
from controllers.adapters.kube.credentials import Credentials
from controllers.adapters.kube.patience import Patience
from controllers.adapters.kube.resources import Resource
from controllers.adapters.kube.transport import Route, Transport, open_session
from controllers.adapters.kube.wire import RequestSeen

CONFIG_MAPS = Resource("", "v1", "ConfigMap", "configmaps", namespaced=True)
SECRETS = Resource("", "v1", "Secret", "secrets", namespaced=True)
NODES = Resource("", "v1", "Node", "nodes", namespaced=False)

Play = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Seen:
    """One request as the server got it."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any


@dataclass
class ScriptedApi:
    """Answers requests with `plays` in order, and with `otherwise` (418 unless set) when those are over."""

    plays: list[Play] = field(default_factory=list)
    seen: list[Seen] = field(default_factory=list)
    otherwise: Play | None = None
    active: int = 0
    most_active: int = 0

    def then(self, *plays: Play) -> None:
        """Answer the next requests so."""
        self.plays.extend(plays)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Serve one request."""
        raw = await request.read()
        self.seen.append(
            Seen(
                request.method,
                request.rel_url.raw_path,
                dict(request.query),
                dict(request.headers),
                orjson.loads(raw) if raw else None,
            )
        )
        play = self.plays.pop(0) if self.plays else self.otherwise
        if play is None:
            return web.Response(status=418, text="no such scene")
        self.active += 1
        self.most_active = max(self.most_active, self.active)
        try:
            return await play(request)
        finally:
            self.active -= 1


def answers(body: Any = None, *, code: int = 200, headers: dict[str, str] | None = None) -> Play:
    """Answer with JSON."""

    async def play(_: web.Request) -> web.StreamResponse:
        return web.Response(
            status=code, body=orjson.dumps(body), content_type="application/json", headers=headers
        )

    return play


def says(text: str, *, code: int = 200, headers: dict[str, str] | None = None) -> Play:
    """Answer with plain text."""

    async def play(_: web.Request) -> web.StreamResponse:
        return web.Response(status=code, text=text, headers=headers)

    return play


def refuses(code: int, message: str, *, headers: dict[str, str] | None = None, **more: Any) -> Play:
    """Answer with a `metav1.Status`."""
    status = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message, "code": code}
    return answers(status | more, code=code, headers=headers)


def hangs(until: asyncio.Event | None = None) -> Play:
    """Take the request and say nothing until then, or until the client goes away."""

    async def play(_: web.Request) -> web.StreamResponse:
        await (until or asyncio.Event()).wait()
        return web.Response(body=b"{}")

    return play


def drops() -> Play:
    """Take the request and cut the connection."""

    async def play(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    return play


def streams(
    *chunks: bytes, then: asyncio.Event | None = None, cut: bool = False, started: asyncio.Event | None = None
) -> Play:
    """Send chunks as they are, then wait for `then`, then end properly or, with `cut`, in the middle."""

    async def play(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        response.enable_chunked_encoding()
        await response.prepare(request)
        for chunk in chunks:
            await response.write(chunk)
        if started is not None:
            started.set()
        if then is not None:
            await then.wait()
        if cut:
            assert request.transport is not None
            request.transport.abort()
        return response

    return play


def event(kind: str, body: dict[str, Any]) -> bytes:
    """Write a watch event's line."""
    return orjson.dumps({"type": kind, "object": body}) + b"\n"


def config_map(name: str, version: str = "1", namespace: str = "shop") -> dict[str, Any]:
    """Write a ConfigMap as a server would."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": namespace, "resourceVersion": version},
    }


@dataclass
class TestClock:
    """Time that passes only by sleeping; `waits` is how long each sleep was."""

    __test__ = False

    now: float = 0.0
    waits: list[float] = field(default_factory=list)

    def patience(self, **overrides: Any) -> Patience:
        """Give patience that goes by this clock, always with the longest jitter."""
        chosen: dict[str, Any] = {
            "attempt": 5.0,
            "total": 20.0,
            "silence": 5.0,
            "rng": lambda: 1.0,
            "sleep": self.sleep,
            "monotonic": lambda: self.now,
        }
        return Patience(**{**chosen, **overrides})

    async def sleep(self, seconds: float) -> None:
        """Let the time pass at once."""
        self.waits.append(seconds)
        self.now += seconds
        await asyncio.sleep(0)


@dataclass
class Stage:
    """A scripted server, a client of it, the clock they share, and what went over the wire."""

    api: ScriptedApi
    client: KubeClient
    clock: TestClock
    wire: list[RequestSeen]
    url: str


async def until(condition: Callable[[], bool]) -> None:
    """Wait for a condition; the loop turns meanwhile."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - the condition is somebody else's state, there is no event
            await asyncio.sleep(0.001)


@asynccontextmanager
async def staged(credentials: Credentials | None = None, **patience: Any) -> AsyncIterator[Stage]:
    """Start a scripted server and a client of it; `patience` overrides the clock's."""
    api = ScriptedApi()
    app = web.Application(client_max_size=2**26)
    app.router.add_route("*", "/{path:.*}", api.handle)
    server = TestServer(app)
    await server.start_server(shutdown_timeout=0.1)
    url = str(server.make_url("")).rstrip("/")
    clock = TestClock()
    transport = Transport(
        "east",
        Route(url),
        open_session(None),
        credentials or Credentials(),
        patience=clock.patience(**patience),
        connections=4,
    )
    client = KubeClient(transport)
    wire: list[RequestSeen] = []
    client.on_request = wire.append
    try:
        yield Stage(api, client, clock, wire, url)
    finally:
        await client.close()
        await server.close()
