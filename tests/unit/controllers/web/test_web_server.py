"""The server over real sockets: what it answers, and what it refuses."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import aiohttp
import pytest

from controllers.metrics import Metrics
from controllers.web.server import MAX_AT_ONCE, WebServer
from controllers.web.status import Heartbeats, Watched
from gitops.errors import TerminalError
from gitops.redact import Redactor
from gitops.rollout.state import (
    ApplicationState,
    EnvironmentState,
    Good,
    Outcome,
    Rollout,
    TargetProgress,
    WavePlan,
)
from gitops.rollout.wait import Wait

AT = datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC)
CANARY = "s3cr3t-canary-value"


class Status:
    """What the test says."""

    def __init__(self) -> None:
        self.alive_now = (True, "")
        self.ready_now = (True, "")
        self.states: dict[str, EnvironmentState] = {}
        self.waiting: dict[str, tuple[Wait, ...]] = {}

    def alive(self) -> tuple[bool, str]:
        """See StatusPort."""
        return self.alive_now

    def ready(self) -> tuple[bool, str]:
        """See StatusPort."""
        return self.ready_now

    def environments(self) -> Mapping[str, EnvironmentState]:
        """See StatusPort."""
        return self.states

    def watched(self) -> Mapping[str, Watched]:
        """See StatusPort."""
        return {"production": Watched(7, complete=True)}

    def waits(self, environment: str) -> tuple[Wait, ...] | None:
        """See StatusPort."""
        return self.waiting.get(environment)


@pytest.fixture
async def status() -> Status:
    return Status()


@pytest.fixture
async def metrics() -> Metrics:
    return Metrics("1.2.3")


@pytest.fixture
async def client(status: Status, metrics: Metrics) -> AsyncIterator[aiohttp.ClientSession]:
    server = WebServer(metrics, status, Redactor([CANARY]).text)
    port = await server.start("127.0.0.1", 0)
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
        yield session
    await server.stop()


async def get(client: aiohttp.ClientSession, path: str) -> tuple[int, str]:
    async with client.get(path) as answer:
        return answer.status, await answer.text()


async def get_json(client: aiohttp.ClientSession, path: str) -> Any:
    async with client.get(path) as answer:
        assert answer.status == 200
        return await answer.json()


async def test_the_probes_say_what_the_controller_says(client: aiohttp.ClientSession, status: Status) -> None:
    assert await get(client, "/healthz") == (200, "ok\n")
    assert await get(client, "/readyz") == (200, "ok\n")
    status.alive_now = (False, "source has been silent for 301 s")
    status.ready_now = (False, "repository shop was not read yet")
    assert await get(client, "/healthz") == (503, "source has been silent for 301 s\n")
    assert await get(client, "/readyz") == (503, "repository shop was not read yet\n")


async def test_metrics_come_in_prometheus_text_format(
    client: aiohttp.ClientSession, metrics: Metrics
) -> None:
    metrics.work({"apply": 3})
    async with client.get("/metrics") as answer:
        text = await answer.text()
        assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert 'gitops_waves_work_in_progress{kind="apply"} 3.0' in text
    assert 'gitops_waves_drift_watched_objects{environment="production"} 7.0' in text
    assert 'gitops_waves_drift_watch_complete{environment="production"} 1.0' in text


async def test_environments_are_listed_with_where_each_application_is(
    client: aiohttp.ClientSession, status: Status
) -> None:
    good = Good(revision="a" * 40, digest="d", at=AT)
    wave = WavePlan(
        name="canary",
        targets=("t",),
        max_concurrent=1,
        max_failures=0,
        progress_deadline=timedelta(minutes=1),
    )
    rollout = Rollout(
        id="r",
        revision="b" * 40,
        digest="e",
        started_at=AT,
        since=AT,
        wave=0,
        wave_started_at=AT,
        waves=(wave,),
        targets={"t": TargetProgress(since=AT)},
    )
    outcome = Outcome(
        rollout="r0", revision="c" * 40, result="Reverted", because=f"saw {CANARY}", at=AT, revert="f" * 40
    )
    status.states = {
        "staging": EnvironmentState(),
        "prod": EnvironmentState(
            applications={
                "web": ApplicationState(good=good, rollout=rollout),
                "api": ApplicationState(good=good, outcome=outcome),
                "new": ApplicationState(),
            }
        ),
    }
    assert await get_json(client, "/api/v1/environments") == {
        "environments": [
            {
                "name": "prod",
                "applications": [
                    {
                        "name": "api",
                        "phase": "Idle",
                        "revision": "a" * 40,
                        "wave": "",
                        "targets": {"healthy": 0, "total": 0},
                        "lagging": [],
                        "drift": [],
                        "foreign": [],
                        "good": {"revision": "a" * 40, "at": "2026-01-02T03:04:05Z"},
                        "outcome": {
                            "rollout": "r0",
                            "revision": "c" * 40,
                            "result": "Reverted",
                            "because": "saw (redacted)",
                            "at": "2026-01-02T03:04:05Z",
                            "revert": "f" * 40,
                        },
                    },
                    {
                        "name": "new",
                        "phase": "Idle",
                        "revision": "",
                        "wave": "",
                        "targets": {"healthy": 0, "total": 0},
                        "lagging": [],
                        "drift": [],
                        "foreign": [],
                        "good": None,
                        "outcome": None,
                    },
                    {
                        "name": "web",
                        "phase": "Advancing",
                        "revision": "b" * 40,
                        "wave": "canary",
                        "targets": {"healthy": 0, "total": 1},
                        "lagging": [],
                        "drift": [],
                        "foreign": [],
                        "good": {"revision": "a" * 40, "at": "2026-01-02T03:04:05Z"},
                        "outcome": None,
                    },
                ],
            },
            {"name": "staging", "applications": []},
        ]
    }


async def test_waits_come_with_their_sentence_and_without_secrets(
    client: aiohttp.ClientSession, status: Status
) -> None:
    """Times are UTC, whatever zone they were kept in."""
    wait = Wait("shop", "eu-1/shop", "waits to be healthy", f"env {CANARY}", AT.astimezone(timezone(AT - AT)))
    status.waiting = {"prod": (wait,)}
    form = await get_json(client, "/api/v1/environments/prod/waits")
    assert form["environment"] == "prod"
    (first,) = form["waits"]
    sentence = first.pop("sentence")
    assert sentence.startswith("shop@eu-1/shop waits to be healthy; seen: env (redacted); since 2026-01-02")
    assert first == {
        "application": "shop",
        "target": "eu-1/shop",
        "waitsFor": "waits to be healthy",
        "seen": "env (redacted)",
        "since": "2026-01-02T03:04:05Z",
        "until": None,
        "release": wait.release,
    }


async def test_what_there_is_not_is_not_found_and_not_repeated(client: aiohttp.ClientSession) -> None:
    for path in ("/api/v1/environments/<script>/waits", "/api/v1/environments/a%2F..%2Fb/waits", "/", "/x"):
        async with client.get(path) as answer:
            text = await answer.text()
            assert answer.status == 404
            assert answer.headers["Content-Type"].startswith("text/plain")
            assert "script" not in text


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
async def test_nothing_can_be_changed_from_here(client: aiohttp.ClientSession, method: str) -> None:
    """Git is the only remote control."""
    for path in ("/api/v1/environments", "/healthz", "/nowhere"):
        async with client.request(method, path) as answer:
            assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD")


async def test_head_is_get_without_a_body(client: aiohttp.ClientSession) -> None:
    async with client.head("/api/v1/environments") as answer:
        assert (answer.status, await answer.read()) == (200, b"")


async def test_every_answer_forbids_what_a_page_could_do_with_it(
    client: aiohttp.ClientSession, status: Status
) -> None:
    status.ready_now = (False, "not yet")
    for path in ("/metrics", "/readyz", "/api/v1/environments", "/nowhere"):
        async with client.get(path) as answer:
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
            assert answer.headers["Cache-Control"] == "no-store"
            assert "aiohttp" not in answer.headers["Server"]
            assert "Set-Cookie" not in answer.headers
            assert "Access-Control-Allow-Origin" not in answer.headers


async def test_requests_beyond_the_bound_are_turned_away_but_probes_are_not(
    client: aiohttp.ClientSession, metrics: Metrics, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A flood must not make Kubernetes believe that the controller is dead."""
    released, full = threading.Event(), asyncio.Event()
    entered = 0

    def slow() -> bytes:
        assert released.wait(30)
        return b""

    original = WebServer._answer

    async def counting(*arguments: Any) -> Any:
        nonlocal entered
        entered += 1
        if entered == MAX_AT_ONCE:
            full.set()
        return await original(*arguments)

    monkeypatch.setattr(metrics, "exposition", slow)
    monkeypatch.setattr(WebServer, "_answer", counting)
    flood = [asyncio.create_task(get(client, "/metrics")) for _ in range(MAX_AT_ONCE)]
    async with asyncio.timeout(10):
        await full.wait()
    async with client.get("/api/v1/environments") as answer:
        assert (answer.status, answer.headers["Retry-After"]) == (503, "1")
    assert (await get(client, "/healthz"))[0] == 200
    released.set()
    assert {code for code, _ in await asyncio.gather(*flood)} == {200}
    assert (await get(client, "/api/v1/environments"))[0] == 200


