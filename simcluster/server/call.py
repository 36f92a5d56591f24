"""One request on its way to an answer: what is known of it, its body, and how answers are written to it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from aiohttp import hdrs, web

from simcluster.api.api import Api
from simcluster.errors import ApiError, too_large
from simcluster.rbac.rules import Identity
from simcluster.server.negotiation import JSON, Representation, error_media_type, negotiate
from simcluster.server.paths import Query, RequestInfo, truth
from simcluster.server.rendering import encoded
from simcluster.server.site import Site

# What kube-apiserver reads of a body (--max-resource-write-bytes).
MAX_BODY = 3 << 20
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_SHARED_HEADERS = (
    ("Cache-Control", "no-cache, private"),
    ("Server", "simcluster"),
    ("X-Simulated", "simcluster"),
)


@dataclass(slots=True)
class Call:
    """A request that is allowed in. `who` is the user that it acts as."""

    site: Site
    request: web.BaseRequest
    info: RequestInfo
    query: Query
    who: Identity

    @property
    def api(self) -> Api:
        """The verbs of the cluster."""
        return self.site.cluster.api

    @property
    def now(self) -> datetime:
        """The cluster's time."""
        return self.site.cluster.clock.now()

    @property
    def accept(self) -> str:
        """The Accept header, "" where there is none."""
        return ",".join(self.request.headers.getall(hdrs.ACCEPT, ()))

    @property
    def content_type(self) -> str:
        """The body's media type as it came, JSON where the request says none."""
        return self.request.headers.get(hdrs.CONTENT_TYPE) or JSON

    @property
    def user_agent(self) -> str:
        """The User-Agent header, "" where there is none."""
        return self.request.headers.get(hdrs.USER_AGENT, "")

    def representation(self) -> Representation:
        """Choose how the answer is written. Raises `ApiError` 406."""
        found = negotiate(self.accept)
        return replace(found, pretty=True) if truth(self.query.get("pretty")) else found

    async def body(self) -> bytes:
        """Read the body. Raises `ApiError` 413 for more than 3 MiB."""
        request = self.request
        length = request.content_length
        if length is not None and length > MAX_BODY:
            raise _too_large()
        if request.headers.get(hdrs.EXPECT, "").lower() == "100-continue" and request.transport is not None:
            request.transport.write(_CONTINUE)
        try:
            body = await request.read()
        except web.HTTPRequestEntityTooLarge:
            raise _too_large() from None
        if len(body) > MAX_BODY:
            raise _too_large()
        return body


def answer(
    body: bytes,
    status: int = 200,
    media_type: str = JSON,
    *,
    warnings: Iterable[str] = (),
    headers: Mapping[str, str] | None = None,
) -> web.Response:
    """Make an answer. Each warning becomes a Warning header (RFC 7234, 5.5), as client-go reads it."""
    response = web.Response(body=body, status=status, headers=_SHARED_HEADERS)
    response.headers[hdrs.CONTENT_TYPE] = media_type
    for text in warnings:
        response.headers.extend(warning_header(text))
    if headers:
        response.headers.update(headers)
    return response


def warning_header(text: str) -> dict[str, str]:
    """Return the header that warns of `text`."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ")
    return {"Warning": f'299 - "{escaped}"'}


def begun() -> web.StreamResponse:
    """Make an answer of unknown length, lines of JSON; the caller prepares it."""
    response = web.StreamResponse(headers=_SHARED_HEADERS)
    response.headers[hdrs.CONTENT_TYPE] = JSON
    return response


def refusal(error: ApiError, accept: str) -> web.Response:
    """Make the answer of an error: its Status, in JSON unless the client wants YAML."""
    media_type = error_media_type(accept)
    status = {key: value for key, value in error.status.items() if key != "reason" or value}
    body = encoded(status, Representation(media_type))
    return answer(body, error.code, media_type, headers=error.headers)


def plain_text(text: str, status: int = 200) -> web.Response:
    """Make an answer that is no object, as the parts of a server outside the API give it."""
    return answer(text.encode(), status, "text/plain; charset=utf-8")


def _too_large() -> ApiError:
    return too_large(f"Request entity too large: limit is {MAX_BODY}")
