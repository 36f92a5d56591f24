"""One GET as one sample, against real servers."""

from __future__ import annotations

import asyncio
import gzip
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from controllers.adapters.http.probe import BODY_BYTES, HttpProber
from gitops.errors import InvalidInput
from gitops.gates import Outcome
from gitops.model.gates import HttpGate

NOW = datetime(2026, 1, 2, tzinfo=UTC)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def gate(**fields: Any) -> HttpGate:
    return HttpGate(type="http", url="http://unused/", **fields)


@pytest.fixture
async def prober() -> AsyncIterator[HttpProber]:
    made = HttpProber()
    yield made
    await made.close()


@asynccontextmanager
async def serving(handler: Handler, *, tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """Answer every path with `handler`; yields the address without a path."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    server = TestServer(app, scheme="https" if tls else "http")
    await server.start_server(ssl=tls)
    try:
        yield f"{server.scheme}://127.0.0.1:{server.port}"
    finally:
        await server.close()


def answering(status: int = 200, body: bytes = b"", **headers: str) -> Handler:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(
            status=status, body=body, headers={k.replace("_", "-"): v for k, v in headers.items()}
        )

    return answer


async def ask(prober: HttpProber, url: str, **fields: Any) -> tuple[Outcome, str]:
    sample = await prober.probe(gate(**fields), url, lambda: NOW)
    assert sample.at == NOW
    return sample.outcome, sample.seen


async def test_the_expected_status_is_good(prober: HttpProber) -> None:
    async with serving(answering(204)) as url:
        assert await ask(prober, url, expected_statuses=(200, 204)) == (Outcome.GOOD, "answered 204")


async def test_another_status_is_bad_and_the_body_is_not_repeated(prober: HttpProber) -> None:
    async with serving(answering(503, b"hunter2")) as url:
        seen = await ask(prober, url)
    assert seen == (Outcome.BAD, "answered 503, expected 200")


@pytest.mark.parametrize("pattern", ['"status": "ok"', r'"status":\s+"o(k|K)"'])
async def test_the_body_must_match_where_that_is_asked_for(prober: HttpProber, pattern: str) -> None:
    async with (
        serving(answering(body=b'{"status": "ok"}')) as good,
        serving(answering(body=b"hunter2")) as bad,
    ):
        assert await ask(prober, good, body_match=pattern) == (Outcome.GOOD, "answered 200")
        expected = (Outcome.BAD, "answered 200, but the body does not match")
        assert await ask(prober, bad, body_match=pattern) == expected


async def test_a_match_beyond_the_cap_is_not_found_and_an_endless_body_ends(prober: HttpProber) -> None:
    """The body is read to the cap, however much more the server would send."""

    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            while True:
                await response.write(b"x" * 65_536)
        except ConnectionError:
            return response

    async with serving(endless) as url:
        assert (await ask(prober, url, body_match="y"))[0] is Outcome.BAD
    async with serving(answering(body=b"x" * BODY_BYTES + b"y")) as url:
        assert (await ask(prober, url, body_match="y"))[0] is Outcome.BAD


async def test_a_body_packed_unasked_is_unpacked_to_the_cap_only(prober: HttpProber) -> None:
    """A small answer that unpacks to 64 MiB costs no more than any other."""
    small, bomb = gzip.compress(b"all is well"), gzip.compress(b"x" * 2**26 + b"y")
    async with serving(answering(body=small, Content_Encoding="gzip")) as url:
        assert (await ask(prober, url, body_match="is well"))[0] is Outcome.GOOD
    async with serving(answering(body=bomb, Content_Encoding="gzip")) as url:
        assert (await ask(prober, url, body_match="y"))[0] is Outcome.BAD
    async with serving(answering(body=b"x", Content_Encoding="br")) as url:
        seen = await ask(prober, url, body_match="x")
    assert seen == (Outcome.BAD, "answered 200, but the body is packed, which was not asked for")


async def test_a_pattern_that_would_take_years_is_no_answer(prober: HttpProber) -> None:
    async with serving(answering(body=b"a" * 5000 + b"!")) as url:
        outcome, seen = await ask(prober, url, body_match="(a+)+$")
    assert outcome is Outcome.NO_DATA
    assert "takes too long" in seen


async def test_no_answer_in_time_is_no_data(prober: HttpProber) -> None:
    released = asyncio.Event()

    async def silent(_: web.Request) -> web.Response:
        await released.wait()
        return web.Response()

    async with serving(silent) as url:
        seen = await ask(prober, url, timeout=timedelta(milliseconds=50))
        released.set()
    assert seen == (Outcome.NO_DATA, "no answer within 50ms")


async def test_nobody_listening_is_no_data(prober: HttpProber) -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        seen = await ask(prober, f"http://127.0.0.1:{reserved.getsockname()[1]}/")
    assert seen == (Outcome.NO_DATA, "connection refused")


async def test_a_name_that_nobody_knows_is_no_data(
    prober: HttpProber, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(*_: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    assert await ask(prober, "http://shop.test/") == (Outcome.NO_DATA, "the host's name was not found")


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        (b"SSH-2.0-OpenSSH\r\n\r\n", "the answer was not HTTP"),
        (b"", "the connection was closed before an answer"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nx", "the answer broke off"),
    ],
)
async def test_what_is_not_an_answer_is_no_data_and_is_asked_for_once(
    prober: HttpProber, sent: bytes, reason: str
) -> None:
    """One GET is one GET: the HTTP library must not repeat it by itself."""
    asked = 0

    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        asked += 1
        await reader.readuntil(b"\r\n\r\n")
        writer.write(sent)
        writer.close()

    server = await asyncio.start_server(play, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        seen = await ask(prober, f"http://127.0.0.1:{port}/", body_match="x")
    assert (seen, asked) == ((Outcome.NO_DATA, reason), 1)


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest/meta-data/",
        "http://[fe80::1]/",
        "http://[::ffff:169.254.169.254]/",
        "http://[64:ff9b::a9fe:a9fe]/",
    ],
)
async def test_link_local_addresses_are_refused(prober: HttpProber, url: str) -> None:
    assert await ask(prober, url) == (Outcome.NO_DATA, "refused: link-local")


@pytest.mark.parametrize(
    "url",
    [
        "http://0.0.0.0/",
        "http://[::]/",
        "http://2852039166/",
        "http://metadata.google.internal/computeMetadata/v1/",
        "http://user:secret@shop.test/",
        "ftp://shop.test/",
        "http://${cluster}:x/",
        "shop",
    ],
)
async def test_other_addresses_that_are_never_asked(prober: HttpProber, url: str) -> None:
    outcome, seen = await ask(prober, url)
    assert outcome is Outcome.NO_DATA
    assert seen.startswith("refused: ")
    assert "secret" not in seen


async def test_a_name_that_resolves_to_link_local_is_refused(
    prober: HttpProber, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The address that is connected to is checked: a name that changes between two looks gains nothing."""

    def metadata(*_: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("169.254.169.254", 80))]

    monkeypatch.setattr(socket, "getaddrinfo", metadata)
    assert await ask(prober, "http://shop.test/") == (Outcome.NO_DATA, "refused: link-local")


