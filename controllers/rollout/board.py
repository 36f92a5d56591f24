"""Where work in progress says how it stands, and from where a pass reads it."""

from __future__ import annotations

import asyncio
from types import MappingProxyType
from typing import Any

from gitops.gates import Sampling
from gitops.rollout.observation import (
    ApplyWork,
    ProbeWork,
    ReachWork,
    RestoreWork,
    RevertReport,
    RevertWork,
    TargetReport,
    Work,
)


class Board:
    """Reports by work, and the event that wakes the loop when one changes."""

    def __init__(self) -> None:
        self.changed = asyncio.Event()
        self._targets: dict[ApplyWork | RestoreWork, TargetReport] = {}
        self._samplings: dict[ProbeWork, Sampling] = {}
        self._reverts: dict[RevertWork, RevertReport] = {}
        self._reachable: set[ReachWork] = set()

    def target(self, work: ApplyWork | RestoreWork, report: TargetReport) -> None:
        """Say how applying or restoring a target stands."""
        if self._targets.get(work) != report:
            self._targets[work] = report
            self.changed.set()

    def sampled(self, work: ProbeWork, sampling: Sampling) -> None:
        """Say what a gate has seen so far."""
        self._samplings[work] = sampling
        self.changed.set()

    def reverting(self, work: RevertWork, report: RevertReport) -> None:
        """Say how a revert commit stands."""
        if self._reverts.get(work) != report:
            self._reverts[work] = report
            self.changed.set()

    def answers(self, work: ReachWork) -> None:
        """Say that a target answers again."""
        self._reachable.add(work)
        self.changed.set()

    def forget(self, work: Work) -> None:
        """Drop what is not wanted any more: its report must not speak for work of the same shape later."""
        boards: tuple[dict[Any, Any], ...] = (self._targets, self._samplings, self._reverts)
        for board in boards:
            board.pop(work, None)
        self._reachable -= {work}

    def targets(self) -> MappingProxyType[ApplyWork | RestoreWork, TargetReport]:
        """All target reports, as they are now."""
        return MappingProxyType(dict(self._targets))

    def samplings(self) -> MappingProxyType[ProbeWork, Sampling]:
        """All gate samplings, as they are now."""
        return MappingProxyType(dict(self._samplings))

    def reverts(self) -> MappingProxyType[RevertWork, RevertReport]:
        """All revert reports, as they are now."""
        return MappingProxyType(dict(self._reverts))

    def reachable(self) -> frozenset[ReachWork]:
        """All targets that answered again."""
        return frozenset(self._reachable)
