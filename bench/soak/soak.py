"""Runs it all, lets it settle, and says what is wrong and what was measured."""

from __future__ import annotations

import asyncio
import contextlib
import random
import tempfile
import time
from collections import Counter
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from bench.soak import records, verdict
from bench.soak.commits import Commits
from bench.soak.compare import Objects, differences, live
from bench.soak.people import People
from bench.soak.process import ControllerProcess
from bench.soak.shop import CRASHING, Shop
from bench.soak.trouble import Trouble
from tests.cluster.sim.plane import SimPlane, start
from tests.cluster.world import People as Authors
from tests.cluster.world import World

NAMESPACE = "soak"
ENVIRONMENT = "production"
_LOOK_EVERY = 1.0
_SAMPLE_EVERY = 1.0
# After this long without any news, nobody fights.
_QUIET_SECONDS = 8.0
_SHOWN = 20
_NODES = 24  # that there is room for every Pod, also while a Deployment replaces its own
_THREADS = 32  # many people at once wait for a cluster that gives no answer


@dataclass(frozen=True, slots=True)
class Settings:
    """How to soak. `kill`: the controller is killed now and then. Times in seconds, memory in MiB."""

    seconds: float = 60.0
    seed: int = 1
    clusters: int = 3
    applications: int = 5
    kill: bool = False
    between_edits: float = 0.8
    between_commits: float = 15.0
    settle: float = 180.0
    growth_mib_a_minute: float = 1.0


@dataclass(slots=True)
class Soak:
    """Everything of one run. `wrong` holds what is not as it should be, in words."""

    settings: Settings
    world: World
    planes: list[SimPlane]
    controller: ControllerProcess
    shop: Shop
    commits: Commits
    people: People
    troubles: Counter[str]
    wrong: list[str]

    @property
    def _dice(self) -> random.Random:
        return random.Random(self.settings.seed)

    async def run(self) -> dict[str, Any]:
        """Do everything; return the figures."""
        began = time.monotonic()
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(_THREADS))
        await asyncio.to_thread(self.shop.open)
        await self.controller.start()
        await self._settled("the first rollout")
        if self.wrong:
            return {"wrong": self.wrong}
        opened = time.monotonic() - began
        await self.controller.sample()
        looking_after = asyncio.create_task(self.commits.look_after())
        await self._trouble()
        started = time.monotonic()
        await self._settled("the end of all trouble")
        await _end([looking_after])
        settled = time.monotonic() - started
        await self._quiet()
        await self.controller.sample()
        figures = await self._figures()
        code = await self.controller.stop()
        if code:
            self.wrong.append(f"the controller ended with exit code {code}")
        self.wrong += self.controller.sorrows()
        self.wrong += [f"{plane.name} is not sound itself" for plane in self.planes if _broken(plane)]
        seconds = {"to open": round(opened, 1), "to settle": round(settled, 1)}
        return {"wrong": self.wrong, "seconds": {"trouble": self.settings.seconds, **seconds}, **figures}

    async def _trouble(self) -> None:
        """Let things happen for as long as is wanted; then everybody puts right what they left open."""
        settings = self.settings
        seeds = random.Random(settings.seed)
        storms = [
            asyncio.create_task(Trouble(plane, seeds.randrange(1 << 30), self.troubles).run())
            for plane in self.planes
        ]
        doing: list[Coroutine[Any, Any, None]] = [
            self.people.run(settings.between_edits),
            self.people.fight(rounds=5, pause=2.0),
            self.commits.run(settings.between_commits),
            self._sampling(),
            self._pausing(),
        ]
        if settings.kill:
            doing.append(self._killing())
        tasks = [asyncio.create_task(one) for one in doing]
        try:
            done, _ = await asyncio.wait(
                [*storms, *tasks], timeout=settings.seconds, return_when=asyncio.FIRST_EXCEPTION
            )
            for task in done:
                task.result()
        finally:
            await _end(storms)  # first: who puts something right needs a cluster that answers
            await self._put_right(tasks)

    async def _put_right(self, tasks: list[asyncio.Task[None]]) -> None:
        try:
            async with asyncio.timeout(self.settings.settle):
                await _end(tasks)
        except TimeoutError:
            self.wrong.append("people wait in vain for the controller, or for a cluster")

    async def _sampling(self) -> None:
        while True:
            await self.controller.sample()
            await asyncio.sleep(_SAMPLE_EVERY)

    async def _pausing(self) -> None:
        """Let the controller miss what happens, as where its machine is suspended."""
        dice = random.Random(self.settings.seed + 3)
        while True:
            await asyncio.sleep(dice.uniform(8, 40))
            self.troubles["controller stopped"] += 1
            with self.controller.stopped():
                await asyncio.sleep(dice.uniform(0.5, 6))

    async def _killing(self) -> None:
        dice = self._dice
        while True:
            await asyncio.sleep(dice.uniform(5, 30))
            await self.controller.kill()
            await asyncio.sleep(dice.uniform(0, 3))
            # Once begun, a start is seen through: whatever comes after needs a controller.
            await asyncio.shield(asyncio.ensure_future(self.controller.start()))

    async def _settled(self, after: str) -> None:
        """Wait until every cluster is as Git's head says; else say what is not."""
        found: list[str] = []
        end = time.monotonic() + self.settings.settle
        while time.monotonic() < end:
            found = await self._differences()
            if not found:
                return
            await asyncio.sleep(_LOOK_EVERY)
        self.wrong += [f"{self.settings.settle:g} s after {after}: {line}" for line in found[:_SHOWN]]
        self.wrong += await asyncio.to_thread(self.controller.waits, ENVIRONMENT)

    async def _differences(self) -> list[str]:
        wanted = dict(await self.commits.head())
        said = [f"Git still has what crashes: {key}" for key, body in wanted.items() if CRASHING in str(body)]
        for plane in self.planes:
            found: Objects = await asyncio.to_thread(live, plane, NAMESPACE)
            said += [f"{plane.name}: {line}" for line in differences(wanted, found)]
        return said

    async def _quiet(self) -> None:
        """See that nobody writes any more: no version of any object changes."""
        before = await self._versions()
        end = time.monotonic() + self.settings.settle
        while True:
            await asyncio.sleep(_QUIET_SECONDS)
            after = await self._versions()
            if before == after:
                return
            if time.monotonic() > end:
                moved = sorted(key for key in after if after[key] != before.get(key))
                self.wrong.append(f"still written to: {', '.join(map(str, moved[:_SHOWN]))}")
                return
            before = after

    async def _versions(self) -> dict[tuple[str, ...], str]:
        found: dict[tuple[str, ...], str] = {}
        for plane in self.planes:
            for key, body in (await asyncio.to_thread(live, plane, NAMESPACE)).items():
                found[plane.name, *key] = body["metadata"]["resourceVersion"]
        return found

    async def _figures(self) -> dict[str, Any]:
        told = await asyncio.to_thread(records.events, self.world.people.remote, ENVIRONMENT)
        samples, people, counts = self.controller.samples, self.people, records.counted(told)
        self.wrong += verdict.on_corrections(told, people, self.settings.seconds)
        if not self.settings.kill:
            self.wrong += verdict.on_use(samples, len(self.planes), self.settings.growth_mib_a_minute)
        return {
            "objects": len(await self.commits.head()) * len(self.planes),
            "edits": {"done": people.edits.total(), "drift": people.drifting, "failed": people.failed},
            "commits": dict(sorted(self.commits.made.items())),
            "faults": dict(sorted(self.troubles.items())),
            "controllers_started": self.controller.starts,
            "writes_of_the_last_process": await asyncio.to_thread(self.controller.writes),
            "corrections": counts["DriftCorrected"],
            "records": dict(sorted(counts.items())),
            **verdict.use(samples),
        }


