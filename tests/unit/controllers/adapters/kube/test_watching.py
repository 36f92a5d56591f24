"""One watch: how lines become events, and how it ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controllers.adapters.kube.errors import Expired, NotFound
from controllers.adapters.kube.watching import Watch, _lines
from controllers.adapters.kube.wire import WatchEvent
from gitops.errors import Denied, Unreachable
from tests.unit.controllers.adapters.kube.scripted import (
    CONFIG_MAPS,
    config_map,
    event,
    refuses,
    staged,
    streams,
)


async def collect(watch: Watch) -> list[WatchEvent]:
    """Read a watch to its end."""
    async with watch:
        return [found async for found in watch]


async def test_events_come_in_order_and_the_servers_end_is_the_end() -> None:
    bookmark = {"kind": "ConfigMap", "metadata": {"resourceVersion": "12"}}
    lines = event("ADDED", config_map("a", "10")) + event("BOOKMARK", bookmark)
    async with staged() as stage:
        stage.api.then(streams(lines[:20], lines[20:]))
        events = await collect(
            stage.client.watch(
                CONFIG_MAPS, "shop", resource_version="9", label_selector="a=b", metadata_only=True
            )
        )
    assert events == [("ADDED", config_map("a", "10")), ("BOOKMARK", bookmark)]
    (seen,) = stage.api.seen
    assert seen.path == "/api/v1/namespaces/shop/configmaps"
    assert seen.query == {
        "labelSelector": "a=b",
        "watch": "true",
        "allowWatchBookmarks": "true",
        "resourceVersion": "9",
        "timeoutSeconds": "600",
    }
    assert "as=PartialObjectMetadata;" in seen.headers["Accept"]


async def test_an_object_larger_than_any_buffer_is_one_event() -> None:
    body = config_map("big", "3") | {"data": {"blob": "x" * 3_000_000}}
    async with staged() as stage:
        stage.api.then(streams(event("ADDED", body)))
        assert await collect(stage.client.watch(CONFIG_MAPS, resource_version="1")) == [("ADDED", body)]


@given(st.lists(st.binary(min_size=1, max_size=8).filter(lambda line: b"\n" not in line)), st.data())
async def test_lines_do_not_depend_on_how_the_network_cuts_them(
    lines: list[bytes], data: st.DataObject
) -> None:
    """An unfinished last line is an event that was cut off: it is dropped."""
    stream = b"".join(line + b"\n" for line in lines) + data.draw(st.sampled_from([b"", b'{"cut']))
    cuts = sorted(data.draw(st.sets(st.integers(0, len(stream)))) | {0, len(stream)})

    async def chunks() -> AsyncIterator[bytes]:
        for start, end in pairwise(cuts):
            yield stream[start:end]

    assert [line async for line in _lines(chunks())] == lines


@pytest.mark.parametrize("at_once", [True, False])
async def test_gone_is_expired_whether_it_comes_as_an_answer_or_as_an_event(*, at_once: bool) -> None:
    status = {
        "kind": "Status",
        "code": 410,
        "reason": "Expired",
        "message": "too old resource version: 1 (99)",
    }
    async with staged() as stage:
        stage.api.then(refuses(410, status["message"]) if at_once else streams(event("ERROR", status)))  # type: ignore[arg-type]
        with pytest.raises(Expired, match="too old resource version"):
            await collect(stage.client.watch(CONFIG_MAPS, resource_version="1"))


@pytest.mark.parametrize(
    ("code", "expected"), [(403, Denied), (404, NotFound), (429, Unreachable), (500, Unreachable)]
)
async def test_a_refused_watch_says_why_and_is_not_repeated_here(
    code: int, expected: type[Exception]
) -> None:
    async with staged() as stage:
        stage.api.then(refuses(code, "no", headers={"Retry-After": "3"}))
        with pytest.raises(expected) as caught:
            await collect(stage.client.watch(CONFIG_MAPS, resource_version="1"))
    assert getattr(caught.value, "retry_after", 3.0) == 3.0
    assert [seen.verb for seen in stage.wire] == ["watch"]


async def test_a_stream_that_breaks_off_gives_its_whole_events_first() -> None:
    async with staged() as stage:
        lines = event("ADDED", config_map("a")) + event("ADDED", config_map("b"))
        stage.api.then(streams(lines[:-10], cut=True))
        async with stage.client.watch(CONFIG_MAPS, resource_version="1") as watch:
            assert await anext(watch) == ("ADDED", config_map("a"))
            with pytest.raises(Unreachable, match="the watch broke off"):
                await anext(watch)


async def test_silence_beyond_the_bookmarks_period_is_a_lost_watch() -> None:
    async with staged(silence=0.05) as stage:
        stage.api.then(streams(event("ADDED", config_map("a")), then=asyncio.Event()))
        with pytest.raises(Unreachable, match="timed out"):
            await collect(stage.client.watch(CONFIG_MAPS, resource_version="1"))


@pytest.mark.parametrize("line", [b"not json\n", b"[]\n", b'{"no":"type"}\n'])
async def test_nonsense_in_the_stream_is_a_lost_watch(line: bytes) -> None:
    async with staged() as stage:
        stage.api.then(streams(line))
        with pytest.raises(Unreachable):
            await collect(stage.client.watch(CONFIG_MAPS, resource_version="1"))


async def test_watches_do_not_take_the_slots_of_requests() -> None:
    async with staged() as stage:
        end = asyncio.Event()
        stage.api.then(*[streams(then=end)] * 6)
        watches = [stage.client.watch(CONFIG_MAPS, resource_version="1") for _ in range(6)]
        for watch in watches:
            await watch.open()
        stage.api.then(streams(b'{"ok": true}'))
        assert await stage.client.get(CONFIG_MAPS, "a", "shop") == {"ok": True}
        end.set()
        for watch in watches:
            await watch.aclose()
            await watch.aclose()
