"""The HTTP server of simulated clusters: finds the cluster, lets the caller in or not, always answers."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import orjson
from aiohttp import hdrs, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http import RawRequestMessage
from aiohttp.streams import StreamReader
from aiohttp.web_protocol import RequestHandler

from simcluster.cluster import Cluster
from simcluster.errors import ApiError, no_such_path
from simcluster.faults import internal_error
from simcluster.rbac.rules import Attributes, Identity
from simcluster.server import documents, resources
from simcluster.server.authentication import impersonated
from simcluster.server.call import MAX_BODY, Call, answer, plain_text, refusal
from simcluster.server.control import PREFIX as CONTROL
from simcluster.server.control import control
from simcluster.server.paths import BadTarget, RequestInfo, Target, request_info
from simcluster.server.site import Refused, Site

ROOT = "/clusters/"
_LOG = logging.getLogger(__name__)
_LONGEST_LINE = 1 << 16


class Server:
    """Serves clusters by name below `/clusters/<name>`; `handler(name)` serves one of them at `/`.

    `tokens` are bearer tokens that every cluster knows; `secret` signs the tokens of service accounts.
    """

    def __init__(self, clusters: Iterable[Cluster], tokens: Mapping[str, Identity], secret: bytes) -> None:
        self.sites: dict[str, Site] = {}
        for cluster in clusters:
            key = hmac.digest(secret, cluster.name.encode(), hashlib.sha256)
            self.sites[cluster.name] = Site(cluster, tokens, key)

    def handler(self, name: str | None = None) -> web.Server:
        """Return what a listening socket hands its connections to: for one cluster, or for all."""
        site = None if name is None else self.sites[name]

        async def handle(request: web.BaseRequest) -> web.StreamResponse:
            return await self._handle(request, site)

        return web.Server(
            handle,
            request_factory=_request,
            handler_cancellation=True,
            access_log=None,
            max_line_size=_LONGEST_LINE,
            max_field_size=_LONGEST_LINE,
        )

    async def _handle(self, request: web.BaseRequest, site: Site | None) -> web.StreamResponse:
        try:
            place = self._place(request.raw_path, site)
            return await _Visit(request, *place).answer()
        except BadTarget:
            return plain_text("400 Bad Request", 400)
        except ApiError as error:
            return refusal(error, request.headers.get(hdrs.ACCEPT, ""))
        except Refused:
            if request.transport is not None:
                request.transport.abort()
            raise ConnectionResetError from None
        except (ConnectionError, asyncio.CancelledError):
            raise
        except Exception:  # noqa: BLE001 - whatever it is, the client gets an answer of the API's kind
            _LOG.exception("request failed: %s %s", request.method, request.raw_path)
            return refusal(internal_error("a defect of the simulation"), request.headers.get(hdrs.ACCEPT, ""))

    def _place(self, raw: str, site: Site | None) -> tuple[Site, Target, str]:
        """Return the cluster that is meant, the target as it sees it, and what stands before that."""
        target = Target.parse(raw)
        if site is not None:
            return site, target, ""
        if not target.path.startswith(ROOT):
            raise no_such_path()
        name, slash, rest = target.path[len(ROOT) :].partition("/")
        found = self.sites.get(name)
        if found is None:
            raise no_such_path()
        return found, Target(slash + rest or "/", target.query), ROOT + name


class _Visit(NamedTuple):
    """One request to one cluster. `prefix` is what stands before the cluster's own paths."""

    request: web.BaseRequest
    site: Site
    target: Target
    prefix: str

    async def answer(self) -> web.StreamResponse:
        site, request = self.site, self.request
        if self.target.path.startswith(CONTROL):
            return await self._control()
        transport = request.transport
        if transport is None:
            raise ConnectionResetError
        site.open.add(transport)
        try:
            await site.suffer()
            return await self._allowed()
        finally:
            site.open.discard(transport)

    async def _allowed(self) -> web.StreamResponse:
        info = request_info(self.request.method, self.target)
        call = Call(self.site, self.request, info, self.target.query, self._who(_attributes(info)))
        if info.version and documents.is_routed(self.target.path):
            return await resources.handle(call)
        asked = documents.Asked(
            path=self.target.path,
            accept=call.accept,
            host=self.request.headers.get(hdrs.HOST, ""),
            prefix=self.prefix,
            verbose="verbose" in self.target.query,
        )
        return documents.document(self.site.cluster.registry, asked)

    def _who(self, wanted: Attributes) -> Identity:
        """Who acts; raises `ApiError` 401 for unknown credentials, 403 unless this is allowed."""
        site, headers = self.site, self.request.headers
        caller = site.authenticator.identify(headers.get(hdrs.AUTHORIZATION))
        who = impersonated(caller, headers, site.authorizer, wanted)
        site.authorizer.check(who, wanted)
        return who

    async def _control(self) -> web.Response:
        path, method = self.target.path, self.request.method
        who = self._who(Attributes(method.lower(), path=path))
        call = Call(self.site, self.request, RequestInfo(method.lower(), path), self.target.query, who)
        return answer(orjson.dumps(control(self.site, method, path[len(CONTROL) :], await call.body())))


def _attributes(info: RequestInfo) -> Attributes:
    if not info.version:
        return Attributes(info.verb, path=info.path)
    return Attributes(
        info.verb, info.group, info.resource, info.subresource, info.namespace, info.name, info.path
    )


def _request(
    message: RawRequestMessage,
    payload: StreamReader,
    protocol: RequestHandler,
    writer: AbstractStreamWriter,
    task: asyncio.Task[None],
) -> web.BaseRequest:
    loop = asyncio.get_running_loop()
    return web.BaseRequest(message, payload, protocol, writer, task, loop, client_max_size=MAX_BODY)
