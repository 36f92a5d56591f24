"""The next event of a rollout that failed: back to the last good revision first, then the revert in Git."""

from __future__ import annotations

from datetime import datetime

from gitops.model.kinds import FailurePolicy, RevertPush
from gitops.rollout import events as e
from gitops.rollout import timing
from gitops.rollout.arrival import newer
from gitops.rollout.observation import Failure, Observation, RevertReport, RevertWork, TargetReport
from gitops.rollout.state import ApplicationState, FailureCause, Good, Rollout, TargetPhase
from gitops.rollout.step import NO_NEWS
from gitops.rollout.work import restore_work


def after_failure(name: str, state: ApplicationState, now: datetime) -> e.Event | None:
    """Restore or halt. What was refused (budget, ownership) wrote nothing and asks for a person."""
    rollout = state.rollout
    if rollout is None:
        return None
    reason = _why_halt(state, rollout)
    if reason or state.good is None:
        return e.RolloutHalted(at=now, application=name, rollout=rollout.id, because=reason)
    return e.RestoreStarted(
        at=now,
        application=name,
        rollout=rollout.id,
        targets=_astray(state, rollout, state.good),
        revision=state.good.revision,
    )


def _astray(state: ApplicationState, rollout: Rollout, good: Good) -> tuple[str, ...]:
    """Targets that do not hold the good inputs for sure, whichever rollout took them away."""
    elsewhere = {target for target, on in state.on.items() if on.digest != good.digest or not on.settled}
    touched = {target for target, progress in rollout.targets.items() if progress.touched}
    return tuple(sorted((elsewhere | touched) & set(rollout.targets)))


def _why_halt(state: ApplicationState, rollout: Rollout) -> str:
    if rollout.cause is FailureCause.REFUSED:
        return "nothing was written there; a person decides"
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
    if rollout is None:
        return None
    restoring = rollout.in_phase(TargetPhase.RESTORING)
    if not restoring:
        return e.RestoreFinished(at=now, application=name, rollout=rollout.id)
    hurry = _fix_waits(name, state, seen)
    for target in restoring:
        report = seen.targets.get(restore_work(name, state, rollout, target), NO_NEWS)
        about = {"at": now, "application": name, "rollout": rollout.id, "target": target}
        if report.settled and not report.unreachable:
            stays = {"held": report.held, "released": report.released}
            return e.TargetRestored(**about, leaving=report.leaving, **stays)
        failure = _given_up(rollout, report, now, hurry=hurry)
        if failure is not None:
            return e.TargetNotRestored(**about, cause=failure.cause, because=failure.because)
    return None


def _fix_waits(name: str, state: ApplicationState, seen: Observation) -> bool:
    """Whether other inputs than the last good ones shall follow, which will bring every target along."""
    desired = newer(name, state, seen)
    return desired is not None and (state.good is None or desired.digest != state.good.digest)


def _given_up(rollout: Rollout, report: TargetReport, now: datetime, *, hurry: bool) -> Failure | None:
    if report.failure is not None:
        return report.failure
    due = timing.restore_due(rollout, report, hurry=hurry)
    if due is None or now < due:
        return None
    if report.unreachable:
        return Failure(FailureCause.UNREACHABLE, report.unreachable)
    return Failure(FailureCause.DEADLINE, report.waiting_for or "no answer from the cluster")


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