async def test_a_redirect_on_the_same_host_is_followed(prober: HttpProber) -> None:
    async def handler(request: web.Request) -> web.Response:
        if request.path == "/":
            raise web.HTTPFound("/healthz")
        return web.Response(text="ok")

    async with serving(handler) as url:
        assert await ask(prober, url, body_match="ok") == (Outcome.GOOD, "answered 200")


async def test_a_redirect_to_another_place_is_bad_and_not_followed(prober: HttpProber) -> None:
    """Another host, another port, another scheme, credentials: the goal is neither asked nor named."""
    asked: list[str] = []

    async def goal(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.Response()

    async with serving(goal) as elsewhere:
        port = elsewhere.rpartition(":")[2]
        for place in (
            f"{elsewhere}/secret",
            f"http://localhost:{port}/",
            "//169.254.169.254/",
            "ftp://127.0.0.1/",
            "http://[oops/",
        ):
            async with serving(answering(302, Location=place)) as url:
                outcome, seen = await ask(prober, url)
            assert outcome is Outcome.BAD
            assert "secret" not in seen
    assert asked == []


async def test_redirects_in_a_circle_end(prober: HttpProber) -> None:
    count = 0

    async def handler(request: web.Request) -> web.Response:
        nonlocal count
        count += 1
        raise web.HTTPFound("/b" if request.path == "/a" else "/a")

    async with serving(handler) as url:
        assert await ask(prober, f"{url}/a") == (Outcome.BAD, "more than 5 redirects")
    assert count == 6
    async with serving(answering(302, Location="/")) as url:
        assert await ask(prober, url) == (Outcome.BAD, "answered 302, a redirect to itself")


async def test_an_expected_redirect_is_an_answer(prober: HttpProber) -> None:
    """Whoever expects a 302 wants to see it, not its goal."""
    async with serving(answering(302, Location="https://elsewhere.test/")) as url:
        assert await ask(prober, url, expected_statuses=(302,)) == (Outcome.GOOD, "answered 302")


async def test_requests_say_who_asks_and_carry_nothing_from_before(
    prober: HttpProber, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No cookies, no proxy of the environment, a new connection each time."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "")
    seen: list[dict[str, str]] = []
    peers = set()

    async def handler(request: web.Request) -> web.Response:
        seen.append(dict(request.headers))
        peers.add(request.transport.get_extra_info("peername") if request.transport else None)
        response = web.Response()
        response.set_cookie("session", "1")
        return response

    async with serving(handler) as url:
        for _ in range(2):
            assert (await ask(prober, url))[0] is Outcome.GOOD
    assert [headers["User-Agent"] for headers in seen] == ["gitops-waves"] * 2
    assert all("Cookie" not in headers and "Authorization" not in headers for headers in seen)
    assert len(peers) == 2


async def test_tls_is_verified_by_the_operators_authorities(prober: HttpProber, certificate: Path) -> None:
    """A certificate that nobody vouches for is no data; the operator's extra CA file makes it good."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate / "tls.crt", certificate / "tls.key")
    trusting = HttpProber(certificate / "tls.crt")
    async with serving(answering(), tls=tls) as url:
        outcome, seen = await ask(prober, url)
        assert await ask(trusting, url) == (Outcome.GOOD, "answered 200")
        other_name = url.replace("127.0.0.1", "localhost")
        wrong_name = await ask(trusting, other_name)
        async with serving(answering(301, Location=url)) as plain:
            upgraded = await ask(trusting, plain)
        async with serving(answering(301, Location=url.replace("https", "http"))) as downgrade:
            down = await ask(trusting, downgrade)
    await trusting.close()
    assert outcome is Outcome.NO_DATA
    assert seen.startswith("TLS: self")
    assert wrong_name[0] is Outcome.NO_DATA
    assert wrong_name[1].startswith("TLS: Hostname mismatch")
    assert upgraded == (Outcome.GOOD, "answered 200")
    assert down[0] is Outcome.BAD


async def test_a_plain_server_behind_https_is_no_data(prober: HttpProber) -> None:
    async with serving(answering()) as url:
        outcome, seen = await ask(prober, url.replace("http:", "https:"))
    assert outcome is Outcome.NO_DATA
    assert seen.startswith("TLS: ")


def test_a_ca_file_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "ca.crt").write_text("not a certificate", encoding="utf-8")
    for name in ("ca.crt", "missing.crt"):
        with pytest.raises(InvalidInput, match=name):
            HttpProber(tmp_path / name)
