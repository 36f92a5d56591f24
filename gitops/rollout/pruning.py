"""What was still to leave targets when they were settled, and is gone by now."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from gitops.rollout import events as e
from gitops.rollout.observation import Observation, TargetReport, TargetWork
from gitops.rollout.state import ApplicationState, EnvironmentState, RolloutPhase, TargetPhase
from gitops.rollout.step import NO_NEWS
from gitops.rollout.work import apply_work, prune_work


def new_facts(state: EnvironmentState, seen: Observation, now: datetime) -> Iterator[e.PruneFinished]:
    """Say of each target, once, that nothing is to leave it any more."""
    for name, application in sorted(state.applications.items()):
        for target in sorted(application.leaving):
            report = report_on(name, application, target, seen)
            if report.settled and not report.leaving:
                yield e.PruneFinished(at=now, application=name, target=target)


def report_on(name: str, application: ApplicationState, target: str, seen: Observation) -> TargetReport:
    """How the work stands that deletes what is to leave `target`: the rollout's own, or that after it."""
    rollout = application.rollout
    work: TargetWork = prune_work(name, application, target)
    if rollout is not None and rollout.phase is RolloutPhase.ADVANCING:
        progress = rollout.targets.get(target)
        if progress is not None and progress.phase in (TargetPhase.SETTLING, TargetPhase.HEALTHY):
            work = apply_work(name, rollout, target)
    return seen.targets.get(work, NO_NEWS)
