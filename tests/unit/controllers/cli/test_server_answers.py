"""`--server`: the same views from a running controller's API."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime

import pytest

from controllers.metrics import Metrics
from controllers.web import server as web
from controllers.web.status import Watched
from gitops.rollout.state import ApplicationState, EnvironmentState, Good
from gitops.rollout.wait import Wait
from tests.unit.controllers.cli.conftest import Gitops

AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


class Status:
    """A controller with one environment."""

    def alive(self) -> tuple[bool, str]:
        """Always."""
        return True, ""

    def ready(self) -> tuple[bool, str]:
        """Always."""
        return True, ""

    def environments(self) -> Mapping[str, EnvironmentState]:
        """One, where web is good."""
        good = Good(revision="a" * 40, digest="d", at=AT)
        return {"production": EnvironmentState(applications={"web": ApplicationState(good=good)})}

    def watched(self) -> Mapping[str, Watched]:
        """See StatusPort."""
        return {}

    def waits(self, environment: str) -> tuple[Wait, ...] | None:
        """Three."""
        if environment != "production":
            return None
        return (
            Wait("web", "", "waits for gate smoke", "503", AT),
            Wait("web", "eu-1/shop", "waits to be healthy"),
            Wait("api", "", "waits for nothing"),
        )


@pytest.fixture
async def address() -> AsyncIterator[str]:
    """A controller's address."""
    server = web.WebServer(Metrics("0"), Status())
    port = await server.start("127.0.0.1", 0)
    yield f"http://127.0.0.1:{port}"
    await server.stop()


async def test_status_from_a_controller(gitops: Gitops, address: str) -> None:
    result = await asyncio.to_thread(gitops, "status", "--server", address)
    assert result.stdout.splitlines()[1].split()[:4] == ["production", "web", "Idle", "a" * 12]


async def test_explain_from_a_controller(
    gitops: Gitops, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITOPS_SERVER", f"{address}/")
    result = await asyncio.to_thread(gitops, "explain", "production/web")
    nobody = "released by nobody: it goes on by itself."
    assert result.stdout.splitlines() == [
        f"web waits for gate smoke; seen: 503; since 2026-03-01 12:00:00Z; {nobody}",
        f"web@eu-1/shop waits to be healthy; {nobody}",
    ]
    result = await asyncio.to_thread(gitops, "explain", "production/web@eu-1/shop")
    assert len(result.stdout.splitlines()) == 1
    result = await asyncio.to_thread(gitops, "explain", "production/web@us-1/shop")
    assert result.stdout == f"production/web@us-1/shop waits for nothing that {address}/ tells of\n"


async def test_an_environment_that_the_controller_does_not_know(gitops: Gitops, address: str) -> None:
    call = asyncio.to_thread(gitops, "explain", "staging", "--server", address, code=1)
    assert "no such environment" in (await call).stderr


async def test_a_controller_that_does_not_answer(gitops: Gitops) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{taken.getsockname()[1]}"
        result = await asyncio.to_thread(gitops, "status", "--server", address, code=1)
    assert f"error: {address} does not answer" in result.stderr
    assert "leave --server out to read Git" in result.stderr


async def test_something_that_is_no_controller(gitops: Gitops) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello")
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        result = await asyncio.to_thread(gitops, "status", "--server", address, code=1)
    assert "is not a gitops controller" in result.stderr


def test_an_address_that_is_none(gitops: Gitops) -> None:
    assert "begins with http:// or https://" in gitops("status", "--server", "file:///etc", code=1).stderr