async def test_a_defect_is_logged_once_and_not_shown(
    client: aiohttp.ClientSession, status: Status, caplog: pytest.LogCaptureFixture
) -> None:
    status.states = {"prod": None}  # type: ignore[dict-item]
    async with client.get("/api/v1/environments") as answer:
        assert (answer.status, answer.headers["X-Content-Type-Options"]) == (500, "nosniff")
        assert "NoneType" not in await answer.text()
    (record,) = caplog.records
    assert (record.getMessage(), record.exc_info is not None) == ("a request could not be answered", True)


async def test_malformed_requests_do_not_fill_the_log(
    client: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    assert client._base_url is not None
    reader, writer = await asyncio.open_connection("127.0.0.1", client._base_url.port)
    writer.write(b"GET /\x01 HTTP/1.1\r\nHost: x\r\n\r\n")
    async with asyncio.timeout(10):
        answer = await reader.read()
    writer.close()
    assert answer.startswith(b"HTTP/1.0 400 ")
    assert caplog.records == []


async def test_a_port_that_is_taken_is_an_error_of_ours(status: Status, metrics: Metrics) -> None:
    first, second = WebServer(metrics, status), WebServer(metrics, status)
    port = await first.start("127.0.0.1", 0)
    with pytest.raises(TerminalError, match=f"cannot listen on 127.0.0.1:{port}: "):
        await second.start("127.0.0.1", port)
    await second.stop()
    await first.stop()
    with pytest.raises(aiohttp.ClientConnectorError):
        async with aiohttp.ClientSession() as session:
            await session.get(f"http://127.0.0.1:{port}/healthz")


def test_a_loop_that_fell_silent_is_named() -> None:
    now = 0.0
    beats = Heartbeats(lambda: now, timedelta(seconds=60))
    assert beats.alive() == (True, "")
    for loop in ("source", "rollout"):
        beats.beat(loop)
    now = 50.0
    beats.beat("rollout")
    now = 61.0
    assert beats.alive() == (False, "source has been silent for 61 s")
    beats.ended("source")
    assert beats.alive() == (True, "")
