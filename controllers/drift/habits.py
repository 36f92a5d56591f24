"""How live objects are watched: what the operator decides, and what tests do otherwise."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from controllers.adapters.kube.patience import Patience
from controllers.drift.snapshots import Snapshots


def _patience() -> Patience:
    return Patience(first_wait=0.5, longest_wait=30.0)


@dataclass(frozen=True, slots=True)
class Habits:
    """What all clusters share.

    `check_every`: the seconds in which each object is looked at closely once, in any case; 0: never. `turns`
    are taken for work that needs much memory for a moment.
    """

    patience: Patience = field(default_factory=_patience)
    snapshots: Snapshots = field(default_factory=Snapshots)
    check_every: float = 0.0
    turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(1))
