"""Faults that are switched on from outside, each on one cluster only, and off again."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import aiohttp
import pytest

from simcluster.clock import SteppedClock
from simcluster.fleet import Fleet, Settings
from tests.unit.simcluster.server.conftest import LIMITED, Client

CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"
FAULTS = "/_simcluster/faults"


async def switch(client: Client, **faults: Any) -> None:
    reply = await client.send("PUT", FAULTS, faults)
    assert reply.status == 200, reply.text


async def test_faults_are_one_cluster_s_own(client: Client, other: Client) -> None:
    await switch(client, unavailable=1)
    assert (await client.get(FAULTS))["unavailable"] == 1
    reply = await client.send("GET", CONFIG_MAPS)
    assert (reply.status, reply.body["reason"]) == (503, "ServiceUnavailable")
    assert (await other.send("GET", CONFIG_MAPS)).status == 200
    await switch(client)
    assert (await client.send("GET", CONFIG_MAPS)).status == 200


async def test_too_many_requests_say_when_to_come_back(client: Client) -> None:
    await switch(client, tooManyRequests=1, retryAfter=3)
    reply = await client.send("GET", CONFIG_MAPS)
    assert (reply.status, reply.headers["Retry-After"]) == (429, "3")


async def test_a_read_only_store_reads(client: Client) -> None:
    await client.make(CONFIG_MAPS, "a")
    await switch(client, readOnly=True)
    reply = await client.send("POST", CONFIG_MAPS, {"metadata": {"name": "b"}})
    assert (reply.status, reply.message) == (500, "etcdserver: mvcc: database space exceeded")
    assert (await client.send("DELETE", f"{CONFIG_MAPS}/a")).status == 500
    assert await client.get(f"{CONFIG_MAPS}/a")
    await switch(client)
    await client.make(CONFIG_MAPS, "b")


async def test_latency_is_waited_out_by_the_cluster_s_clock(client: Client, clock: SteppedClock) -> None:
    await switch(client, latency=5)
    task = asyncio.create_task(client.send("GET", CONFIG_MAPS))
    async with asyncio.timeout(10):
        while clock.until_next() is None:  # noqa: ASYNC110 - a clock tells nobody
            await asyncio.sleep(0.01)
    clock.step(4)
    assert not task.done()
    clock.step(1)
    assert (await task).status == 200


async def test_a_refused_connection_is_no_answer(client: Client, other: Client) -> None:
    await switch(client, partition="refuse")
    with pytest.raises(aiohttp.ClientConnectionError):
        await client.send("GET", CONFIG_MAPS)
    assert (await other.send("GET", CONFIG_MAPS)).status == 200
    await switch(client)
    assert (await client.send("GET", CONFIG_MAPS)).status == 200


async def test_a_black_hole_swallows_requests_until_it_closes(client: Client) -> None:
    await switch(client, partition="blackHole")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(client.send("GET", CONFIG_MAPS), 0.2)
    task = asyncio.create_task(client.send("GET", CONFIG_MAPS))
    await asyncio.sleep(0.05)
    await switch(client)
    assert (await task).status == 200


async def test_a_watch_in_a_black_hole_is_silent_and_then_goes_on(client: Client) -> None:
    since = (await client.get(CONFIG_MAPS))["metadata"]["resourceVersion"]
    async with client.open("GET", f"{CONFIG_MAPS}?watch=1&resourceVersion={since}") as response:
        await switch(client, partition="blackHole")
        line = asyncio.create_task(response.content.readline())
        await switch(client, latency=0)
        await client.make(CONFIG_MAPS, "a")
        assert json.loads(await asyncio.wait_for(line, 10))["object"]["metadata"]["name"] == "a"


@pytest.mark.parametrize("how", ["drop", "refuse"])
async def test_watches_are_cut(client: Client, how: str) -> None:
    async with client.open("GET", f"{CONFIG_MAPS}?watch=1") as response:
        await response.content.readline()
        if how == "drop":
            dropped = await client.send("POST", "/_simcluster/drop-watches")
            assert dropped.body == {"dropped": 1}
        else:
            await switch(client, partition="refuse")
        with pytest.raises(aiohttp.ClientError):
            await asyncio.wait_for(response.content.readline(), 10)


async def test_controllers_are_paused_from_outside(client: Client) -> None:
    await client.send("POST", "/_simcluster/pause-controllers")
    await client.make("/api/v1/namespaces", "later")
    await client.send("DELETE", "/api/v1/namespaces/later")
    await client.send("POST", "/_simcluster/step", {"seconds": 10})
    assert (await client.get("/api/v1/namespaces/later"))["status"]["phase"] == "Terminating"
    await client.send("POST", "/_simcluster/resume-controllers")
    await client.send("POST", "/_simcluster/step", {"seconds": 10})
    assert (await client.send("GET", "/api/v1/namespaces/later")).status == 404


async def test_time_is_stepped_from_outside(client: Client) -> None:
    before = (await client.get("/_simcluster/state"))["time"]
    reply = await client.send("POST", "/_simcluster/step", {"seconds": 90})
    assert reply.body["time"] > before
    assert (await client.get("/_simcluster/state"))["simulation"] is True


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("PUT", FAULTS, {"nonsense": 1}, 400),
        ("PUT", FAULTS, b"{bad", 400),
        ("PUT", FAULTS, b"[]", 400),
        ("DELETE", FAULTS, None, 405),
        ("GET", "/_simcluster/compact", None, 405),
        ("POST", "/_simcluster/compact", {"revision": "x"}, 400),
        ("POST", "/_simcluster/step", {"seconds": -1}, 400),
        ("GET", "/_simcluster/nothing", None, 404),
    ],
)
async def test_mistakes_are_told(client: Client, method: str, path: str, body: Any, status: int) -> None:
    reply = await client.send(method, path, body)
    assert (reply.status, reply.body["kind"]) == (status, "Status")


@pytest.mark.parametrize(("token", "status"), [(LIMITED, 403), ("", 403), ("made-up", 401)])
async def test_only_administrators_may_break_things(client: Client, token: str, status: int) -> None:
    assert (await client.send("PUT", FAULTS, {}, token=token)).status == status


async def test_a_cluster_with_its_own_port_does_not_even_listen(session: aiohttp.ClientSession) -> None:
    """Its common address still takes what is for the simulation itself, and the port comes back."""
    async with Fleet(Settings(tls=False, own_ports=True, clock=SteppedClock)) as fleet:
        own = Client(session, fleet.url("cluster-1"), fleet.token)
        common = Client(session, fleet.common_url("cluster-1"), fleet.token)
        await own.get(CONFIG_MAPS)
        await switch(common, partition="refuse")
        with pytest.raises(aiohttp.ClientConnectionError):
            await own.send("GET", CONFIG_MAPS)
        await switch(common)
        async with asyncio.timeout(10):
            while True:
                try:
                    reply = await own.send("GET", CONFIG_MAPS)
                except aiohttp.ClientConnectionError:
                    await asyncio.sleep(0.01)
                else:
                    break
        assert reply.status == 200
