"""Sends calls to one API server: connection reuse, retries, timeouts, the Authorization header.

Knows HTTP and patience; knows no resource, verb or JSON. One session serves requests and watches: the pool is
unbounded, because a watch holds its connection for minutes, and requests are bounded by a semaphore.
"""

from __future__ import annotations

import asyncio
import asyncio.sslproto
import io
import os
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from yarl import URL

from controllers.adapters.kube.credentials import Credentials
from controllers.adapters.kube.patience import Patience
from controllers.adapters.kube.status import error_for, is_rejection, message_of, retry_after
from controllers.adapters.kube.wire import ERRORS_FROM, Answer, Call, RequestSeen, Retry, Silence
from gitops.errors import Denied, Unreachable

_CONNECT_SECONDS = 10.0
_LARGE_BODY = 2**20  # aiohttp warns about bytes above this and wants a file
_UNAUTHORIZED = 401
_TOO_MANY = 429
_RETRIED = frozenset({_TOO_MANY, 500, 502, 503, 504})
_SAME: Mapping[str, str] = {"User-Agent": "gitops-waves", "Accept": "application/json"}
# A watch is quiet for long: the kernel finds out within about a minute that the other side is gone.
_PROBES = (("TCP_KEEPIDLE", 30), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 3))
# A page of 500 objects of half a MiB each. One cluster must not take the memory from all others.
LONGEST_ANSWER = 256 << 20


# asyncio keeps this much for every TLS connection, 256 KiB unless told otherwise: with a thousand clusters
# and a few watches each, the greater part of all memory. A TLS record is 16 KiB at most: nothing is lost.
asyncio.sslproto.SSLProtocol.max_size = 32 << 10


class _TooLong(aiohttp.ClientPayloadError):
    """More than any API server answers."""


# The first that fits counts: ConnectionTimeoutError is a TimeoutError too.
_SILENCES: Mapping[type[Exception], Silence] = {
    _TooLong: Silence("the answer is too long", sent=True),
    aiohttp.ConnectionTimeoutError: Silence("connecting timed out", sent=False),
    TimeoutError: Silence("timed out", sent=True),
    aiohttp.ServerDisconnectedError: Silence("the server closed the connection", sent=True),
    aiohttp.ClientPayloadError: Silence("the answer broke off", sent=True),
    aiohttp.ClientResponseError: Silence("what answered does not speak HTTP as we do", sent=True),
}


def _ignore(_: RequestSeen) -> None:
    return


@dataclass(frozen=True, slots=True)
class Route:
    """Where the server is and how to get there. `server` is scheme, host and port, maybe a path, no slash."""

    server: str
    proxy: str | None = field(default=None, repr=False)  # may hold a password
    tls_server_name: str | None = None

    def options(self) -> dict[str, Any]:
        """Give what every aiohttp request needs to know of it."""
        chosen = {"proxy": self.proxy, "server_hostname": self.tls_server_name}
        return {name: value for name, value in chosen.items() if value}


