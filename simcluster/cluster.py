"""One simulated cluster: its parts, put together. Hold on to it; `close` ends what runs in it."""

from __future__ import annotations

import random

from simcluster import bootstrap
from simcluster.api.api import Api
from simcluster.api.core import Core
from simcluster.behaviour.behaviour import Behaviour
from simcluster.clock import Clock, RealClock, timestamp
from simcluster.faults import FaultInjector
from simcluster.kinds.registry import Registry
from simcluster.store.store import Store

NODES = 3


class Cluster:
    """A Kubernetes API with its controllers, scheduler and Nodes, all of them simulated.

    Two clusters of one name, seed and clock make the same uids, names and choices. A new one holds what a new
    real cluster does, and nothing runs in it until something changes.
    """

    __slots__ = ("api", "behaviour", "clock", "faults", "name", "registry", "store")

    def __init__(
        self,
        name: str,
        clock: Clock | None = None,
        *,
        nodes: int = NODES,
        seed: int = 0,
    ) -> None:
        chance = random.Random(f"{name}/{seed}")  # noqa: S311 - simulated chance, to be repeated
        self.name = name
        self.clock: Clock = RealClock() if clock is None else clock
        self.registry = Registry()
        self.store = Store()
        self.api = Api(Core(self.store, self.registry, self.clock, chance))
        self.faults = FaultInjector(seed)
        self.behaviour = Behaviour(self.api, self.store, self.clock, chance)
        # After the controllers have begun to follow: what a cluster starts with leaves them nothing to do.
        self.store.seed(bootstrap.seed(timestamp(self.clock.now()), chance, nodes))

    def close(self) -> None:
        """End the controllers and the open watches."""
        self.behaviour.close()
        for watch in self.store.watches():
            watch.close()
