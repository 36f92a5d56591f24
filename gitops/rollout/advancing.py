"""The next event of a rollout that goes forward: start targets, watch them, soak, ask gates, next wave."""

from __future__ import annotations

from datetime import datetime

from gitops.gates import VerdictKind
from gitops.model.gates import Gate
from gitops.model.schema import format_duration
from gitops.rollout import events as e
from gitops.rollout import soak, timing
from gitops.rollout.arrival import dependency_missing, newer
from gitops.rollout.guards import IN_FLIGHT
from gitops.rollout.observation import Observation, TargetReport, bounded
from gitops.rollout.state import EnvironmentState, FailureCause, Rollout, TargetPhase
from gitops.rollout.step import Step
from gitops.rollout.work import apply_work

T = TargetPhase
_AT_WORK = (*IN_FLIGHT, T.HEALTHY)


def next_event(
    name: str, state: EnvironmentState, seen: Observation, now: datetime, quiet: set[str] | None = None
) -> e.Event | None:
    """The next fact about the advancing rollout of `name`, or None while everything waits.

    `quiet` collects targets with nothing to say, and they are not asked again: for the same rollout, `seen`
    and `now`, other targets' events make none of them speak. Without it a pass costs with the wave's square.
    """
    quiet = set() if quiet is None else quiet
    rollout = state.applications[name].rollout
    if rollout is None:
        return None
    wave = rollout.current_wave
    if wave is None or rollout.wave_started_at is None:
        return _next_wave(name, rollout, seen, now)
    step = Step(name, state, rollout, wave, seen, now)
    for target in wave.targets:
        if target in quiet or rollout.targets[target].phase not in _AT_WORK:
            continue
        event = _target_event(step, target)
        if event is not None:
            return event
        quiet.add(target)
    return _too_many_failed(step) or _start_target(step) or _soak_and_gates(step)


def applying(name: str, rollout: Rollout, seen: Observation) -> bool:
    """Whether objects are being written right now: the only thing a newer commit waits for."""
    return any(
        not seen.targets.get(apply_work(name, rollout, target), TargetReport()).unreachable
        for target in rollout.in_phase(T.APPLYING)
    )


def _next_wave(name: str, rollout: Rollout, seen: Observation, now: datetime) -> e.Event | None:
    following = rollout.wave + 1
    if following >= len(rollout.waves):
        return e.RolloutSucceeded(at=now, application=name, rollout=rollout.id)
    if seen.suspended:
        return None
    return e.WaveStarted(at=now, application=name, rollout=rollout.id, wave=rollout.waves[following].name)


def _target_event(step: Step, target: str) -> e.Event | None:
    progress = step.rollout.targets[target]
    report = step.report(target)
    about = {"at": step.now, "application": step.name, "rollout": step.rollout.id, "target": target}
    if report.failure is not None:
        failure = report.failure
        return e.TargetFailed(
            **about, cause=failure.cause, because=failure.because, evidence=failure.evidence
        )
    if progress.phase is T.APPLYING and report.counts is not None:
        counts = dict(sorted(report.counts.items()))
        return e.TargetApplied(**about, counts=counts, held=report.held, released=report.released)
    healthy = report.settled and report.current_since is not None and not report.unreachable
    if progress.phase is T.SETTLING and healthy:
        return e.TargetHealthy(**about, leaving=report.leaving)
    lost = report.settled and report.current_since is None and not report.unreachable
    if progress.phase is T.HEALTHY and lost:
        return e.TargetRegressed(**about, because=report.waiting_for or "no longer Current")
    if progress.phase is T.HEALTHY and healthy:
        return None
    return _overdue(step, target, report)


def _overdue(step: Step, target: str, report: TargetReport) -> e.Event | None:
    due = timing.target_due(step.rollout, target, report)
    if due is None or step.now < due:
        return None
    if report.unreachable and not _may_leave_behind(step, target):
        return None
    cause = FailureCause.UNREACHABLE if report.unreachable else FailureCause.DEADLINE
    waited = report.unreachable or report.waiting_for or "no answer from the cluster"
    return e.TargetFailed(
        at=step.now,
        application=step.name,
        rollout=step.rollout.id,
        target=target,
        cause=cause,
        because=f"not healthy within {format_duration(step.wave.progress_deadline)}: {waited}",
    )


