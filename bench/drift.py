"""From the server's word that an object was changed to our corrected write; and what nothing at all costs."""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from bench.measure import measured
from controllers.adapters.kube.client import KubeClient
from controllers.adapters.kube.connection import ConnectionSettings, connect
from controllers.adapters.kube.resources import Resource
from controllers.adapters.kube.wire import RequestSeen
from controllers.drift.environment import EnvironmentDrift
from tests.cluster.rig import binaries, control_plane
from tests.cluster.rig.control_plane import ControlPlane
from tests.cluster.world import People, World, config_map

OBJECTS = 10_000
CHANGES = 200
_IDLE_SECONDS = 5.0
_CONFIG_MAPS = Resource("", "v1", "ConfigMap", "configmaps", namespaced=True)
_NAMESPACE = "bench-drift"


async def run(plane: ControlPlane, objects: int = OBJECTS) -> dict[str, Any]:
    """All figures of this module."""
    with tempfile.TemporaryDirectory() as folder:
        plane.api.create("/api/v1/namespaces", {"metadata": {"name": _NAMESPACE}})
        world = World(People(Path(folder)), (plane,), _NAMESPACE, Path(folder), "bench")
        first = world.people.push("First", environment_files(world, objects))
        async with world.controller():
            await world.succeeded(first, "shop", within=900)
            drift = watch_of(world)
            await world.until(lambda: drift.synced, "everything to be watched", within=120)
            corrections = await _corrections(world, drift)
        restart = await _restart(world, first)
    return {"objects": objects, "corrections": corrections, "restart": restart}


def environment_files(world: World, objects: int) -> dict[str, str | None]:
    """An environment that corrects drift, and one application with so many ConfigMaps."""
    waves = [{"name": "all"}]
    files = {**world.clusters(), **world.environment_file(waves=waves, drift="Correct")}
    for part in range(0, objects, 500):
        maps = (config_map(f"config-{index}", value="1") for index in range(part, min(part + 500, objects)))
        files[world.path("shop", f"{part}.yaml")] = "---\n".join(maps)
    return files


def watch_of(world: World) -> EnvironmentDrift:
    """What watches the environment of the controller that runs."""
    if world.fleet is None:
        raise RuntimeError("the controller does not run")
    return world.fleet.repositories[0].loops["bench"]._drift  # noqa: SLF001 - a benchmark looks inside


async def _corrections(world: World, drift: EnvironmentDrift) -> dict[str, Any]:
    """Change objects one by one, by a client of the controller's own kind on connections of its own."""
    fleet = world.fleet
    if fleet is None:
        raise RuntimeError("the controller does not run")
    written: dict[str, float] = {}
    told = fleet.clusters._on_request  # noqa: SLF001 - a benchmark listens in

    def seen(cluster: str, request: RequestSeen) -> None:
        told(cluster, request)
        if request.verb == "apply" and not request.dry_run and request.resource == "configmaps":
            written["at"] = time.perf_counter()

    fleet.clusters._on_request = seen  # noqa: SLF001
    latencies: list[float] = []
    async with _person(world) as client:
        await _one(world, client, written, 0)  # renders the application once
        with measured() as cost:
            for index in range(1, CHANGES + 1):
                latencies.append(await _one(world, client, written, index))
                await asyncio.sleep(0.02)
    ordered = sorted(latencies)
    return {
        "changes": CHANGES,
        "milliseconds_median": round(statistics.median(latencies) * 1000, 2),
        "milliseconds_p99": round(ordered[int(len(ordered) * 0.99) - 1] * 1000, 2),
        "milliseconds_worst": round(ordered[-1] * 1000, 2),
        "cpu_seconds": round(cost.cpu_seconds, 3),
        "tracked": drift.tracked,
    }


@asynccontextmanager
async def _person(world: World) -> AsyncIterator[KubeClient]:
    plane = world.planes[0]
    kubeconfig = plane.write_kubeconfig(world.folder / "person.kubeconfig")
    client = await connect(ConnectionSettings(name="person", kubeconfig=str(kubeconfig)))
    try:
        yield client
    finally:
        await client.close()


async def _one(world: World, client: KubeClient, written: dict[str, float], index: int) -> float:
    """Change one object; seconds from the server's answer to the answer to the corrected write."""
    written.clear()
    body = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": f"config-{index}", "namespace": world.namespace},
        "data": {"value": "changed"},
    }
    await client.apply(_CONFIG_MAPS, body, field_manager="somebody")
    acknowledged = time.perf_counter()
    async with asyncio.timeout(30):
        while "at" not in written:  # noqa: ASYNC110 - what is measured must not do more than note a time
            await asyncio.sleep(0.001)
    return written["at"] - acknowledged


async def _restart(world: World, revision: str) -> dict[str, Any]:
    """Start again with nothing changed, until every object is known to be as it was applied."""
    world.requests.clear()
    async with AsyncExitStack() as stack:
        with measured() as cost:
            await stack.enter_async_context(world.controller())
            await world.looked_at(revision)
            while not watch_of(world).synced:  # noqa: ASYNC110 - what is measured must not be woken by it
                await asyncio.sleep(0.005)
        requests = Counter(f"{one.verb} {one.resource}" for one in world.requests)
        dry_runs = sum(one.dry_run for one in world.requests)
        with measured() as rest:
            await asyncio.sleep(_IDLE_SECONDS)
    return {
        **cost.as_json(),
        "idle_cpu_milliseconds_a_second": round(rest.cpu_seconds / _IDLE_SECONDS * 1000, 2),
        "requests": dict(sorted(requests.items())),
        "dry_runs": dry_runs,
    }


def main() -> None:
    """Run this module alone: `python -m bench.drift [OBJECTS]`."""
    plane = control_plane.start(binaries.ensure(lambda line: print(line, file=sys.stderr)))[0]
    try:
        objects = int(sys.argv[1]) if len(sys.argv) > 1 else OBJECTS
        print(json.dumps(asyncio.run(run(plane, objects)), indent=2))
    finally:
        plane.stop()


if __name__ == "__main__":
    main()
