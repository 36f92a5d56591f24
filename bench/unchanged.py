"""A pass over objects of which none changed: what it takes, and that nothing is written or tried for it."""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from bench.drift import environment_files, watch_of
from bench.measure import measured
from tests.cluster.sim import plane as simulated
from tests.cluster.sim.plane import SimPlane
from tests.cluster.world import People, World

SIZES = (1_000, 10_000)
_NAMESPACE = "bench-unchanged"
_IDLE_SECONDS = 5.0


async def run(sizes: tuple[int, ...] = SIZES) -> dict[str, Any]:
    """All figures of this module, on a simulated cluster in a process of its own."""
    return {f"{size} objects": await _figures(size) for size in sizes}


async def _figures(size: int) -> dict[str, Any]:
    (plane,) = simulated.start(1)
    with plane, tempfile.TemporaryDirectory() as folder:
        return await _passes(plane, Path(folder), size)


async def _passes(plane: SimPlane, folder: Path, size: int) -> dict[str, Any]:
    plane.api.create("/api/v1/namespaces", {"metadata": {"name": _NAMESPACE}})
    world = World(People(folder), (plane,), _NAMESPACE, folder, "bench")
    first = world.people.push("First", environment_files(world, size))
    async with world.controller() as fleet:
        await world.succeeded(first, "shop", within=900)
        drift, loop = watch_of(world), fleet.repositories[0].loops["bench"]
        await world.until(lambda: drift.synced and loop.at_rest, "everything to be watched", within=300)
        world.requests.clear()
        with measured() as nothing_new:
            await loop.step()
        other = await asyncio.to_thread(world.people.push, "Other", {"docs/notes.md": "Nothing of ours.\n"})
        await world.looked_at(other)
        loop._wished_for = None  # noqa: SLF001 - as if the commit were new
        with measured() as other_commit:
            await loop.step()
        with measured() as judged:
            for cluster in drift._clusters.values():  # noqa: SLF001 - a benchmark looks inside
                cluster.judge_anew()
        with measured() as idle:
            await asyncio.sleep(_IDLE_SECONDS)
        return {
            "pass_with_nothing_new": nothing_new.as_json(),
            "pass_after_a_commit_elsewhere": other_commit.as_json(),
            "every_object_judged_anew": judged.as_json(),
            "idle_cpu_milliseconds_a_second": round(idle.cpu_seconds / _IDLE_SECONDS * 1000, 2),
            "writes_and_dry_runs": len(world.writes),
            "tracked": drift.tracked,
        }


def main() -> None:
    """Run this module alone: `python -m bench.unchanged [OBJECTS]`."""
    sizes = tuple(map(int, sys.argv[1:])) or SIZES
    print(json.dumps(asyncio.run(run(sizes)), indent=2))


if __name__ == "__main__":
    main()
