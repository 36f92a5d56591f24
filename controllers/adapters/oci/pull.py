"""Pull a chart from a registry: its manifest, then its archive, every byte verified by digest.

What comes is hostile until its digest is right, so its size is bounded first. Credentials go to the registry
itself, and to the place that it names for tokens; never to where it redirects. Errors quote no address but
the registry's, no header and no answer.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar

import aiohttp
import orjson
from yarl import URL

from controllers.adapters.http.addresses import checked_socket, metadata_name
from controllers.adapters.http.reasons import cause, reason
from controllers.adapters.http.resolver import ThreadsOfItsOwn
from controllers.adapters.kube.patience import Patience
from controllers.adapters.oci.challenge import Challenge, challenge
from controllers.adapters.oci.registry import Registry
from gitops.errors import Denied, Location, TransientError, Unreachable
from gitops.model.chart_references import ChartReference
from gitops.render.helm import oci
from gitops.render.helm.oci import Layer

MAX_REDIRECTS = 5
_OK, _UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND = 200, 401, 403, 404
_TOO_MANY, _SERVER_ERRORS = 429, 500
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MOST_TOKEN_BYTES = 64 << 10
_TOKEN = re.compile(r"[\x21-\x7e]{1,16384}")
_LONGEST_WISH = 60.0
# Plain bytes are asked for: no answer can grow while it is unpacked.
_HEADERS = {"User-Agent": "gitops-waves", "Accept-Encoding": "identity"}
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Pulled:
    """A chart as its registry has it."""

    manifest: bytes
    archive: bytes


def verified(pulled: Pulled, reference: ChartReference, at: Location) -> Pulled:
    """Give it back if it is what the digest names, else raise TransientError.

    Raises InvalidInput where the digest proves that what it names is no chart: that stays so.
    """
    layer = _layer(pulled.manifest, reference, at)
    if len(pulled.archive) != layer.size or oci.digest_of(pulled.archive) != layer.digest:
        raise TransientError(f"registry {reference.host} answers another archive than {reference} has")
    return pulled


def _layer(manifest: bytes, reference: ChartReference, at: Location) -> Layer:
    if oci.digest_of(manifest) != reference.digest:
        raise TransientError(f"registry {reference.host} answers other bytes than {reference} has")
    return oci.chart_layer(manifest, at)


class Puller:
    """Pulls charts. Synchronous, for any thread without an event loop."""

    def __init__(self, patience: Patience | None = None) -> None:
        """`patience.attempt` bounds all of one pull, `total` the time in which it is begun again."""
        self._patience = patience or Patience(attempt=60.0, total=8.0, first_wait=0.5)

    def pull(self, registry: Registry, reference: ChartReference, at: Location) -> Pulled:
        """Fetch and verify a chart.

        Raises InvalidInput at `at` for what is no chart; TransientError where the registry does not answer,
        answers something else, or has no such chart (yet); Denied where it, or we, refuse the other.
        """
        return asyncio.run(self._patiently(registry, lambda: self._pull(registry, reference, at)))

    async def _patiently(self, registry: Registry, work: Callable[[], Awaitable[_T]]) -> _T:
        patience, failures = self._patience, 0
        give_up = patience.monotonic() + patience.total
        while True:
            try:
                async with asyncio.timeout(patience.attempt):
                    return await work()
            except (aiohttp.ClientError, OSError, ValueError) as error:  # ValueError: names that are none
                _refuse_bad_tls(registry, error)
                said = Unreachable(f"registry {registry.host}: {reason(error)}")
            except Unreachable as error:
                said = error
            failures += 1
            wait = patience.wait(failures, said.retry_after)
            if patience.monotonic() + wait > give_up:
                raise said
            await patience.sleep(wait)

    async def _pull(self, registry: Registry, reference: ChartReference, at: Location) -> Pulled:
        async with _session(registry) as session:
            visit = _Visit(registry, reference, session)
            manifest = await visit.get(f"manifests/{reference.digest}", oci.MOST_MANIFEST_BYTES)
            layer = _layer(manifest, reference, at)
            archive = await visit.get(f"blobs/{layer.digest}", layer.size)
            return verified(Pulled(manifest, archive), reference, at)


class _Visit:
    """The requests for one chart."""

    def __init__(self, registry: Registry, reference: ChartReference, session: aiohttp.ClientSession) -> None:
        self._registry = registry
        self._reference = reference
        self._session = session
        self._authorization = ""

    async def get(self, what: str, limit: int) -> bytes:
        """Fetch what is at `what` in the repository, of at most `limit` bytes."""
        origin = self._registry.origin
        start = url = origin.join(URL(f"/v2/{self._reference.path}/{what}", encoded=True))
        for _ in range(MAX_REDIRECTS + 2):
            ours = url.origin() == origin
            headers = {"Accept": oci.ACCEPTED} if url == start else {}
            if ours and self._authorization:
                headers["Authorization"] = self._authorization
            async with self._session.get(url, headers=headers, allow_redirects=False) as answer:
                if answer.status == _OK:
                    return await self._body(answer, limit)
                if answer.status in _REDIRECTS:
                    url = self._redirected(url, answer)
                    continue
                if answer.status != _UNAUTHORIZED or not ours or self._authorization:
                    raise self._refused(answer)
                asked = challenge(answer.headers.getall("WWW-Authenticate", []))
            self._authorization = await self._authorized(asked)
        raise Denied(f"registry {self._registry.host}: more than {MAX_REDIRECTS} redirects")

    async def _body(self, answer: aiohttp.ClientResponse, limit: int) -> bytes:
        body = bytearray()
        async for part in answer.content.iter_any():
            body += part
            if len(body) > limit:
                answer.close()
                raise TransientError(f"registry {self._registry.host} answers more than {limit} bytes")
        return bytes(body)

    async def _authorized(self, asked: Challenge | None) -> str:
        host = self._registry.host
        login = await asyncio.to_thread(self._registry.login)
        if asked is None:
            raise Denied(f"registry {host} asks for an authentication that is neither Basic nor Bearer")
        if asked.bearer:
            return await self._token(asked, login.basic() if login else "")
        if login is None:
            raise Denied(f"registry {host} asks for a password, and the configuration has none")
        return login.basic()

    async def _token(self, asked: Challenge, basic: str) -> str:
        host, origin = self._registry.host, self._registry.origin
        realm = _address(asked.realm)
        if realm is None or (realm.scheme != "https" and realm.origin() != origin):
            raise Denied(f"registry {host} names no place for tokens to which a password can be sent")
        scope = {"scope": f"repository:{self._reference.path}:pull"}
        url = realm.update_query({"service": asked.service, **scope} if asked.service else scope)
        headers = {"Authorization": basic} if basic else {}
        async with self._session.get(url, headers=headers, allow_redirects=False) as answer:
            if answer.status >= _SERVER_ERRORS or answer.status == _TOO_MANY:
                raise self._refused(answer)
            if answer.status != _OK:
                raise Denied(f"registry {host}: no token is given us (HTTP {answer.status}): check the login")
            body = await self._body(answer, _MOST_TOKEN_BYTES)
        try:
            said = orjson.loads(body)
            token = said.get("token") or said.get("access_token")
        except (orjson.JSONDecodeError, AttributeError):
            token = None
        if not isinstance(token, str) or not _TOKEN.fullmatch(token):
            raise Denied(f"registry {host}: where it sends for tokens, none is given")
        return f"Bearer {token}"

    def _redirected(self, url: URL, answer: aiohttp.ClientResponse) -> URL:
        try:
            goal = _address(str(url.join(URL(answer.headers.get("Location", ""), encoded=True))))
        except ValueError:
            goal = None
        if goal is None or (goal.scheme != "https" and not self._registry.plain_http):
            raise Denied(f"registry {self._registry.host} redirects to where nothing is fetched from")
        return goal

    def _refused(self, answer: aiohttp.ClientResponse) -> TransientError | Denied:
        host, status = self._registry.host, answer.status
        if status in (_UNAUTHORIZED, _FORBIDDEN):
            return Denied(
                f"registry {host} refuses us {self._reference.path} (HTTP {status}): check the login"
            )
        if status == _NOT_FOUND:
            return TransientError(f"registry {host} has no {self._reference.path}@{self._reference.digest}")
        wish = answer.headers.get("Retry-After", "")
        after = min(float(wish), _LONGEST_WISH) if re.fullmatch(r"[0-9]{1,6}", wish) else None
        return Unreachable(f"registry {host} answers HTTP {status}", retry_after=after)


def _address(text: str) -> URL | None:
    """Read an address that a registry gives; None where nothing may be fetched from."""
    try:
        url = URL(text, encoded=True)
        host = url.host or ""
        plain = url.raw_user is None and url.raw_password is None
    except ValueError:
        return None
    return url if url.scheme in {"http", "https"} and host and plain and not metadata_name(host) else None


def _refuse_bad_tls(registry: Registry, error: Exception) -> None:
    inner = cause(error)
    broke_off = isinstance(inner, ssl.SSLEOFError | ssl.SSLZeroReturnError)
    if isinstance(inner, ssl.SSLError | aiohttp.ClientSSLError) and not broke_off:
        raise Denied(f"registry {registry.host}: {reason(error)}: check its caFile") from None


@asynccontextmanager
async def _session(registry: Registry) -> AsyncIterator[aiohttp.ClientSession]:
    """Open connections for one pull: no cookies, no proxies or credentials from the environment."""
    resolver = ThreadsOfItsOwn()
    connector = aiohttp.TCPConnector(
        ssl=await asyncio.to_thread(registry.tls),
        use_dns_cache=False,
        resolver=resolver,
        socket_factory=checked_socket,
    )
    timeout = aiohttp.ClientTimeout(sock_connect=10.0, sock_read=20.0)
    try:
        async with aiohttp.ClientSession(
            connector=connector,
            headers=_HEADERS,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
            timeout=timeout,
        ) as session:
            yield session
    finally:
        await resolver.close()
