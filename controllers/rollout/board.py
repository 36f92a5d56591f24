"""Where work in progress says how it stands, and from where a pass reads it."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Any

from gitops.drift import DriftFact, DriftReport, ForeignFact
from gitops.gates import Sampling
from gitops.rollout.observation import (
    ProbeWork,
    ReachWork,
    RevertReport,
    RevertWork,
    TargetReport,
    TargetWork,
    Work,
)


class Board:
    """Reports by work, and the event that wakes the loop when one changes."""

    def __init__(self) -> None:
        self.changed = asyncio.Event()
        self._targets: dict[TargetWork, TargetReport] = {}
        self._samplings: dict[ProbeWork, Sampling] = {}
        self._reverts: dict[RevertWork, RevertReport] = {}
        self._reachable: set[ReachWork] = set()
        self._drift: dict[str, Mapping[tuple[str, str], DriftReport]] = {}
        self._facts: list[DriftFact | ForeignFact] = []

    def target(self, work: TargetWork, report: TargetReport) -> None:
        """Say how applying, restoring or pruning a target stands."""
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

    def drifted(self, connection: str, reports: Mapping[tuple[str, str], DriftReport]) -> None:
        """Say what drift is open on one cluster, by application and target."""
        if self._drift.get(connection, {}) != reports:
            self._drift[connection] = reports
            self.changed.set()

    def drift_done(self, fact: DriftFact | ForeignFact) -> None:
        """Say that something was done about drift; it is kept until it is recorded."""
        self._facts.append(fact)
        self.changed.set()

    def drift_recorded(self, facts: Collection[DriftFact | ForeignFact]) -> None:
        """Drop what was recorded."""
        recorded = set(map(id, facts))
        self._facts = [fact for fact in self._facts if id(fact) not in recorded]

    def forget(self, work: Work) -> None:
        """Drop what is not wanted any more: its report must not speak for work of the same shape later."""
        boards: tuple[dict[Any, Any], ...] = (self._targets, self._samplings, self._reverts)
        for board in boards:
            board.pop(work, None)
        self._reachable -= {work}

    def targets(self) -> MappingProxyType[TargetWork, TargetReport]:
        """All target reports, as they are now."""
        return MappingProxyType(dict(self._targets))

    def samplings(self) -> MappingProxyType[ProbeWork, Sampling]:
        """All gate samplings, as they are now."""
        return MappingProxyType(dict(self._samplings))

    def reverts(self) -> MappingProxyType[RevertWork, RevertReport]:
        """All revert reports, as they are now."""
        return MappingProxyType(dict(self._reverts))

    def drift(
        self,
    ) -> tuple[Mapping[tuple[str, str], DriftReport], tuple[DriftFact | ForeignFact, ...]]:
        """Open drift, and what is to be recorded about drift, as they are now."""
        reports = {place: report for found in self._drift.values() for place, report in found.items()}
        return reports, tuple(self._facts)

    def reachable(self) -> frozenset[ReachWork]:
        """All targets that answered again."""
        return frozenset(self._reachable)
