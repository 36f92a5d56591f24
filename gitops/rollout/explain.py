"""One sentence for every wait: what, the value seen, since when, until when, who can release it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from gitops.gates import VerdictKind
from gitops.model.gates import ApprovalGate
from gitops.rollout.advancing import dependency_missing, verdict_of
from gitops.rollout.decide import arrived, startable
from gitops.rollout.observation import Observation, RevertReport, RevertWork, TargetReport
from gitops.rollout.state import (
    ApplicationState,
    EnvironmentState,
    Rollout,
    RolloutPhase,
    TargetPhase,
    WavePlan,
)
from gitops.rollout.work import apply_work, restore_work

THE_CLUSTER = "the cluster"
NOBODY = "nobody: it goes on by itself"


@dataclass(frozen=True, slots=True)
class Wait:
    """Why `application` (on `target`, where one is named) does not move. Empty `until`: no end is set."""

    application: str
    target: str
    waits_for: str
    seen: str = ""
    since: datetime | None = None
    until: datetime | None = None
    release: str = NOBODY

    def __str__(self) -> str:
        """The sentence."""
        subject = f"{self.application}@{self.target}" if self.target else self.application
        parts = [f"{subject} {self.waits_for}"]
        if self.seen:
            parts.append(f"seen: {self.seen}")
        if self.since:
            parts.append(f"since {self.since:%Y-%m-%d %H:%M:%S}Z")
        if self.until:
            parts.append(f"until {self.until:%Y-%m-%d %H:%M:%S}Z")
        parts.append(f"released by {self.release}")
        return "; ".join(parts) + "."


def explain(environment: str, state: EnvironmentState, seen: Observation, now: datetime) -> tuple[Wait, ...]:
    """A sentence for each application, and for each target of a running rollout, in order."""
    waits: list[Wait] = []
    for name in sorted(set(state.applications) | set(seen.desired) | set(seen.problems)):
        application = state.application(name)
        rollout = application.rollout
        if rollout is None:
            waits.extend(_idle(environment, name, application, state, seen))
            continue
        waits.append(_running(environment, name, rollout, seen, now))
        waits.extend(_targets(name, application, rollout, state, seen))
    return tuple(waits)


def _idle(
    environment: str, name: str, application: ApplicationState, state: EnvironmentState, seen: Observation
) -> Iterator[Wait]:
    yield _at_rest(environment, name, application, state, seen)
    for target, lagging in sorted(application.lagging.items()):
        release = (
            f"{THE_CLUSTER}, by answering" if lagging.cause == "Unreachable" else _retry(environment, name)
        )
        yield Wait(name, target, "was left behind", lagging.because, lagging.since, release=release)


def _at_rest(
    environment: str, name: str, application: ApplicationState, state: EnvironmentState, seen: Observation
) -> Wait:
    desired = seen.desired.get(name)
    problems = seen.problems.get(name, ())
    if problems:
        return Wait(name, "", "cannot be rolled out as it is written", problems[0], release="a fixing commit")
    if desired is None:
        return Wait(name, "", "is not in Git at this revision", release="a commit")
    held = application.quarantine.get(desired.digest)
    if held is not None:
        waits = f"holds revision {desired.revision[:12]}: the same inputs failed in {held.rollout}"
        return Wait(name, "", waits, held.because, held.at, release=_retry(environment, name))
    if arrived(application, desired):
        since = application.good.at if application.good else None
        return Wait(name, "", f"waits for nothing: {desired.revision[:12]} is on every target", since=since)
    if seen.suspended:
        return Wait(name, "", "waits: the environment is suspended", release=f"gitops resume {environment}")
    if not startable(name, state, seen):
        return Wait(name, "", f"waits for one of {seen.max_concurrent_rollouts} rollouts to end")
    return Wait(name, "", f"is about to roll out {desired.revision[:12]}")


def _retry(environment: str, name: str) -> str:
    return f"other inputs, or a commit with the trailer Gitops-Retry: {environment}/{name}"


def _running(environment: str, name: str, rollout: Rollout, seen: Observation, now: datetime) -> Wait:
    match rollout.phase:
        case RolloutPhase.HALTED:
            release = _retry(environment, name)
            return Wait(name, "", "is halted", rollout.because, rollout.since, release=release)
        case RolloutPhase.RESTORING | RolloutPhase.FAILED:
            back = ", ".join(rollout.in_phase(TargetPhase.RESTORING))
            return Wait(
                name,
                "",
                f"waits for {back} to be back on the last good revision",
                rollout.because,
                rollout.since,
            )
        case RolloutPhase.REVERTING:
            report = seen.reverts.get(RevertWork(name, rollout.id), RevertReport())
            return Wait(
                name,
                "",
                "waits for the revert commit to reach the branch",
                report.waiting_for or rollout.because,
                rollout.since,
            )
        case RolloutPhase.ADVANCING:
            return _wave(environment, name, rollout, seen, now)


def _wave(environment: str, name: str, rollout: Rollout, seen: Observation, now: datetime) -> Wait:
    wave = rollout.current_wave
    if wave is None or rollout.wave_started_at is None:
        release = f"gitops resume {environment}" if seen.suspended else NOBODY
        return Wait(name, "", "waits to start its next wave", since=rollout.since, release=release)
    if rollout.soaking_since is None:
        settled = len([1 for target in wave.targets if rollout.targets[target].phase is TargetPhase.HEALTHY])
        return Wait(
            name,
            "",
            f"waits for wave {wave.name} of {rollout.revision[:12]} to be healthy",
            f"{settled} of {len(wave.targets)} targets are",
            rollout.wave_started_at,
        )
    return _gate(environment, name, rollout, wave, seen, now)


def _gate(
    environment: str, name: str, rollout: Rollout, wave: WavePlan, seen: Observation, now: datetime
) -> Wait:
    since = rollout.soaking_since
    for gate in wave.gates:
        verdict = verdict_of(name, rollout, gate, seen, now)
        if gate.name in rollout.passed_gates or verdict.kind is VerdictKind.PASS:
            continue
        approval = isinstance(gate, ApprovalGate)
        until = None if approval or since is None else since + wave.soak + wave.progress_deadline
        release = f"gitops approve {environment}/{name}" if approval else NOBODY
        return Wait(
            name,
            "",
            f"waits for gate {gate.name} of wave {wave.name}",
            verdict.because,
            since,
            until,
            release,
        )
    until = since + wave.soak if since else None
    return Wait(name, "", f"waits for wave {wave.name} to soak", "healthy so far", since, until)


def _targets(
    name: str, application: ApplicationState, rollout: Rollout, state: EnvironmentState, seen: Observation
) -> Iterator[Wait]:
    for wave in rollout.waves:
        for target in wave.targets:
            wait = _target(name, application, rollout, wave, target, state, seen)
            if wait is not None:
                yield wait


def _target(  # noqa: PLR0913, PLR0917 - one look at one target; a noun for these seven would serve nothing else
    name: str,
    application: ApplicationState,
    rollout: Rollout,
    wave: WavePlan,
    target: str,
    state: EnvironmentState,
    seen: Observation,
) -> Wait | None:
    progress = rollout.targets[target]
    until = progress.since + wave.progress_deadline
    match progress.phase:
        case TargetPhase.WAITING:
            missing = dependency_missing(name, target, state, seen)
            if wave is rollout.current_wave and missing:
                return Wait(name, target, f"waits for {missing}", since=rollout.wave_started_at)
            return Wait(name, target, f"waits for its turn in wave {wave.name}", since=progress.since)
        case TargetPhase.APPLYING | TargetPhase.SETTLING:
            report = seen.targets.get(apply_work(name, rollout, target), TargetReport())
            doing = "waits to be applied" if progress.phase is TargetPhase.APPLYING else "waits to be healthy"
            return Wait(
                name,
                target,
                doing,
                report.unreachable or report.waiting_for,
                progress.since,
                until,
                THE_CLUSTER,
            )
        case TargetPhase.RESTORING:
            work = restore_work(name, application, rollout, target)
            report = seen.targets.get(work, TargetReport())
            return Wait(
                name,
                target,
                "waits to be back on the last good revision",
                report.unreachable or report.waiting_for,
                progress.since,
                until,
                THE_CLUSTER,
            )
        case TargetPhase.FAILED:
            return Wait(name, target, "failed", progress.because, progress.since, release="a fixing commit")
        case TargetPhase.HEALTHY | TargetPhase.RESTORED:
            return None