def _may_leave_behind(step: Step, target: str) -> bool:
    """Silence says nothing about a revision: a wave that cannot spare the target waits for it instead.

    A rejoin can spare all of them: they are left behind already.
    """
    if step.rollout.rejoin:
        return True
    others = [name for name in step.wave.targets if name != target]
    alone = all(step.rollout.targets[name].phase is T.FAILED for name in others)
    return not alone and len(step.counted()) < step.wave.max_failures


def _too_many_failed(step: Step) -> e.Event | None:
    """Over budget, or nobody left in the wave who could say yes."""
    failed = [name for name in step.wave.targets if step.rollout.targets[name].phase is T.FAILED]
    hopeless = bool(failed) and len(failed) == len(step.wave.targets)
    counted = step.counted()
    about = {"at": step.now, "application": step.name, "rollout": step.rollout.id}
    if hopeless and not counted:
        because = f"{failed[0]}: {step.rollout.targets[failed[0]].because}"
        return e.RejoinAbandoned(**about, because=because)
    if not hopeless and len(counted) <= step.wave.max_failures:
        return None
    ordered = sorted(counted, key=lambda name: (step.weight(name), name))
    first = step.rollout.targets[ordered[0]]
    others = f" (and {len(ordered) - 1} more)" if len(ordered) > 1 else ""
    return e.RolloutFailed(
        **about,
        wave=step.wave.name,
        cause=first.cause or FailureCause.HEALTH,
        because=f"{ordered[0]}: {first.because}{others}",
        evidence=bounded(line for name in ordered for line in step.rollout.targets[name].evidence),
    )


def _start_target(step: Step) -> e.Event | None:
    if step.seen.suspended or newer(step.name, step.state.applications[step.name], step.seen):
        return None
    in_flight = [name for name in step.wave.targets if step.rollout.targets[name].phase in IN_FLIGHT]
    if len(in_flight) >= step.wave.max_concurrent:
        return None
    for target in step.wave.targets:
        waiting = step.rollout.targets[target].phase is T.WAITING
        if waiting and not dependency_missing(step.name, target, step.state, step.seen):
            return e.TargetStarted(at=step.now, application=step.name, rollout=step.rollout.id, target=target)
    return None


def _soak_and_gates(step: Step) -> e.Event | None:
    phases = {step.rollout.targets[target].phase for target in step.wave.targets}
    if not phases <= {T.HEALTHY, T.FAILED}:
        return None
    about = {"at": step.now, "application": step.name, "rollout": step.rollout.id, "wave": step.wave.name}
    if step.rollout.soaking_since is None:
        return e.SoakStarted(**about)
    soaked = soak.health_soaked(step)
    for gate in step.wave.gates:
        event = _gate_event(step, gate, soaked=soaked)
        if event is not None:
            return event
    names = {gate.name for gate in step.wave.gates}
    if names <= set(step.rollout.passed_gates) and soaked:
        return e.WavePassed(**about)
    return None


def _gate_event(step: Step, gate: Gate, *, soaked: bool) -> e.Event | None:
    if gate.name in step.rollout.passed_gates:
        return None
    verdict = soak.verdict_of(step.name, step.rollout, gate, step.seen, step.now)
    about = {"at": step.now, "application": step.name, "rollout": step.rollout.id, "wave": step.wave.name}
    if verdict.kind is VerdictKind.PASS:
        if not soaked:
            return None
        return e.GateJudged(**about, gate=gate.name, verdict=verdict.kind, because=verdict.because)
    reason = verdict.because if verdict.kind is VerdictKind.FAIL else ""
    due = soak.gate_due(step.name, step.rollout, gate, step.seen)
    if not reason and due is not None and step.now >= due:
        reason = f"no pass in time; last: {verdict.because}"
    if not reason:
        return None
    because = f"gate {gate.name} failed: {reason}"
    return e.RolloutFailed(**about, cause=FailureCause.GATE, because=because, gate=gate.name)
