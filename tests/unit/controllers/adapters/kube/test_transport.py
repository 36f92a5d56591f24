"""Retries, waits, timeouts and credentials, on a clock that only sleeping moves."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest
from aiohttp import web

from controllers.adapters.kube import transport
from controllers.adapters.kube.credentials import Credentials
from controllers.adapters.kube.patience import Patience
from controllers.adapters.kube.status import retry_after
from controllers.adapters.kube.wire import Answer
from gitops.errors import Denied, Unreachable
from tests.unit.controllers.adapters.kube.scripted import (
    CONFIG_MAPS,
    NODES,
    answers,
    config_map,
    drops,
    hangs,
    refuses,
    says,
    staged,
    streams,
)


async def test_server_errors_are_repeated_with_growing_waits() -> None:
    async with staged() as stage:
        stage.api.then(*[refuses(code, "busy") for code in (500, 502, 503, 504)], answers({"ok": True}))
        assert await stage.client.apply(CONFIG_MAPS, config_map("a")) == {"ok": True}
    assert stage.clock.waits == pytest.approx([0.1, 0.2, 0.4, 0.8])
    assert [seen.code for seen in stage.wire] == [500, 502, 503, 504, 200]


async def test_half_of_a_wait_is_jitter() -> None:
    low, high = Patience(rng=lambda: 0.0), Patience(rng=lambda: 1.0)
    assert [low.wait(1), low.wait(4), high.wait(4)] == pytest.approx([0.05, 0.4, 0.8])
    assert high.wait(10**6) == pytest.approx(high.longest_wait)


async def test_retry_after_is_honoured() -> None:
    async with staged() as stage:
        stage.api.then(refuses(429, "slow down", headers={"Retry-After": "7"}), answers({}))
        await stage.client.get(NODES, "n")
    assert stage.clock.waits == [7.1]


async def test_a_wish_beyond_our_patience_ends_the_call_at_once_and_is_passed_on() -> None:
    async with staged() as stage:
        stage.api.then(refuses(503, "maintenance", headers={"Retry-After": "3600"}))
        with pytest.raises(Unreachable, match="HTTP 503: maintenance") as caught:
            await stage.client.get(NODES, "n")
    assert caught.value.retry_after == 3600.0
    assert stage.clock.waits == []


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("5", 5.0), ("", None), ("-1", None), ("Wed, 21 Oct 2026 07:28:00 GMT", None), ("²", None)],
)
def test_retry_after_is_whole_seconds_or_nothing(header: str, seconds: float | None) -> None:
    assert retry_after(Answer(503, {"Retry-After": header}, b"")) == seconds


async def test_patience_ends_and_the_last_reason_is_told() -> None:
    async with staged(total=3.0) as stage:
        stage.api.then(*[refuses(503, f"reason {number}") for number in range(20)])
        with pytest.raises(
            Unreachable, match=r"east: get nodes: no answer from http://.*: HTTP 503: reason 4$"
        ):
            await stage.client.get(NODES, "n")
    assert sum(stage.clock.waits) <= 3.0


async def test_broken_connections_and_cut_answers_are_repeated() -> None:
    async with staged() as stage:
        stage.api.then(drops(), streams(b'{"half":', cut=True), answers({"ok": True}))
        assert await stage.client.apply(CONFIG_MAPS, config_map("a")) == {"ok": True}
    assert [seen.code for seen in stage.wire] == [0, 0, 200]


async def test_a_hung_server_is_a_timeout_and_then_unreachable() -> None:
    async with staged(attempt=0.05, total=0.2) as stage:
        stage.api.then(*[hangs()] * 5)
        with pytest.raises(Unreachable, match="timed out"):
            await stage.client.get(NODES, "n")
    assert len(stage.wire) >= 2


async def test_nobody_listening_is_unreachable() -> None:
    async with staged() as stage:
        pass
    # The server is gone, the port closed; a new client of the same address finds nobody.
    async with staged(total=0.5) as other:
        other.client._transport._server = stage.url
        with pytest.raises(Unreachable, match="Connection refused"):
            await other.client.get(NODES, "n")
        assert [seen.code for seen in other.wire] == [0] * len(other.wire)
        assert len(other.wire) > 1


async def test_create_is_not_repeated_once_the_server_may_have_begun() -> None:
    async with staged() as stage:
        stage.api.then(drops(), refuses(503, "maybe"), refuses(429, "not looked at"), answers({"ok": True}))
        for _ in range(2):
            with pytest.raises(Unreachable):
                await stage.client.create(CONFIG_MAPS, config_map("a"))
        assert await stage.client.create(CONFIG_MAPS, config_map("a")) == {"ok": True}
    assert [seen.code for seen in stage.wire] == [0, 503, 429, 200]


async def test_delete_is_repeated_only_with_a_uid() -> None:
    """A second delete by name alone could meet a successor."""
    async with staged() as stage:
        stage.api.then(drops())
        with pytest.raises(Unreachable):
            await stage.client.delete(CONFIG_MAPS, "a", "shop")
        stage.api.then(drops(), answers({}))
        assert await stage.client.delete(CONFIG_MAPS, "a", "shop", uid="u") is True
    assert [seen.code for seen in stage.wire] == [0, 0, 200]


async def test_a_refused_token_is_read_again_and_used_at_once() -> None:
    async def load(forced: bool) -> str:  # noqa: FBT001 - the signature of credentials.Load
        assert forced
        return "Bearer new"

    async with staged(Credentials("Bearer old", load)) as stage:
        stage.api.then(refuses(401, "Unauthorized"), answers({}), answers({}))
        await stage.client.get(NODES, "n")
        await stage.client.get(NODES, "n")
    sent = [seen.headers["Authorization"] for seen in stage.api.seen]
    assert sent == ["Bearer old", "Bearer new", "Bearer new"]
    assert stage.clock.waits == []


async def test_a_token_that_stays_refused_is_denied_and_not_shown() -> None:
    async def load(forced: bool) -> str:  # noqa: FBT001 - the signature of credentials.Load
        assert forced
        return "Bearer canary-token"

    credentials = Credentials("Bearer canary-token", load)
    async with staged(credentials) as stage:
        stage.api.then(refuses(401, "Unauthorized"))
        with pytest.raises(Denied, match="renew the token") as caught:
            await stage.client.get(NODES, "n")
    assert len(stage.api.seen) == 1
    assert "canary" not in f"{caught.value!r}{credentials!r}{caught.value.__cause__!r}"


async def test_a_token_file_is_read_again_after_its_time_and_a_failure_keeps_the_old_one() -> None:
    now = 0.0
    loaded = ["Bearer two", "", "Bearer three"]

    async def load(forced: bool) -> str:  # noqa: FBT001 - the signature of credentials.Load
        assert not forced
        if not (token := loaded.pop(0)):
            raise Denied("being replaced")
        return token

    credentials = Credentials("Bearer one", load, refresh=60.0, monotonic=lambda: now)
    seen = []
    for now in (0.0, 59.0, 60.0, 61.0, 120.0, 180.0):  # noqa: B007 - the clock reads it
        seen.append(await credentials.header())  # noqa: PERF401 - a comprehension's `now` would be another
    assert seen == ["Bearer one"] * 2 + ["Bearer two"] * 3 + ["Bearer three"]


async def test_many_requests_read_a_stale_token_once() -> None:
    loads = 0

    async def load(forced: bool) -> str:  # noqa: FBT001 - the signature of credentials.Load
        nonlocal loads
        loads += 1
        await asyncio.sleep(0)
        return f"Bearer {loads} {forced}"

    credentials = Credentials("Bearer 0", load)
    renewed = await asyncio.gather(*(credentials.renew("Bearer 0") for _ in range(5)))
    assert renewed == [True] * 5
    assert loads == 1
    assert not await Credentials("static").renew("static")


async def test_the_environments_netrc_and_cookies_stay_out(
    tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NETRC", f"{tmp_path}/netrc")
    with open(f"{tmp_path}/netrc", "w", encoding="utf-8") as netrc:  # noqa: ASYNC230, PTH123 - a test's own file
        netrc.write("machine 127.0.0.1 login a password b\n")
    async with staged() as stage:
        stage.api.then(says("{}", headers={"Set-Cookie": "a=b"}), says("{}"))
        await stage.client.get(NODES, "n")
        await stage.client.get(NODES, "n")
    for seen in stage.api.seen:
        assert "Authorization" not in seen.headers
        assert "Cookie" not in seen.headers


async def test_an_answer_without_end_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hostile cluster, or a proxy, must not fill the memory that serves all the others."""
    monkeypatch.setattr(transport, "LONGEST_ANSWER", 1000)

    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        with suppress(ConnectionError):
            while True:
                await response.write(b" " * 400)
        return response

    async with staged(total=0.0) as stage:
        stage.api.then(endless)
        with pytest.raises(Unreachable, match="the answer is too long"):
            await stage.client.get(NODES, "n")
