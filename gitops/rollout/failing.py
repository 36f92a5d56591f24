"""The next event of a rollout that failed: back to the last good revision first, then the revert in Git."""

from __future__ import annotations

from datetime import datetime, timedelta

from gitops.model.kinds import FailurePolicy, RevertPush
from gitops.rollout import events as e
from gitops.rollout.observation import Failure, Observation, RevertReport, RevertWork, TargetReport
from gitops.rollout.state import (
    ApplicationState,
    FailureCause,
    Rollout,
    TargetPhase,
    WavePlan,
)
from gitops.rollout.work import restore_work

UNREACHABLE_PATIENCE = timedelta(minutes=1)


def patience(wave: WavePlan) -> timedelta:
    """How long a restore waits for a target that does not answer, before the others' revert goes on."""
    return min(wave.progress_deadline, UNREACHABLE_PATIENCE)


def after_failure(name: str, state: ApplicationState, now: datetime) -> e.Event | None:
    """Restore or halt. What was refused (budget, ownership) wrote nothing and asks for a person."""
    rollout = state.rollout
    if rollout is None:
        return None
    reason = _why_halt(state, rollout)
    if reason or state.good is None:
        return e.RolloutHalted(at=now, application=name, rollout=rollout.id, because=reason)
    good = state.good
    astray = {target for target, on in state.on.items() if on.digest != good.digest or not on.settled}
    touched = {target for target, progress in rollout.targets.items() if progress.touched}
    targets = tuple(sorted((astray | touched) & set(rollout.targets)))
    return e.RestoreStarted(
        at=now, application=name, rollout=rollout.id, targets=targets, revision=good.revision
    )


def _why_halt(state: ApplicationState, rollout: Rollout) -> str:
    if rollout.cause is FailureCause.REFUSED:
        return "nothing was written; a person decides"
    if state.good is None:
        return "there is no last good revision to go back to, so everything stays as it is"
    if rollout.rejoin or state.good.digest == rollout.digest:
        return "these are the last good inputs already, so there is nothing to go back to"
    if rollout.on_failure is FailurePolicy.HALT:
        return "onFailure is Halt"
    return ""


def while_restoring(name: str, state: ApplicationState, seen: Observation, now: datetime) -> e.Event | None:
    """Per target: restored, or given up for now."""
    rollout = state.rollout
    wave = rollout.current_wave if rollout else None
    if rollout is None or wave is None:
        return None
    restoring = rollout.in_phase(TargetPhase.RESTORING)
    if not restoring:
        return e.RestoreFinished(at=now, application=name, rollout=rollout.id)
    for target in restoring:
        report = seen.targets.get(restore_work(name, state, rollout, target), TargetReport())
        about = {"at": now, "application": name, "rollout": rollout.id, "target": target}
        if report.settled:
            return e.TargetRestored(**about)
        failure = _given_up(report, wave, now - rollout.since)
        if failure is not None:
            return e.TargetNotRestored(**about, cause=failure.cause, because=failure.because)
    return None


def _given_up(report: TargetReport, wave: WavePlan, waited: timedelta) -> Failure | None:
    if report.failure is not None:
        return report.failure
    if report.unreachable and waited >= patience(wave):
        return Failure(FailureCause.UNREACHABLE, report.unreachable)
    if waited >= wave.progress_deadline:
        return Failure(FailureCause.DEADLINE, report.waiting_for or "no answer from the cluster")
    return None


def while_reverting(name: str, state: ApplicationState, seen: Observation, now: datetime) -> e.Event | None:
    """Wait for the revert commit, or for the reason why there is none."""
    rollout = state.rollout
    if rollout is None:
        return None
    about = {"at": now, "application": name, "rollout": rollout.id}
    if rollout.revert_settled:
        return e.RolloutReverted(**about)
    if rollout.push is RevertPush.NONE:
        return e.RevertRefused(**about, because="onFailure.push is None")
    report = seen.reverts.get(RevertWork(name, rollout.id), RevertReport())
    if report.commit:
        return e.RevertPushed(**about, commit=report.commit)
    if report.refused:
        return e.RevertRefused(**about, because=report.refused)
    return None
