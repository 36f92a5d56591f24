"""A rollout to hundreds of simulated clusters in four waves: how time and CPU grow with their number."""

from __future__ import annotations

import asyncio
import resource
import tempfile
import time
from pathlib import Path
from typing import Any

import yaml

from bench.simulated import Simulated
from bench.written import clusters, controller, document
from controllers.cli import open_files
from controllers.main import Fleet
from gitops.model.controller import Controller
from tests.cluster.world import People, Seen, config_map, deployment

SIZES = (100, 300, 1000)
ENVIRONMENT = "fleet"
CONFIG_MAPS, SERVICES, DEPLOYMENTS = 12, 4, 4
_WAVES = (
    {"name": "canary", "percentage": "1%"},
    {"name": "early", "percentage": "9%"},
    {"name": "half", "percentage": "40%"},
    {"name": "rest"},
)
_CONCURRENT = 50
_PATIENCE = 900.0


async def run() -> dict[str, Any]:
    """A first rollout of 20 objects to every size of fleet, and then a rollout that changes one of them."""
    return {f"{size} clusters": await _rollouts(size) for size in SIZES}


async def _rollouts(size: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="gitops-waves-bench-") as name, Simulated(size) as simulated:
        folder = Path(name)
        people = People(folder)
        seen = Seen()
        first = people.push("First", _repository(size))
        open_files.allow_many()
        fleet = Fleet(Controller.model_validate(controller(folder, people, simulated)), [seen])
        marks = [_Mark(simulated)]
        task = asyncio.create_task(fleet.run())
        try:
            await _good(seen, first)
            marks.append(_Mark(simulated))
            resident = simulated.resident_kib
            second = people.push("Second", {_path("config-0.yaml"): config_map("config-0", value="2")})
            await _good(seen, second)
            marks.append(_Mark(simulated))
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
    return {
        "first_rollout": marks[1].since(marks[0], size),
        "one_object_changed": marks[2].since(marks[1], size),
        "simulation_mib_with_all_objects": round(resident / 1024),
        "simulation_kib_a_cluster_with_all_objects": round(resident / size, 1),
        "controller_peak_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


class _Mark:
    """The time, and the CPU that the controller and the simulation have used up to now."""

    def __init__(self, simulation: Simulated) -> None:
        self._wall = time.perf_counter()
        used = resource.getrusage(resource.RUSAGE_SELF)
        self._controller = used.ru_utime + used.ru_stime
        self._simulation = simulation.cpu_seconds

    def since(self, before: _Mark, size: int) -> dict[str, float]:
        wall = self._wall - before._wall
        cpu = self._controller - before._controller
        return {
            "seconds": round(wall, 2),
            "controller_cpu_seconds": round(cpu, 2),
            "simulation_cpu_seconds": round(self._simulation - before._simulation, 2),
            "milliseconds_a_cluster": round(1000 * wall / size, 2),
            "controller_cpu_milliseconds_a_cluster": round(1000 * cpu / size, 2),
        }


async def _good(seen: Seen, revision: str) -> None:
    async with asyncio.timeout(_PATIENCE):
        while True:
            seen.changed.clear()
            state = seen.state.get(ENVIRONMENT)
            good = state.application("shop").good if state is not None else None
            if good is not None and good.revision == revision:
                return
            await seen.changed.wait()


def _path(name: str) -> str:
    return f"environments/{ENVIRONMENT}/shop/{name}"


def _repository(size: int) -> dict[str, str | None]:
    waves = [{**wave, "maxConcurrent": _CONCURRENT, "progressDeadline": "10m"} for wave in _WAVES]
    targets = [{"clusterSelector": {}, "namespace": "shop", "createNamespace": True}]
    files = clusters(size) | {
        f"environments/{ENVIRONMENT}/environment.yaml": document(
            "Environment", ENVIRONMENT, spec={"targets": targets, "waves": waves}
        )
    }
    for index in range(CONFIG_MAPS):
        files[_path(f"config-{index}.yaml")] = config_map(f"config-{index}", value="1")
    for index in range(SERVICES):
        files[_path(f"service-{index}.yaml")] = yaml.safe_dump(
            {
                "apiVersion": "v1",
                "kind": "Service",
                "metadata": {"name": f"web-{index}"},
                "spec": {"selector": {"app": f"web-{index}"}, "ports": [{"port": 80}]},
            }
        )
    for index in range(DEPLOYMENTS):
        files[_path(f"deployment-{index}.yaml")] = deployment(f"web-{index}", replicas=1)
    return files