class Transport:
    """One API server. Shared by all clients of it, whatever identity they impersonate."""

    def __init__(
        self,
        name: str,
        route: Route,
        session: aiohttp.ClientSession,
        credentials: Credentials,
        *,
        patience: Patience,
        connections: int,
    ) -> None:
        self.name = name
        self.patience = patience
        self.on_request: Callable[[RequestSeen], None] = _ignore
        self._server = route.server
        self._options = route.options()
        self._session = session
        self._credentials = credentials
        self._slots = asyncio.Semaphore(connections)
        self._whole = aiohttp.ClientTimeout(total=patience.attempt, sock_connect=_CONNECT_SECONDS)
        self._streaming = aiohttp.ClientTimeout(
            total=None, sock_connect=_CONNECT_SECONDS, sock_read=patience.silence
        )

    @property
    def server(self) -> str:
        """Where requests go: scheme, host and port."""
        return self._server

    async def close(self) -> None:
        """Close all connections."""
        await self._session.close()

    async def send(self, call: Call) -> Answer:
        """Send a call, again where `call.retry` allows it, and give the answer, whatever its code.

        Raises Unreachable when patience ends without an answer other than 429 or 5xx, Denied where TLS fails.
        """
        patience = self.patience
        started = patience.monotonic()
        failures = 0
        renewed = False
        while True:
            authorization = await self._credentials.header()
            outcome = await self._attempt(call, authorization)
            if isinstance(outcome, Answer):
                if outcome.status == _UNAUTHORIZED and not renewed:
                    renewed = True
                    if await self._credentials.renew(authorization):
                        continue
                if outcome.status not in _RETRIED or is_rejection(outcome):
                    return outcome
            failures += 1
            wish = retry_after(outcome) if isinstance(outcome, Answer) else None
            wait = patience.wait(failures, wish)
            unheard = isinstance(outcome, Silence) and not outcome.sent
            limit = min(patience.knocking, patience.total) if unheard else patience.total
            if not _may_repeat(call, outcome) or patience.monotonic() + wait > started + limit:
                raise self._unreachable(call, outcome, wish)
            await patience.sleep(wait)

    @asynccontextmanager
    async def stream(self, call: Call) -> AsyncIterator[aiohttp.ClientResponse]:
        """Open a call whose answer goes on and on; one attempt, and a second one after a 401.

        Raises what the server's refusal stands for (see `status.error_for`), Unreachable, or Denied.
        """
        authorization = await self._credentials.header()
        response = await self._open(call, authorization)
        if response.status == _UNAUTHORIZED and await self._credentials.renew(authorization):
            response.release()
            response = await self._open(call, await self._credentials.header())
        try:
            if response.status >= ERRORS_FROM:
                answer = Answer(response.status, response.headers, await self._rest(response))
                raise error_for(call, answer, cluster=self.name)
            yield response
        finally:
            # A stream is never read to its end: its connection cannot be reused.
            response.close()

    def lost(self, error: Exception) -> Unreachable:
        """Make the error for a stream that broke off."""
        return Unreachable(f"{self.name}: the watch broke off: {_silence(error).reason}")

    async def _attempt(self, call: Call, authorization: str) -> Answer | Silence:
        clock = self.patience.monotonic
        outcome: Answer | Silence
        async with self._slots:
            started = clock()
            try:
                async with self._request(call, authorization, self._whole) as response:
                    outcome = Answer(response.status, response.headers, await _whole(response))
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                self._refuse_bad_tls(error)
                outcome = _silence(error)
        self._seen(call, outcome.status if isinstance(outcome, Answer) else 0, clock() - started)
        return outcome

    async def _open(self, call: Call, authorization: str) -> aiohttp.ClientResponse:
        clock = self.patience.monotonic
        started = clock()
        try:
            async with asyncio.timeout(self.patience.attempt):
                response: aiohttp.ClientResponse = await self._request(call, authorization, self._streaming)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            self._refuse_bad_tls(error)
            self._seen(call, 0, clock() - started)
            raise self._unreachable(call, _silence(error), None) from None
        self._seen(call, response.status, clock() - started)
        return response

    async def _rest(self, response: aiohttp.ClientResponse) -> bytes:
        try:
            async with asyncio.timeout(self.patience.attempt):
                return await _whole(response)
        except (aiohttp.ClientError, TimeoutError, OSError):
            return b""

    def _request(self, call: Call, authorization: str, timeout: aiohttp.ClientTimeout) -> Any:  # noqa: ANN401 - aiohttp's own awaitable context manager has no public name
        headers = {**call.headers, "Authorization": authorization} if authorization else call.headers
        return self._session.request(
            call.method,
            URL(self._server + call.url, encoded=True),
            headers=headers,
            data=_payload(call.body),
            timeout=timeout,
            allow_redirects=False,
            **self._options,
        )

    def _seen(self, call: Call, code: int, seconds: float) -> None:
        self.on_request(RequestSeen(call.verb, call.resource, code, seconds, call.dry_run))

    def _unreachable(self, call: Call, outcome: Answer | Silence, wish: float | None) -> Unreachable:
        if isinstance(outcome, Answer):
            reason = f"HTTP {outcome.status}: {message_of(call, outcome)}"
        else:
            reason = outcome.reason
        return Unreachable(
            f"{self.name}: {call.verb} {call.resource}: no answer from {self._server}: {reason}",
            retry_after=wish,
        )

    def _refuse_bad_tls(self, error: Exception) -> None:
        if not isinstance(error, aiohttp.ClientSSLError | ssl.SSLError):
            return
        cause = getattr(error, "os_error", None) or getattr(error, "certificate_error", None) or error
        if isinstance(cause, ssl.SSLEOFError | ssl.SSLZeroReturnError):
            return  # a server that stops in the middle of a handshake comes back
        raise Denied(
            f"{self.name}: TLS with {self._server} failed: {cause}: check the connection's CA file "
            "(certificate-authority), its client certificate, and the server's name in its certificate"
        ) from None


async def _whole(response: aiohttp.ClientResponse) -> bytes:
    """Read a body to its end, unpacked, within LONGEST_ANSWER."""
    parts: list[bytes] = []
    length = 0
    async for part in response.content.iter_any():
        parts.append(part)
        length += len(part)
        if length > LONGEST_ANSWER:
            response.close()
            raise _TooLong
    return b"".join(parts)


def _payload(body: bytes | None) -> bytes | io.BytesIO | None:
    return io.BytesIO(body) if body is not None and len(body) >= _LARGE_BODY else body


def _may_repeat(call: Call, outcome: Answer | Silence) -> bool:
    if call.retry is Retry.ALWAYS:
        return True
    if call.retry is Retry.NEVER:
        return False
    # 429 comes from the server's flow control, before the request is looked at.
    return outcome.status == _TOO_MANY if isinstance(outcome, Answer) else not outcome.sent


def _silence(error: Exception) -> Silence:
    """Name what happened without quoting requests: aiohttp's own texts may hold headers."""
    if isinstance(error, aiohttp.ClientConnectorError):
        number = error.os_error.errno or 0  # negative for name resolution, which has texts of its own
        said = os.strerror(number) if number > 0 else error.os_error.strerror
        return Silence(said or str(error.os_error), sent=False)
    for kind, silence in _SILENCES.items():
        if isinstance(error, kind):
            return silence
    said = error.strerror if isinstance(error, OSError) else None
    return Silence(said or type(error).__name__, sent=True)


def open_session(tls: ssl.SSLContext | None) -> aiohttp.ClientSession:
    """Open the pool of connections to one server.

    No cookies, no environment: proxies were settled with the route, and `.netrc` must not add credentials.
    """
    connector = aiohttp.TCPConnector(
        limit=0, ssl=tls if tls is not None else True, keepalive_timeout=30.0, socket_factory=_alive_socket
    )
    session = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar(), headers=_SAME)
    # aiohttp repeats PUT and DELETE by itself when a kept connection breaks. Whether a call may be repeated
    # is Retry's to say, and `on_request` must see every request. aiohttp's own TestClient does the same.
    session._retry_connection = False  # noqa: SLF001 - there is no public switch
    return session


def _alive_socket(address: tuple[Any, ...]) -> socket.socket:
    family, kind, protocol = address[:3]
    made = socket.socket(family, kind, protocol)
    made.setblocking(False)  # noqa: FBT003 - the socket's own signature
    made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in _PROBES:
        if hasattr(socket, option):  # names differ between systems
            made.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
    return made
