"""Faults of clusters, switched on and off at random, and everything switched off at the end."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from typing import Any

from tests.cluster.sim.plane import SimPlane

FAULTS: dict[str, dict[str, Any]] = {
    "latency": {"latency": 0.2, "jitter": 0.4},
    "too many requests": {"tooManyRequests": 0.3, "retryAfter": 1},
    "internal errors": {"internalError": 0.2},
    "unavailable": {"unavailable": 0.3},
    "a bit of all": {
        "latency": 0.05,
        "jitter": 0.1,
        "tooManyRequests": 0.1,
        "internalError": 0.1,
        "unavailable": 0.1,
    },
    "refused": {"partition": "refuse"},
    "black hole": {"partition": "blackHole"},
    "read-only": {"readOnly": True},
}
_MOMENTS = ("drop-watches", "compact", "drop-watches and compact", "compact while away", "controllers pause")


class Trouble:
    """What goes wrong with one cluster. `told` counts what was done."""

    def __init__(self, plane: SimPlane, seed: int, told: Counter[str]) -> None:
        self._plane = plane
        self._dice = random.Random(seed)
        self._told = told

    async def run(self) -> None:
        """Make trouble until cancelled; then make it stop."""
        try:
            while True:
                await asyncio.sleep(self._dice.uniform(1, 6))
                if self._dice.random() < 0.4:
                    await self._moment(self._dice.choice(_MOMENTS))
                else:
                    await self._while(self._dice.choice(sorted(FAULTS)))
        finally:
            self._plane.control("PUT", "faults", {})
            self._plane.control("POST", "resume-controllers")

    async def _while(self, name: str) -> None:
        self._told[name] += 1
        await self._control("PUT", "faults", FAULTS[name])
        await asyncio.sleep(self._dice.uniform(1, 8))
        await self._control("PUT", "faults", {})

    async def _moment(self, name: str) -> None:
        self._told[name] += 1
        if name == "compact while away":
            await self._control("PUT", "faults", FAULTS["refused"])
            await asyncio.sleep(self._dice.uniform(0, 3))
            await self._control("POST", "compact")
            await self._control("PUT", "faults", {})
        elif name == "controllers pause":
            await self._control("POST", "pause-controllers")
            await asyncio.sleep(self._dice.uniform(1, 5))
            await self._control("POST", "resume-controllers")
        else:
            for action in name.split(" and "):
                await self._control("POST", action)

    async def _control(self, method: str, action: str, body: Any = None) -> None:  # noqa: ANN401 - JSON
        await asyncio.to_thread(self._plane.control, method, action, body)
