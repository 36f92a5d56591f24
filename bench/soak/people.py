"""People who change live objects in every way that there is, and some who put back what they did."""

from __future__ import annotations

import asyncio
import http.client
import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

from bench.soak.compare import COLLECTIONS
from bench.soak.shop import Shop
from tests.cluster.test_drift_verdicts import CASES, Live
from tests.cluster.world import World

# Longer than corrections of one field belong together: an object is left in peace for so long.
PEACE_SECONDS = 660.0
_UNDONE_AFTER = (1.0, 8.0)

# What the controller leaves alone and nobody could get on with, its author takes back.
_UNDO: dict[str, Callable[[Live], None]] = {
    "add-a-finalizer": lambda live: live.merge({"metadata": {"finalizers": None}}),
    "delete-while-a-finalizer-holds-it": lambda live: live.merge({"metadata": {"finalizers": None}}),
    "claim-for-another-applyset": lambda live: live.merge(
        {"metadata": {"labels": {"applyset.kubernetes.io/part-of": None}}}
    ),
    "set-a-field-that-we-leave-open": lambda live: live.merge({"spec": {"paused": None}}),
}
_FIGHTERS = "patch-a-value"


class People:
    """They act on all clusters. `edits` counts changes that the server took, by way; `failed` the others."""

    def __init__(self, world: World, shop: Shop, seed: int) -> None:
        self._worlds = [replace(world, planes=(plane,)) for plane in world.planes]
        self._shop = shop
        self._dice = random.Random(seed)
        self._touched: dict[tuple[int, str], float] = {}
        self._undoing: set[asyncio.Task[None]] = set()
        self.edits: Counter[str] = Counter()
        self.drifting = 0
        self.undone = 0
        self.failed = 0
        self.fought: set[str] = set()

    async def run(self, pause: float) -> None:
        """Change something every `pause` seconds or so, until cancelled; then what is undone is undone."""
        try:
            while True:
                await asyncio.sleep(self._dice.uniform(0, 2 * pause))
                await self._someone()
        finally:
            await asyncio.gather(*self._undoing)

    async def fight(self, rounds: int, pause: float) -> None:
        """Change one field of one object again and again."""
        application = self._dice.choice(self._shop.applications)
        live = self._live(0, application, _FIGHTERS)
        self._touched[0, live.path] = float("inf")
        self.fought.add(live.path.rpartition("/")[2])
        for number in range(rounds):
            await self._try(f"fight {number}", lambda: live.merge({"data": {"colour": "red"}}, by="rival"))
            await asyncio.sleep(pause)

    async def _someone(self) -> None:
        index = self._dice.randrange(len(self._worlds))
        application = self._dice.choice(self._shop.applications)
        way = self._dice.choice(sorted(CASES))
        alike = [name for name in sorted(CASES) if CASES[name].manifest is CASES[way].manifest]
        home = self._dice.choice(alike)
        live = self._live(index, application, home)
        if time.monotonic() - self._touched.get((index, live.path), -PEACE_SECONDS) < PEACE_SECONDS:
            return
        self._touched[index, live.path] = time.monotonic()
        if await self._try(way, lambda: CASES[way].change(live)):
            self.drifting += CASES[way].kind is not None
        if way in _UNDO:
            # Also where the answer was lost: nobody knows whether it was done.
            task = asyncio.create_task(self._undo(way, live, self._dice.uniform(*_UNDONE_AFTER)))
            self._undoing.add(task)
            task.add_done_callback(self._undoing.discard)

    async def _undo(self, way: str, live: Live, later: float) -> None:
        """Take something back, however often that fails; what is gone needs no taking back."""
        await asyncio.sleep(later)
        while not await self._undone(way, live):  # noqa: ASYNC110 - the cluster tells nobody
            await asyncio.sleep(1)
        self.undone += 1

    async def _undone(self, way: str, live: Live) -> bool:
        return await self._try(f"undo {way}", lambda: _UNDO[way](live)) or await self._gone(live)

    @staticmethod
    async def _gone(live: Live) -> bool:
        try:
            answer = await asyncio.to_thread(live.world.planes[0].api.request, "GET", live.path)
        except OSError:
            return False
        return bool(answer.status == http.client.NOT_FOUND)

    async def _try(self, way: str, act: Callable[[], object]) -> bool:
        try:
            await asyncio.to_thread(act)
        except (OSError, AssertionError, KeyError):
            # The server refused or was not there; or the object was not, or lacked what was to be changed.
            self.failed += 1
            return False
        self.edits[way] += 1
        return True

    def _live(self, index: int, application: str, case: str) -> Live:
        world = self._worlds[index]
        kind = str(CASES[case].manifest(case)["kind"])
        return Live(world, f"{COLLECTIONS[kind].format(world.namespace)}/{application}-{case}")
