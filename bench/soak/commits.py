"""People who merge: mostly good releases, now and then one that crashes or cannot be read."""

from __future__ import annotations

import asyncio
import random
import subprocess
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any

from bench.soak import records
from bench.soak.shop import ENVIRONMENTS, Shop, wanted
from tests.cluster.world import World

_CRASHES, _SLIPS = 0.12, 0.24
_MENDED_AFTER = (2.0, 10.0)
_TRIES = 20
_LOOKED_AFTER_EVERY = 5.0
_CLAIMED_SECONDS = 15.0


class Commits:
    """One hand at a time writes to the repository. `made` counts commits by what they were."""

    def __init__(self, world: World, shop: Shop, seed: int) -> None:
        self._world = world
        self._shop = shop
        self._dice = random.Random(seed)
        self._hand = asyncio.Lock()
        self._busy: dict[str, asyncio.Task[None]] = {}
        self._number = 0
        self.made: Counter[str] = Counter()

    async def run(self, pause: float) -> None:
        """Merge something every `pause` seconds or so, until cancelled; what is to be mended is mended."""
        try:
            while True:
                await asyncio.sleep(self._dice.uniform(0.5 * pause, 1.5 * pause))
                await self._merge()
        finally:
            await asyncio.gather(*self._busy.values())

    async def head(self) -> Mapping[tuple[str, str], dict[str, Any]]:
        """What the branch says now."""
        async with self._hand:
            return await asyncio.to_thread(wanted, self._world)

    async def look_after(self) -> None:
        """Ask for another try where a rollout was halted because somebody claimed an object, until cancelled.

        Where newer inputs wait, nobody asks: they have to do it alone.
        """
        asked: set[str] = set()
        while True:
            await asyncio.sleep(_LOOKED_AFTER_EVERY)
            for halted in await asyncio.to_thread(self._halted):
                if halted["rollout"] not in asked:
                    asked.add(halted["rollout"])
                    retry = f"Try again\n\nGitops-Retry: {self._world.environment}/{halted['application']}"
                    await self._push("retry", partial(self._world.people.push, retry, {}))

    def _halted(self) -> list[dict[str, Any]]:
        """Rollouts halted for long enough for claims to be taken back, whose inputs Git still wants."""
        people, environment = self._world.people, self._world.environment
        newest: dict[str, dict[str, Any]] = {}
        revisions: dict[str, str] = {}
        for event in records.events(people.remote, environment):
            if event["type"] == "RolloutStarted":
                revisions[event["rollout"]] = event["revision"]
            if event["type"].startswith("Rollout"):
                newest[event["application"]] = event
        found = []
        for name, event in newest.items():
            if event["type"] != "RolloutHalted" or _age(event["at"]) < _CLAIMED_SECONDS:
                continue
            since = f"{revisions[event['rollout']]}..main"
            if not people.git(
                "rev-list", since, "--", f"{ENVIRONMENTS}/{environment}/{name}", at=people.remote
            ):
                found.append(event)
        return found

    async def _merge(self) -> None:
        free = [name for name in self._shop.applications if name not in self._busy]
        if not free:
            return
        application = self._dice.choice(free)
        self._number += 1
        number, drawn = str(self._number), self._dice.random()
        if drawn < _CRASHES:
            bad = await self._push("crash", lambda: self._shop.crash(application, number, self._dice))
            self._spawn(application, self._reverted(bad))
        elif drawn < _SLIPS:
            await self._push("slip", lambda: self._shop.misspell(application))
            self._spawn(application, self._mended(application, self._dice.uniform(*_MENDED_AFTER)))
        else:
            await self._push("release", lambda: self._shop.release(application, number, self._dice))

    def _spawn(self, application: str, work: Any) -> None:  # noqa: ANN401 - a coroutine
        task = asyncio.create_task(work)
        self._busy[application] = task
        task.add_done_callback(lambda _: self._busy.pop(application))

    async def _push(self, what: str, make: Callable[[], str]) -> str:
        """Commit and push; again where somebody (the controller, with a revert) was faster."""
        async with self._hand:
            for attempt in range(_TRIES):
                try:
                    commit = await asyncio.to_thread(make)
                except subprocess.CalledProcessError:
                    if attempt == _TRIES - 1:
                        raise
                    await asyncio.sleep(0.2)
                else:
                    self.made[what] += 1
                    return commit
        raise AssertionError("unreachable")

    async def _mended(self, application: str, later: float) -> None:
        await asyncio.sleep(later)
        await self._push("mend", lambda: self._shop.correct_spelling(application))

    async def _reverted(self, bad: str) -> None:
        """Leave the application alone until the controller has taken the commit back."""
        while not await asyncio.to_thread(self._is_reverted, bad):  # noqa: ASYNC110 - Git tells nobody
            await asyncio.sleep(1)
        self.made["revert"] += 1

    def _is_reverted(self, bad: str) -> bool:
        people = self._world.people
        said = people.git("log", "--format=%B", f"{bad}..main", at=people.remote)
        return f"Gitops-Reverts: {bad}" in said


def _age(moment: str) -> float:
    return (datetime.now(UTC) - datetime.fromisoformat(moment)).total_seconds()
