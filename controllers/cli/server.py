"""Ask a running controller's read-only API."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import quote, urlsplit

import aiohttp
import orjson

from gitops.errors import Denied, InvalidInput, Location, Problem, TerminalError, Unreachable
from gitops.objects import JsonObject

_SECONDS = 10.0
_CHUNK = 1 << 20
_NOT_FOUND = 404
_DENIED = frozenset({401, 403})
_GOOD = 200


def environments(server: str) -> JsonObject:
    """Ask where every application is. Raises GitopsError."""
    return _ask(server, "/api/v1/environments", "environments")


def waits(server: str, environment: str) -> JsonObject:
    """Ask what an environment waits for. Raises GitopsError."""
    return _ask(server, f"/api/v1/environments/{quote(environment, safe='')}/waits", "waits")


def _ask(server: str, path: str, holds: str) -> JsonObject:
    if urlsplit(server).scheme not in {"http", "https"}:
        message = "a controller's address begins with http:// or https://"
        raise InvalidInput(Problem(Location("--server"), message))
    return asyncio.run(_get(server.rstrip("/") + path, server, holds))


async def _get(url: str, server: str, holds: str) -> JsonObject:
    timeout = aiohttp.ClientTimeout(total=_SECONDS)
    try:
        async with aiohttp.ClientSession(timeout=timeout) as session, session.get(url) as response:
            body = b"".join([chunk async for chunk in response.content.iter_chunked(_CHUNK)])
            _check(server, response.status, body)
    except (aiohttp.ClientError, TimeoutError) as error:
        said = str(error) or "no answer in time"
        raise Unreachable(f"{server} does not answer ({said}): leave --server out to read Git") from None
    try:
        form: Any = orjson.loads(body)
    except orjson.JSONDecodeError:
        form = None
    if not isinstance(form, dict) or not isinstance(form.get(holds), list):
        raise TerminalError(f"what answers at {server} is not a gitops controller")
    return form


def _check(server: str, status: int, body: bytes) -> None:
    if status == _GOOD:
        return
    said = body[:200].decode(errors="replace").strip()
    if status in _DENIED:
        raise Denied(f"{server} refuses to answer ({status}): {said}")
    if status == _NOT_FOUND:
        raise TerminalError(f"{server}: {said}")
    raise Unreachable(f"{server} answers {status}: {said}")
