"""The next event of a rollout that goes forward: start targets, watch them, soak, ask gates, next wave."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from gitops.gates import Sampling, Verdict, VerdictKind, judge
from gitops.gates.judge import Soak
from gitops.model.gates import ApprovalGate, Gate, HttpGate
from gitops.rollout import events as e
from gitops.rollout.observation import Observation, TargetReport
from gitops.rollout.state import (
    EnvironmentState,
    FailureCause,
    Rollout,
    TargetPhase,
    WavePlan,
)
from gitops.rollout.work import apply_work, probes

T = TargetPhase
IN_FLIGHT = (T.APPLYING, T.SETTLING)


class _Step(NamedTuple):
    """Everything that one look at an advancing rollout needs."""

    name: str
    state: EnvironmentState
    rollout: Rollout
    wave: WavePlan
    seen: Observation
    now: datetime

    def report(self, target: str) -> TargetReport:
        return self.seen.targets.get(apply_work(self.name, self.rollout, target), TargetReport())

    def failed(self) -> tuple[str, ...]:
        return self.rollout.in_phase(T.FAILED)


def next_event(name: str, state: EnvironmentState, seen: Observation, now: datetime) -> e.Event | None:
    """The next fact about the advancing rollout of `name`, or None while everything waits."""
    rollout = state.applications[name].rollout
    if rollout is None:
        return None
    wave = rollout.current_wave
    if wave is None or rollout.wave_started_at is None:
        return _next_wave(name, rollout, seen, now)
    step = _Step(name, state, rollout, wave, seen, now)
    for target in wave.targets:
        at_work = rollout.targets[target].phase in (*IN_FLIGHT, T.HEALTHY)
        event = _target_event(step, target) if at_work else None
        if event is not None:
            return event
    if len(step.failed()) > wave.max_failures:
        return _too_many_failed(step)
    return _start_target(step) or _soak_and_gates(step)


def applying(name: str, rollout: Rollout, seen: Observation) -> bool:
    """Whether objects are being written right now: the only thing a newer commit waits for."""
    return any(
        not seen.targets.get(apply_work(name, rollout, target), TargetReport()).unreachable
        for target in rollout.in_phase(T.APPLYING)
    )


def dependency_missing(name: str, target: str, state: EnvironmentState, seen: Observation) -> str:
    """The application that `name` waits for on `target`, with the reason; empty when none."""
    desired = seen.desired.get(name)
    for other in desired.depends_on if desired else ():
        theirs = seen.desired.get(other)
        if theirs is None:
            return f"{other}, which cannot be rendered or is not in Git"
        on = state.application(other).on.get(target)
        if on is None or on.digest != theirs.digest or not on.settled:
            return f"{other} to be healthy there at {theirs.revision[:12]}"
    return ""


def _next_wave(name: str, rollout: Rollout, seen: Observation, now: datetime) -> e.Event | None:
    following = rollout.wave + 1
    if following >= len(rollout.waves):
        return e.RolloutSucceeded(at=now, application=name, rollout=rollout.id)
    if seen.suspended:
        return None
    return e.WaveStarted(at=now, application=name, rollout=rollout.id, wave=rollout.waves[following].name)


def _target_event(step: _Step, target: str) -> e.Event | None:
    progress = step.rollout.targets[target]
    report = step.report(target)
    about = {"at": step.now, "application": step.name, "rollout": step.rollout.id, "target": target}
    if report.failure is not None:
        failure = report.failure
        return e.TargetFailed(
            **about, cause=failure.cause, because=failure.because, evidence=failure.evidence
        )
    if progress.phase is T.APPLYING and report.counts is not None:
        return e.TargetApplied(**about, counts=dict(sorted(report.counts.items())))
    if progress.phase is T.SETTLING and report.settled and report.current_since is not None:
        return e.TargetHealthy(**about)
    if progress.phase is not T.HEALTHY:
        return _overdue(step, target, report)
    if report.settled and report.current_since is None and not report.unreachable:
        return e.TargetRegressed(**about, because=report.waiting_for or "no longer Current")
    return None  # no news after a restart, still Current, or no answer: none of them a step


def _overdue(step: _Step, target: str, report: TargetReport) -> e.Event | None:
    progress = step.rollout.targets[target]
    begun = progress.started_at if progress.phase is T.APPLYING else progress.since
    if begun is None or step.now - begun < step.wave.progress_deadline:
        return None
    if report.unreachable and len(step.failed()) >= step.wave.max_failures:
        return None  # says nothing about the revision: wait, rather than take a good commit back
    cause = FailureCause.UNREACHABLE if report.unreachable else FailureCause.DEADLINE
    waited = report.unreachable or report.waiting_for or "no answer from the cluster"
    minutes = step.wave.progress_deadline.total_seconds() / 60
    return e.TargetFailed(
        at=step.now,
        application=step.name,
        rollout=step.rollout.id,
        target=target,
        cause=cause,
        because=f"not healthy within {minutes:g} min: {waited}",
    )


def _too_many_failed(step: _Step) -> e.Event:
    failed = step.failed()
    first = step.rollout.targets[failed[0]]
    evidence = tuple(line for target in failed for line in step.rollout.targets[target].evidence)
    others = f" (and {len(failed) - 1} more)" if len(failed) > 1 else ""
    return e.RolloutFailed(
        at=step.now,
        application=step.name,
        rollout=step.rollout.id,
        wave=step.wave.name,
        cause=first.cause or FailureCause.HEALTH,
        because=f"{failed[0]}: {first.because}{others}",
        evidence=evidence,
    )


def _start_target(step: _Step) -> e.Event | None:
    if step.seen.suspended or _newer_wanted(step):
        return None
    in_flight = [name for name in step.wave.targets if step.rollout.targets[name].phase in IN_FLIGHT]
    if len(in_flight) >= step.wave.max_concurrent:
        return None
    for target in step.wave.targets:
        waiting = step.rollout.targets[target].phase is T.WAITING
        if waiting and not dependency_missing(step.name, target, step.state, step.seen):
            return e.TargetStarted(at=step.now, application=step.name, rollout=step.rollout.id, target=target)
    return None


def _newer_wanted(step: _Step) -> bool:
    desired = step.seen.desired.get(step.name)
    application = step.state.applications[step.name]
    held = (step.rollout.digest, *application.quarantine)
    return desired is not None and not step.rollout.rejoin and desired.digest not in held


def _soak_and_gates(step: _Step) -> e.Event | None:
    phases = {step.rollout.targets[target].phase for target in step.wave.targets}
    if not phases <= {T.HEALTHY, T.FAILED}:
        return None
    about = {"at": step.now, "application": step.name, "rollout": step.rollout.id, "wave": step.wave.name}
    if step.rollout.soaking_since is None:
        return e.SoakStarted(**about)
    for gate in step.wave.gates:
        event = _gate_event(step, gate)
        if event is not None:
            return event
    names = {gate.name for gate in step.wave.gates}
    if names <= set(step.rollout.passed_gates) and _health_soaked(step):
        return e.WavePassed(**about)
    return None


def _gate_event(step: _Step, gate: Gate) -> e.Event | None:
    if gate.name in step.rollout.passed_gates:
        return None
    verdict = verdict_of(step.name, step.rollout, gate, step.seen, step.now)
    if verdict.kind in (VerdictKind.INCONCLUSIVE, VerdictKind.PENDING) and _gate_overdue(step, gate):
        verdict = Verdict(VerdictKind.FAIL, f"no pass in time; last: {verdict.because}")
    about = {"at": step.now, "application": step.name, "rollout": step.rollout.id, "wave": step.wave.name}
    if verdict.kind is VerdictKind.PASS and _health_soaked(step):
        return e.GateJudged(**about, gate=gate.name, verdict=verdict.kind, because=verdict.because)
    if verdict.kind is VerdictKind.FAIL:
        because = f"gate {gate.name} failed: {verdict.because}"
        return e.RolloutFailed(**about, cause=FailureCause.GATE, because=because, gate=gate.name)
    return None


def verdict_of(name: str, rollout: Rollout, gate: Gate, seen: Observation, now: datetime) -> Verdict:
    """What `gate` says of the wave that soaks now."""
    wave = rollout.current_wave
    if wave is None or rollout.soaking_since is None:
        return Verdict(VerdictKind.PENDING, "the wave has not settled yet")
    samplings: dict[str, Sampling | None] = {}
    if isinstance(gate, HttpGate):
        samplings = {work.target: seen.samplings.get(work) for work in probes(name, rollout, gate)}
    soak = Soak(rollout.soaking_since, wave.soak)
    return judge(gate, samplings, soak, approved=rollout.approved, now=now)


def _gate_overdue(step: _Step, gate: Gate) -> bool:
    since = step.rollout.soaking_since
    if since is None or isinstance(gate, ApprovalGate):
        return False  # a person may take as long as a person takes
    return step.now >= since + step.wave.soak + step.wave.progress_deadline


def _health_soaked(step: _Step) -> bool:
    """Health held through the whole soak, as watched by this process: what was not watched did not pass."""
    return all(
        moment is not None and step.now >= moment
        for moment in _soaked_at(step.name, step.rollout, step.wave, step.seen)
    )


def _soaked_at(name: str, rollout: Rollout, wave: WavePlan, seen: Observation) -> Iterator[datetime | None]:
    since = rollout.soaking_since
    for target in wave.targets:
        if rollout.targets[target].phase is not T.HEALTHY:
            continue
        report = seen.targets.get(apply_work(name, rollout, target), TargetReport())
        if since is None or report.current_since is None or report.unreachable:
            yield None
        else:
            yield Soak(since, wave.soak).covered_from(report.current_since)


def soak_moments(name: str, rollout: Rollout, wave: WavePlan, seen: Observation) -> Iterator[datetime]:
    """When the soak may be over, and when its gates run out of time."""
    since = rollout.soaking_since
    if since is None:
        return
    yield since + wave.soak + wave.progress_deadline
    for moment in _soaked_at(name, rollout, wave, seen):
        if moment is not None:
            yield moment
    for gate in wave.gates:
        if not isinstance(gate, HttpGate):
            continue
        for work in probes(name, rollout, gate):
            sampling = seen.samplings.get(work)
            if sampling is not None:
                yield Soak(since, wave.soak).covered_from(sampling.since) + timedelta(milliseconds=1)
