"""The HTTP server. It only reads: GET and HEAD, no bodies, a bounded number of requests at once."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import NoReturn

import orjson
from aiohttp import web

from controllers.metrics import CONTENT_TYPE, Metrics
from controllers.web.status import StatusPort
from gitops.errors import TerminalError
from gitops.objects import JsonObject
from gitops.views.status import environments_form
from gitops.views.waits import waits_form

log = logging.getLogger(__name__)

MAX_AT_ONCE = 32
_BODY_BYTES = 1024
_KEEPALIVE_SECONDS = 30.0
_STOP_SECONDS = 2.0
_METHODS = ("GET", "HEAD")
_PROBES = frozenset({"/healthz", "/readyz"})  # never turned away: a busy controller is not a dead one
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "Server": "gitops-waves",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class WebServer:
    """Serves `/metrics`, `/healthz`, `/readyz` and `/api/v1/`. `redact` takes secrets out of texts."""

    def __init__(
        self, metrics: Metrics, status: StatusPort, redact: Callable[[str], str] = lambda text: text
    ) -> None:
        self._metrics = metrics
        self._status = status
        self._redact = redact
        self._scrape = asyncio.Lock()
        self._under_way = 0
        self._runner: web.AppRunner | None = None

    async def start(self, host: str, port: int) -> int:
        """Listen; 0 lets the system choose. Gives the port. Raises TerminalError where it cannot."""
        app = web.Application(middlewares=[self._guard], client_max_size=_BODY_BYTES)
        app.router.add_get("/healthz", self._healthz)
        app.router.add_get("/readyz", self._readyz)
        app.router.add_get("/metrics", self._exposition)
        app.router.add_get("/api/v1/environments", self._environments)
        app.router.add_get("/api/v1/environments/{name}/waits", self._waits)
        # aiohttp logs a traceback for each malformed request: any client could fill the log.
        silent = logging.getLogger(f"{__name__}.connections")
        silent.setLevel(logging.CRITICAL + 1)
        runner = web.AppRunner(
            app,
            access_log=None,
            logger=silent,
            keepalive_timeout=_KEEPALIVE_SECONDS,
            shutdown_timeout=_STOP_SECONDS,
        )
        await runner.setup()
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            await runner.cleanup()
            raise TerminalError(f"cannot listen on {host}:{port}: {error.strerror}") from None
        self._runner = runner
        return int(runner.addresses[0][1])

    async def stop(self) -> None:
        """Close the port; requests under way get a moment to end."""
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()

    @web.middleware
    async def _guard(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        if request.method not in _METHODS:
            response: web.StreamResponse = _problem(405, "read only: what may change, changes in Git")
            response.headers["Allow"] = ", ".join(_METHODS)
        elif self._under_way >= MAX_AT_ONCE and request.path not in _PROBES:
            response = _problem(503, "too many requests at once")
            response.headers["Retry-After"] = "1"
        else:
            response = await self._answer(request, handler)
        response.headers.update(_HEADERS)
        return response

    async def _answer(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        self._under_way += 1
        try:
            return await handler(request)
        except web.HTTPException as error:
            return _problem(error.status, error.reason)
        except Exception:
            log.exception("a request could not be answered", extra={"path": request.path})
            return _problem(500, "the controller could not answer; its log says why")
        finally:
            self._under_way -= 1

    async def _healthz(self, _: web.Request) -> web.Response:
        return _probe(*self._status.alive())

    async def _readyz(self, _: web.Request) -> web.Response:
        ready, because = self._status.ready()
        return _probe(ready, self._redact(because))

    async def _exposition(self, _: web.Request) -> web.Response:
        self._metrics.tasks(len(asyncio.all_tasks()))
        for environment, watched in self._status.watched().items():
            self._metrics.watched(environment, watched.objects, complete=watched.complete)
        async with self._scrape:  # one at a time, in a thread: with many clusters it takes a while
            body = await asyncio.to_thread(self._metrics.exposition)
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE})

    async def _environments(self, _: web.Request) -> web.Response:
        return _json(environments_form(self._status.environments(), self._redact))

    async def _waits(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        waits = self._status.waits(name)
        if waits is None:
            _not_found()
        return _json(waits_form(name, waits, self._redact))


def _not_found() -> NoReturn:
    raise web.HTTPNotFound(reason="no such environment, or it had no pass yet")


def _probe(good: bool, because: str) -> web.Response:  # noqa: FBT001 - a pair that ports give
    return web.Response(status=200 if good else 503, text=f"{'ok' if good else because}\n")


def _json(form: JsonObject) -> web.Response:
    return web.Response(body=orjson.dumps(form), content_type="application/json")


def _problem(status: int, text: str) -> web.Response:
    return web.Response(status=status, text=f"{text}\n")
