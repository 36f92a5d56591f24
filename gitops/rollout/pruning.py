"""What was still to leave targets when they were settled, and is gone by now."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from gitops.rollout import events as e
from gitops.rollout.observation import Observation, TargetReport
from gitops.rollout.state import ApplicationState, EnvironmentState
from gitops.rollout.step import NO_NEWS
from gitops.rollout.work import apply_work, prune_work


def new_facts(state: EnvironmentState, seen: Observation, now: datetime) -> Iterator[e.PruneFinished]:
    """Say of each target, once, that nothing is to leave it any more."""
    leaving = {name: one for name, one in state.applications.items() if one.leaving}  # most have nothing
    for name, application in sorted(leaving.items()):
        for target in sorted(application.leaving):
            report = report_on(name, application, target, seen)
            if report.settled and not report.leaving:
                yield e.PruneFinished(at=now, application=name, target=target)


def report_on(name: str, application: ApplicationState, target: str, seen: Observation) -> TargetReport:
    """How the work stands that deletes what is to leave `target`, be it the rollout's own or not."""
    found = seen.targets.get(prune_work(name, application, target))
    if found is None and application.rollout is not None:
        found = seen.targets.get(apply_work(name, application.rollout, target))
    return found or NO_NEWS
