"""Watches over HTTP: one JSON event a line, bookmarks, ends, clients that are too slow."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from simcluster.clock import SteppedClock
from simcluster.cluster import Cluster
from simcluster.server.watching import BOOKMARK_SECONDS, HttpSink, Sink, WatchStream
from simcluster.store.watch import MAX_BEHIND
from tests.unit.simcluster.server.conftest import Client

CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"
PARTIAL = "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io"
END = {"k8s.io/initial-events-end": "true"}


class Watching:
    """The events of one open watch."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self.response = response

    async def next(self) -> dict[str, Any]:
        """Return the next event; fails where the stream ends first."""
        line = await asyncio.wait_for(self.response.content.readline(), 10)
        assert line.endswith(b"\n"), "the watch has ended"
        event: dict[str, Any] = json.loads(line)
        return event

    async def ended(self) -> bool:
        """Return when the stream ends; False if an event comes instead."""
        return await asyncio.wait_for(self.response.content.readline(), 10) == b""


@asynccontextmanager
async def watching(client: Client, query: str = "", **headers: str) -> AsyncIterator[Watching]:
    async with client.open("GET", f"{CONFIG_MAPS}?watch=1&{query}", **headers) as response:
        assert response.status == 200
        yield Watching(response)


async def revision(client: Client) -> str:
    return str((await client.get(CONFIG_MAPS))["metadata"]["resourceVersion"])


def told(event: dict[str, Any]) -> tuple[str, str]:
    return event["type"], event["object"]["metadata"].get("name", "")


async def test_what_is_there_comes_first_and_then_what_changes(client: Client) -> None:
    await client.make(CONFIG_MAPS, "a")
    async with watching(client, "fieldSelector=metadata.name!%3Dkube-root-ca.crt") as watch:
        assert told(await watch.next()) == ("ADDED", "a")
        await client.make(CONFIG_MAPS, "b")
        assert told(await watch.next()) == ("ADDED", "b")
        patch = "application/merge-patch+json"
        await client.send("PATCH", f"{CONFIG_MAPS}/b", {"data": {"x": "y"}}, content_type=patch)
        event = await watch.next()
        assert told(event) == ("MODIFIED", "b")
        assert event["object"] == await client.get(f"{CONFIG_MAPS}/b")
        await client.send("DELETE", f"{CONFIG_MAPS}/a")
        assert told(await watch.next()) == ("DELETED", "a")


async def test_a_watch_resumes_where_another_one_ended(client: Client) -> None:
    since = await revision(client)
    for name in "abc":
        await client.make(CONFIG_MAPS, name)
    async with watching(client, f"resourceVersion={since}") as watch:
        events = [await watch.next() for _ in range(3)]
        assert [told(event)[1] for event in events] == ["a", "b", "c"]
    middle = events[0]["object"]["metadata"]["resourceVersion"]
    async with watching(client, f"resourceVersion={middle}") as watch:
        assert told(await watch.next()) == ("ADDED", "b")


async def test_a_watch_of_what_was_compacted_ends_with_gone(client: Client) -> None:
    since = await revision(client)
    await client.make(CONFIG_MAPS, "a")
    assert (await client.send("POST", "/_simcluster/compact")).status == 200
    for accept in ("application/json", TABLE, PARTIAL):
        async with watching(client, f"resourceVersion={since}", Accept=accept) as watch:
            event = await watch.next()
            assert event["type"] == "ERROR"
            assert (event["object"]["code"], event["object"]["reason"]) == (410, "Expired")
            assert await watch.ended()


@pytest.mark.parametrize(
    "query",
    [
        "allowWatchBookmarks=true",
        "allowWatchBookmarks=true&resourceVersion=0",
        "allowWatchBookmarks=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan",
    ],
)
async def test_a_bookmark_says_when_all_that_was_there_has_come(client: Client, query: str) -> None:
    async with watching(client, query) as watch:
        assert told(await watch.next()) == ("ADDED", "kube-root-ca.crt")
        event = await watch.next()
        assert event["type"] == "BOOKMARK"
        assert event["object"]["kind"] == "ConfigMap"
        assert event["object"]["metadata"] == {
            "resourceVersion": await revision(client),
            "annotations": END,
        }


async def test_bookmarks_come_every_minute_with_the_whole_store_s_revision(
    client: Client, clock: SteppedClock
) -> None:
    since = await revision(client)
    async with watching(client, f"allowWatchBookmarks=1&resourceVersion={since}") as watch:
        for _ in range(2):
            await client.make("/api/v1/namespaces/kube-system/secrets", f"s{await revision(client)}")
            clock.step(BOOKMARK_SECONDS)
            event = await watch.next()
            assert event["type"] == "BOOKMARK"
            assert event["object"]["metadata"] == {"resourceVersion": await revision(client)}
        await client.make(CONFIG_MAPS, "a")
        assert told(await watch.next()) == ("ADDED", "a")


async def test_without_asking_no_bookmark_comes(client: Client, clock: SteppedClock) -> None:
    async with watching(client, f"resourceVersion={await revision(client)}") as watch:
        clock.step(3 * BOOKMARK_SECONDS)
        await client.make(CONFIG_MAPS, "a")
        assert told(await watch.next()) == ("ADDED", "a")


async def test_a_watch_ends_in_its_time_with_a_last_bookmark(client: Client, clock: SteppedClock) -> None:
    since = await revision(client)
    async with watching(client, f"timeoutSeconds=10&allowWatchBookmarks=1&resourceVersion={since}") as watch:
        clock.step(9)
        assert (await watch.next())["type"] == "BOOKMARK"
        clock.step(1)
        assert await watch.ended()


