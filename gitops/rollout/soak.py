"""The soak of a wave: since when health and gates are watched without a break, and until when."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from gitops.gates import Sampling, Verdict, VerdictKind, judge
from gitops.gates.judge import Soak
from gitops.model.gates import Gate, HttpGate
from gitops.rollout.observation import Observation
from gitops.rollout.state import Rollout, TargetPhase, WavePlan
from gitops.rollout.step import NO_NEWS, Step
from gitops.rollout.work import apply_work, probes


def health_soaked(step: Step) -> bool:
    """Health held through the whole soak, as watched by this process: what was not watched did not pass."""
    return all(
        moment is not None and step.now >= moment
        for _, moment in soaked_at(step.name, step.rollout, step.wave, step.seen)
    )


def soaked_at(
    name: str, rollout: Rollout, wave: WavePlan, seen: Observation
) -> Iterator[tuple[str, datetime | None]]:
    """For each healthy target of the wave: when its soak is over; None while it cannot be said."""
    since = rollout.soaking_since
    for target in wave.targets:
        if rollout.targets[target].phase is not TargetPhase.HEALTHY:
            continue
        report = seen.targets.get(apply_work(name, rollout, target), NO_NEWS)
        if since is None or not report.settled or report.current_since is None or report.unreachable:
            yield target, None
        else:
            yield target, Soak(since, wave.soak).covered_from(report.current_since)


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


def gate_due(name: str, rollout: Rollout, gate: Gate, seen: Observation) -> datetime | None:
    """When a gate that has not passed counts as failed: a progress deadline after the soak as watched.

    None while some target is not sampled or its health cannot be told: that is not the gate's delay. None
    too for gates that take no samples: targets have deadlines of their own for health, and a person may
    take as long as a person takes.
    """
    wave = rollout.current_wave
    since = rollout.soaking_since
    if wave is None or since is None or not isinstance(gate, HttpGate):
        return None
    for work in probes(name, rollout, gate):
        sampling = seen.samplings.get(work)
        if sampling is None:
            return None
        since = max(since, sampling.asked_since or sampling.since)
    over = since + wave.soak
    for _, moment in soaked_at(name, rollout, wave, seen):
        if moment is None:
            return None
        over = max(over, moment)
    return over + wave.progress_deadline


def moments(name: str, rollout: Rollout, wave: WavePlan, seen: Observation) -> Iterator[datetime]:
    """When the soak may be over, and when gates may pass or run out of time."""
    since = rollout.soaking_since
    if since is None:
        return
    for _, moment in soaked_at(name, rollout, wave, seen):
        if moment is not None:
            yield moment
    for gate in wave.gates:
        if gate.name in rollout.passed_gates:
            continue
        due = gate_due(name, rollout, gate, seen)
        if due is not None:
            yield due
        if not isinstance(gate, HttpGate):
            continue
        for work in probes(name, rollout, gate):
            sampling = seen.samplings.get(work)
            if sampling is not None:
                yield Soak(since, wave.soak).covered_from(sampling.since) + timedelta(milliseconds=1)
