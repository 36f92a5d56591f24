"""From a commit to the first write on one target; and what a pass costs when nothing changed."""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import pygit2

from bench.apply import WRITES
from bench.measure import measured
from controllers.adapters.kube.wire import RequestSeen
from controllers.rollout.environment import EnvironmentLoop
from tests.cluster.rig.control_plane import ControlPlane
from tests.cluster.world import People, World, config_map

COMMITS = 20
PASSES = 200
# A thousand objects on the target, of which each commit changes one.
OBJECTS = 1000


async def run(plane: ControlPlane) -> dict[str, Any]:
    """All figures of this module."""
    with tempfile.TemporaryDirectory() as folder:
        plane.api.create("/api/v1/namespaces", {"metadata": {"name": "bench-commit"}})
        world = World(People(Path(folder)), (plane,), "bench-commit", Path(folder), "bench")
        first = world.people.push("First", _files(world))
        async with world.controller() as fleet:
            await world.succeeded(first, "shop", within=120)
            loop = fleet.repositories[0].loops["bench"]
            writes: list[float] = []
            requests: list[RequestSeen] = []
            told = fleet.clusters._on_request  # noqa: SLF001 - a benchmark listens in

            def seen(cluster: str, request: RequestSeen) -> None:
                told(cluster, request)
                requests.append(request)
                if request.verb in WRITES and not request.dry_run:
                    writes.append(time.perf_counter() - request.seconds)

            fleet.clusters._on_request = seen  # noqa: SLF001
            latencies = [await _one_commit(world, writes, index) for index in range(COMMITS)]
            await world.until(lambda: loop.at_rest, "rest")
            requests.clear()
            passes = await _passes(loop)
    return {
        "commit_to_first_write": {
            "objects_on_the_target": OBJECTS,
            "commits": COMMITS,
            "seconds_median": round(statistics.median(latencies), 4),
            "seconds_worst": round(max(latencies), 4),
        },
        "pass_with_nothing_changed": {
            **passes,
            "requests": len([one for one in requests if one.verb != "watch"]),
            "writes": len([one for one in requests if one.verb in WRITES]),
        },
    }


def _files(world: World) -> dict[str, str | None]:
    waves = [{"name": "all"}]
    files = {**world.clusters(), **world.environment_file(waves=waves)}
    for index in range(OBJECTS):
        files[world.path("shop", f"{index}.yaml")] = config_map(f"config-{index}", value="1")
    return files


async def _one_commit(world: World, writes: list[float], index: int) -> float:
    writes.clear()
    successes = world.successes("shop")
    content = config_map(f"config-{index}", value=f"changed-{index}")
    moved = _commit(world.people.remote, world.path("shop", f"{index}.yaml"), content)
    await world.until(lambda: world.successes("shop") > successes, "the rollout")
    return writes[0] - moved


def _commit(remote: Path, path: str, content: str) -> float:
    """Commit to the bare repository as a forge does; returns when the branch had moved."""
    repository = pygit2.Repository(str(remote))
    head = repository.references["refs/heads/main"].peel(pygit2.Commit)
    index = pygit2.Index()
    index.read_tree(head.tree)
    blob = repository.create_blob(content.encode())
    index.add(pygit2.IndexEntry(path, blob, pygit2.enums.FileMode.BLOB))
    author = pygit2.Signature("Dana Developer", "dana@example.org")
    tree = index.write_tree(repository)
    repository.create_commit("refs/heads/main", author, author, "Change one", tree, [head.id])
    return time.perf_counter()


async def _passes(loop: EnvironmentLoop) -> dict[str, Any]:
    with measured() as cost:
        for _ in range(PASSES):
            await loop.step()
            await asyncio.sleep(0)
    return {
        "passes": PASSES,
        "milliseconds_each": round(cost.seconds / PASSES * 1000, 3),
        "cpu_milliseconds_each": round(cost.cpu_seconds / PASSES * 1000, 3),
        "peak_mib": round(cost.peak_mib, 1),
    }
