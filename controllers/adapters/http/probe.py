"""One GET of the `http` gate, as a sample. What samples mean is decided in `gitops.gates`.

`seen` never holds the address, a header or the body: variables in an address, and what a server sends, may
be secret.
"""

from __future__ import annotations

import asyncio
import ssl
import time
import zlib
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import aiohttp
from yarl import URL

from controllers.adapters.http.addresses import checked_socket, metadata_name
from controllers.adapters.http.matching import Matcher, MatchUnknown
from controllers.adapters.http.reasons import reason
from controllers.adapters.http.resolver import ThreadsOfItsOwn
from gitops.errors import InvalidInput, Location, Problem
from gitops.gates import Outcome, Sample
from gitops.model.gates import HttpGate
from gitops.model.schema import format_duration

BODY_BYTES = 64 * 1024
MAX_REDIRECTS = 5
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS
# Plain bytes are asked for, so that no answer can grow while it is unpacked.
_HEADERS = {"User-Agent": "gitops-waves", "Accept": "*/*", "Accept-Encoding": "identity"}


class _Bad(Exception):  # noqa: N818 - never leaves this module
    """The other side answered, but not as expected."""


class _NoData(Exception):  # noqa: N818 - never leaves this module
    """Nothing was learnt about the other side."""


class HttpProber:
    """Asks one address at a time, each on a new connection: a kept one would hide a dead listener.

    TLS is always verified, by the system's authorities and those in `ca_file`; raises InvalidInput when that
    file cannot be used. No cookies, no proxies or credentials from the environment. Close it after use.
    """

    def __init__(self, ca_file: Path | None = None) -> None:
        self._tls = _trust(ca_file)
        self._matcher = Matcher(time.monotonic)
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Close connections and end the process that matches bodies."""
        await self._matcher.close()
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def probe(self, gate: HttpGate, url: str, now: Callable[[], datetime]) -> Sample:
        """GET `url`. Never raises for what the other side does, or does not do.

        Good: an expected status and, where asked for, `body_match` found within the first BODY_BYTES.
        Bad: answered otherwise. NoData: no answer within the gate's timeout, or an address that is refused.
        """
        try:
            async with asyncio.timeout(gate.timeout.total_seconds()):
                status, text = await self._fetch(gate, _address(url))
            matches = gate.body_match is None or await self._matcher.search(gate.body_match, text)
        except _Bad as answer:
            return Sample(now(), Outcome.BAD, str(answer))
        except TimeoutError:
            return Sample(now(), Outcome.NO_DATA, f"no answer within {format_duration(gate.timeout)}")
        except (_NoData, MatchUnknown) as why:
            return Sample(now(), Outcome.NO_DATA, str(why))
        if not matches:
            return Sample(now(), Outcome.BAD, f"answered {status}, but the body does not match")
        return Sample(now(), Outcome.GOOD, f"answered {status}")

    async def _fetch(self, gate: HttpGate, url: URL) -> tuple[int, str]:
        """Follow redirects on the same host to an expected status; give it and the start of the body."""
        for _ in range(MAX_REDIRECTS + 1):
            try:
                async with self._open().get(url, allow_redirects=False) as answer:
                    if answer.status in gate.expected_statuses:
                        return answer.status, await _text(answer) if gate.body_match is not None else ""
                    if answer.status not in _REDIRECTS:
                        raise _Bad(f"answered {answer.status}, expected {_expected(gate)}")
                    url = _redirected(url, answer)
            except (aiohttp.ClientError, OSError, ValueError) as error:
                if isinstance(error, TimeoutError):
                    raise
                raise _NoData(reason(error)) from None
        raise _Bad(f"more than {MAX_REDIRECTS} redirects")

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector = aiohttp.TCPConnector(
                ssl=self._tls,
                limit=0,
                force_close=True,
                use_dns_cache=False,
                resolver=ThreadsOfItsOwn(),
                socket_factory=checked_socket,
            )
            self._session = aiohttp.ClientSession(
                connector=connector,
                headers=_HEADERS,
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                trust_env=False,
                timeout=aiohttp.ClientTimeout(),  # each probe has the gate's own
            )
            # aiohttp asks again by itself when a server hangs up; a sample is one GET. No public switch.
            self._session._retry_connection = False  # noqa: SLF001 - see above
        return self._session


def _trust(ca_file: Path | None) -> ssl.SSLContext:
    tls = ssl.create_default_context()
    if ca_file is not None:
        try:
            tls.load_verify_locations(ca_file)
        except (OSError, ssl.SSLError):
            problem = Problem(Location(str(ca_file)), "holds no certificates that can be read (PEM)")
            raise InvalidInput(problem) from None
    return tls


def _address(text: str) -> URL:
    """Check again what the model checked before variables were filled in."""
    try:
        url = URL(text)
        complete = url.scheme in {"http", "https"} and bool(url.host)
    except ValueError:
        complete = False
    if not complete:
        raise _NoData("refused: not a web address, once its variables are filled in")
    if url.raw_user is not None or url.raw_password is not None:
        raise _NoData("refused: the address carries credentials")
    if metadata_name(url.host or ""):
        raise _NoData("refused: a cloud's metadata service")
    return url


def _redirected(url: URL, answer: aiohttp.ClientResponse) -> URL:
    """Give the next address: the same host and port, or https on the same host."""
    try:
        goal = url.join(URL(answer.headers.get("Location", ""), encoded=True))
        same_place = goal.host == url.host and (goal.scheme, goal.port) == (url.scheme, url.port)
        upgrade = goal.host == url.host and (url.scheme, goal.scheme) == ("http", "https")
    except ValueError:
        raise _Bad(f"answered {answer.status} with a Location that cannot be read") from None
    if goal == url:
        raise _Bad(f"answered {answer.status}, a redirect to itself")
    if not (same_place or upgrade) or goal.raw_user is not None:
        raise _Bad(f"answered {answer.status}, a redirect to another place, which is not followed")
    return goal


async def _text(answer: aiohttp.ClientResponse) -> str:
    """Read the first BODY_BYTES of the body, unpacked where the server packed it all the same."""
    raw = bytearray()
    async for part in answer.content.iter_any():
        raw += part
        if len(raw) >= BODY_BYTES:
            break
    body = bytes(raw[:BODY_BYTES])
    packed = answer.headers.get("Content-Encoding", "identity").lower()
    if packed in {"gzip", "x-gzip", "deflate"}:
        try:
            body = zlib.decompressobj(_GZIP_OR_ZLIB).decompress(body, BODY_BYTES)
        except zlib.error:
            raise _Bad(f"answered {answer.status}, but the body cannot be unpacked") from None
    elif packed != "identity":
        raise _Bad(f"answered {answer.status}, but the body is packed, which was not asked for")
    try:
        return body.decode(answer.charset or "utf-8", errors="replace")
    except LookupError:
        return body.decode(errors="replace")


def _expected(gate: HttpGate) -> str:
    return " or ".join(map(str, gate.expected_statuses))