async def run(settings: Settings, keep: Path | None = None) -> dict[str, Any]:
    """Soak in a temporary folder; in `keep`, where given, the controller's log and repository stay."""
    with contextlib.ExitStack() as stack:
        folder = keep or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gitops-waves-soak-")))
        planes = stack.enter_context(_planes(settings.clusters))
        world = World(Authors(folder), tuple(planes), NAMESPACE, folder, ENVIRONMENT)
        for plane in planes:
            plane.api.create("/api/v1/namespaces", {"metadata": {"name": NAMESPACE}})
        config = folder / "controller.yaml"
        config.write_text(
            yaml.safe_dump(world.config().model_dump(mode="json", by_alias=True, exclude_none=True))
        )
        shop = Shop(world, settings.applications)
        commits, people = Commits(world, shop, settings.seed + 1), People(world, shop, settings.seed + 2)
        controller = ControllerProcess(config, folder)
        try:
            return await Soak(settings, world, planes, controller, shop, commits, people, Counter(), []).run()
        finally:
            await controller.kill()


def _broken(plane: SimPlane) -> bool:
    """Whether something went wrong in the simulation that nobody wanted to go wrong."""
    return "Exception in callback" in (plane.folder / "simcluster.log").read_text(errors="replace")


@contextlib.contextmanager
def _planes(count: int) -> Iterator[list[SimPlane]]:
    planes = start(count, nodes=_NODES)
    try:
        yield planes
    finally:
        for plane in planes:
            plane.stop()


async def _end(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    for outcome in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(outcome, Exception):
            raise outcome
