"""The sentence about one target of a running rollout."""

from __future__ import annotations

from gitops.rollout import timing
from gitops.rollout.arrival import dependency_missing
from gitops.rollout.observation import Observation
from gitops.rollout.state import (
    ApplicationState,
    EnvironmentState,
    Rollout,
    RolloutPhase,
    TargetPhase,
    WavePlan,
)
from gitops.rollout.step import NO_NEWS
from gitops.rollout.wait import THE_CLUSTER, Wait
from gitops.rollout.work import apply_work, restore_work


def target_wait(
    name: str,
    application: ApplicationState,
    wave: WavePlan,
    target: str,
    state: EnvironmentState,
    seen: Observation,
) -> Wait | None:
    """Why `target` does not move; None when it is at rest or the rollout no longer concerns it."""
    rollout = application.rollout
    if rollout is None:
        return None
    progress = rollout.targets[target]
    if progress.phase is TargetPhase.FAILED:
        return Wait(name, target, "failed", progress.because, progress.since, release="a fixing commit")
    if rollout.phase is RolloutPhase.RESTORING and progress.phase is TargetPhase.RESTORING:
        return _restoring(name, application, rollout, target, seen)
    if rollout.phase is not RolloutPhase.ADVANCING:
        return None
    if progress.phase is TargetPhase.WAITING:
        missing = dependency_missing(name, target, state, seen)
        if wave is rollout.current_wave and missing:
            return Wait(name, target, f"waits for {missing}", since=rollout.wave_started_at)
        return Wait(name, target, f"waits for its turn in wave {wave.name}", since=progress.since)
    if progress.phase in (TargetPhase.APPLYING, TargetPhase.SETTLING):
        return _in_flight(name, rollout, target, seen)
    return None


def _in_flight(name: str, rollout: Rollout, target: str, seen: Observation) -> Wait:
    progress = rollout.targets[target]
    report = seen.targets.get(apply_work(name, rollout, target), NO_NEWS)
    doing = "waits to be applied" if progress.phase is TargetPhase.APPLYING else "waits to be healthy"
    return Wait(
        name,
        target,
        doing,
        report.unreachable or report.waiting_for or progress.because,
        progress.since,
        timing.target_due(rollout, target, report),
        THE_CLUSTER,
    )


def _restoring(
    name: str, application: ApplicationState, rollout: Rollout, target: str, seen: Observation
) -> Wait:
    report = seen.targets.get(restore_work(name, application, rollout, target), NO_NEWS)
    return Wait(
        name,
        target,
        "waits to be back on the last good revision",
        report.unreachable or report.waiting_for,
        rollout.targets[target].since,
        timing.restore_due(rollout, report, hurry=False),
        THE_CLUSTER,
    )