async def test_a_selector_turns_changes_into_comings_and_goings(client: Client) -> None:
    since = await revision(client)
    patch = "application/merge-patch+json"
    async with watching(client, f"labelSelector=x%3Dy&resourceVersion={since}") as watch:
        await client.make(CONFIG_MAPS, "a")
        for labels, kind in (({"x": "y"}, "ADDED"), ({"z": "z"}, "MODIFIED"), ({"x": "n"}, "DELETED")):
            body = {"metadata": {"labels": labels}}
            changed = await client.send("PATCH", f"{CONFIG_MAPS}/a", body, content_type=patch)
            event = await watch.next()
            assert told(event) == (kind, "a")
            version = changed.body["metadata"]["resourceVersion"]
            assert event["object"]["metadata"]["resourceVersion"] == version


async def test_metadata_alone_can_be_watched(client: Client) -> None:
    async with watching(client, f"resourceVersion={await revision(client)}", Accept=PARTIAL) as watch:
        made = await client.make(CONFIG_MAPS, "a", data={"x": "1"})
        event = await watch.next()
        assert event["object"] == {
            "kind": "PartialObjectMetadata",
            "apiVersion": "meta.k8s.io/v1",
            "metadata": made["metadata"],
        }


async def test_only_the_first_table_of_a_watch_has_columns(client: Client) -> None:
    async with watching(client, "resourceVersion=0", Accept=TABLE) as watch:
        first = await watch.next()
        assert [column["name"] for column in first["object"]["columnDefinitions"]] == ["Name", "Data", "Age"]
        await client.make(CONFIG_MAPS, "a", data={"x": "1"})
        event = await watch.next()
        assert event["object"]["columnDefinitions"] is None
        assert event["object"]["rows"][0]["cells"][:2] == ["a", 1]


async def test_watchers_share_the_bytes_of_an_event(client: Client, fleet: Any) -> None:
    lines = fleet._server.sites["cluster-1"].lines
    since = await revision(client)
    async with (
        watching(client, f"resourceVersion={since}") as one,
        watching(client, f"resourceVersion={since}") as two,
    ):
        await client.make(CONFIG_MAPS, "a")
        assert await one.next() == await two.next()
    assert len(lines._made) == 1


async def test_the_old_form_watches_too(client: Client) -> None:
    await client.make(CONFIG_MAPS, "a")
    path = "/api/v1/watch/namespaces/default/configmaps/a"
    async with client.open("GET", path) as response:
        assert told(await Watching(response).next()) == ("ADDED", "a")


async def test_a_watch_whose_client_has_gone_is_forgotten(client: Client, cluster: Cluster) -> None:
    async with watching(client) as watch:
        await watch.next()
        assert len(cluster.store.watches()) == 1
        watch.response.close()
    async with asyncio.timeout(10):
        while cluster.store.watches():  # noqa: ASYNC110 - a connection that ends tells nobody
            await asyncio.sleep(0.01)


async def test_a_watcher_that_takes_nothing_is_dropped(client: Client, cluster: Cluster) -> None:
    """It gets what it can hold; what the cluster keeps for it is bounded."""
    big = "x" * 100_000
    async with watching(client, f"resourceVersion={await revision(client)}") as watch:
        kind = cluster.registry.of("v1", "ConfigMap")
        assert kind is not None
        cluster.api.create(kind, "default", {"metadata": {"name": "a"}, "data": {"x": big}})
        for number in range(2 * MAX_BEHIND):
            stored = cluster.api.get(kind, "default", "a")
            stored["data"]["n"] = str(number)
            cluster.api.update(kind, "default", "a", stored)
        assert cluster.store.watches() == []
        seen = 0
        while (await watch.response.content.readline()).endswith(b"\n"):
            seen += 1
        assert seen < 2 * MAX_BEHIND


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("sendInitialEvents=true", "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"),
        ("resourceVersionMatch=NotOlderThan", "is forbidden for watch unless sendInitialEvents is provided"),
        ("fieldSelector=spec.x%3D1", '"spec.x" is not a known field selector'),
        ("timeoutSeconds=x", 'strconv.ParseInt: parsing "x": invalid syntax'),
        ("resourceVersion=abc", 'resourceVersion: Invalid value: "abc"'),
    ],
)
async def test_a_watch_that_cannot_be_is_refused(client: Client, query: str, words: str) -> None:
    reply = await client.send("GET", f"{CONFIG_MAPS}?watch=1&{query}")
    assert reply.status in (400, 422, 500)
    assert words in reply.message


async def test_a_watcher_that_has_gone_when_its_watch_ends_is_no_failure() -> None:
    """Most watchers just go; a thousand clusters' would fill the log with tracebacks."""

    class Gone(web.StreamResponse):
        asked = False

        async def prepare(self, request: web.BaseRequest) -> None:
            del request

        async def write_eof(self, data: bytes = b"") -> None:
            del data
            self.asked = True
            raise ConnectionResetError

    class Over(WatchStream):
        def __init__(self) -> None:
            """Nothing to send."""

        async def run(self, sink: Sink, *, seconds: float, bookmarks: bool, initial_end: bool) -> None:
            del sink, seconds, bookmarks, initial_end

    async def reachable() -> None:
        return

    response = Gone()
    sink = HttpSink(make_mocked_request("GET", "/"), response, reachable)
    await sink.stream(Over(), seconds=1, bookmarks=False, initial_end=False)
    assert response.asked
