"""The controller's process with many objects: its memory, and what a restart takes with nothing changed."""

from __future__ import annotations

import asyncio
import json
import re
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import yaml

from bench.seeded import APPLICATION, ENVIRONMENT, NAMESPACE, manifest
from bench.simulated import Simulated
from bench.soak.process import ControllerProcess
from bench.written import clusters, controller, document
from tests.cluster.world import People

# With one object, everything is loaded and connected: from there on, memory is that of objects.
SIZES = (0, 1, 10_000, 100_000)
_ON_EACH = 10_000
_PATIENCE = 900.0
_SETTLE_SECONDS = 5.0
_REQUESTS = re.compile(
    r'gitops_waves_kube_request_duration_seconds_count\{code="\d+",dry_run="(\w+)",verb="(\w+)"\} (\S+)'
)


async def run(sizes: tuple[int, ...] = SIZES) -> dict[str, Any]:
    """All figures of this module; the objects are on clusters with ten thousand of them each."""
    found = {size: await _figures(size) for size in sizes}
    one = found.get(1, {}).get("restart", {}).get("rss_mib", 0.0)
    for size, figures in found.items():
        if size > 1 and one:
            grown = figures["restart"]["rss_mib"] - one
            figures["rss_bytes_an_object"] = round(grown * 2**20 / size)
    return {f"{size} objects": figures for size, figures in found.items()}


async def _figures(size: int) -> dict[str, Any]:
    count = max(1, size // _ON_EACH)
    served = ("bench.seeded", f"--objects={max(size // count, 1)}")
    with (
        tempfile.TemporaryDirectory(prefix="gitops-waves-bench-") as name,
        Simulated(count, *served) as simulated,
    ):
        folder = Path(name)
        people = People(folder)
        people.push("First", _repository(count, size // count))
        config = folder / "controller.yaml"
        config.write_text(yaml.safe_dump(controller(folder, people, simulated, driftCheckInterval=None)))
        process = ControllerProcess(config, folder)
        try:
            first = await _watched(process, size)
            await process.stop()
            again = await _watched(process, size)
            await process.stop()
        finally:
            await process.kill()
        return {"first_start": first, "restart": again}


async def _watched(process: ControllerProcess, size: int) -> dict[str, Any]:
    """Start, and measure until everything is known to be as it was applied, and a little after."""
    started = time.perf_counter()
    await process.start()
    async with asyncio.timeout(_PATIENCE):
        while not _complete(await process.metrics(), size):  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.2)
    seconds = time.perf_counter() - started
    await process.sample()
    spent = process.samples[-1].cpu_seconds
    await asyncio.sleep(_SETTLE_SECONDS)
    await process.sample()
    last = process.samples[-1]
    return {
        "seconds": round(seconds, 2),
        "cpu_seconds": round(spent, 2),
        "rss_mib": round(last.rss_mib, 1),
        "idle_cpu_milliseconds_a_second": round(1000 * (last.cpu_seconds - spent) / _SETTLE_SECONDS, 1),
        "requests": _requests(await process.metrics()),
    }


def _complete(exposition: str, size: int) -> bool:
    labels = f'{{environment="{ENVIRONMENT}"}}'
    lines = exposition.splitlines()
    if not size:
        return any(line.startswith("gitops_waves_last_successful_pass_timestamp_seconds{") for line in lines)
    return (
        f"gitops_waves_drift_watch_complete{labels} 1.0" in lines
        and f"gitops_waves_drift_watched_objects{labels} {float(size)}" in lines
        and not any(
            line.startswith("gitops_waves_work_in_progress") and not line.endswith(" 0.0") for line in lines
        )
    )


def _requests(exposition: str) -> dict[str, int]:
    """How many requests of each verb were sent to Kubernetes; dry-runs count for themselves."""
    found: dict[str, int] = {}
    for dry_run, verb, count in _REQUESTS.findall(exposition):
        name = "dry-run" if dry_run == "true" else verb
        found[name] = found.get(name, 0) + int(float(count))
    return dict(sorted(found.items()))


def _repository(count: int, objects: int) -> dict[str, str | None]:
    targets = [{"clusterSelector": {}, "namespace": NAMESPACE, "createNamespace": True}]
    spec = {"targets": targets, "waves": [{"name": "all", "maxConcurrent": 4}], "drift": "Correct"}
    files = clusters(count) | {
        f"environments/{ENVIRONMENT}/environment.yaml": document("Environment", ENVIRONMENT, spec=spec)
    }
    for part in range(0, objects, 500):
        maps = (manifest(index) for index in range(part, min(part + 500, objects)))
        text = "---\n".join(json.dumps(body) + "\n" for body in maps)
        files[f"environments/{ENVIRONMENT}/{APPLICATION}/{part}.yaml"] = text
    return files


def main() -> None:
    """Run this module alone: `python -m bench.scale [OBJECTS…]`."""
    sizes = tuple(map(int, sys.argv[1:])) or SIZES
    print(json.dumps(asyncio.run(run(sizes)), indent=2))


if __name__ == "__main__":
    main()
