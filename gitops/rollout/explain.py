"""One sentence for every wait: what, the value seen, since when, until when, who can release it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from gitops.gates import VerdictKind
from gitops.model.gates import ApprovalGate
from gitops.model.kinds import DriftMode
from gitops.rollout import pruning, slots, soak
from gitops.rollout.arrival import arrived, newer
from gitops.rollout.explain_target import target_wait
from gitops.rollout.observation import Observation, RevertReport, RevertWork
from gitops.rollout.state import (
    ApplicationState,
    EnvironmentState,
    FailureCause,
    Rollout,
    RolloutPhase,
    TargetPhase,
    WavePlan,
)
from gitops.rollout.wait import NOBODY, THE_CLUSTER, Wait


@dataclass(frozen=True, slots=True)
class _View:
    """What every sentence is made from."""

    environment: str
    state: EnvironmentState
    seen: Observation
    now: datetime
    slots: slots.Slots

    def resume(self) -> str:
        return f"gitops resume {self.environment}"

    def retry(self, name: str) -> str:
        return f"other inputs, or a commit with the trailer Gitops-Retry: {self.environment}/{name}"


def explain(environment: str, state: EnvironmentState, seen: Observation, now: datetime) -> tuple[Wait, ...]:
    """A sentence for each application, and for each target that is not at rest, in order."""
    view = _View(environment, state, seen, now, slots.slots(state, seen))
    waits: list[Wait] = []
    for name in sorted(set(state.applications) | set(seen.desired) | set(seen.problems) | set(seen.awaiting)):
        application = state.application(name)
        rollout = application.rollout
        if rollout is None:
            waits.append(_at_rest(view, name, application))
            waits.extend(_left_behind(view, name, application, told=frozenset()))
            continue
        waits.append(_running(view, name, application, rollout))
        targets = list(_targets(view, name, application, rollout))
        waits.extend(targets)
        told = frozenset(wait.target for wait in targets)
        waits.extend(_left_behind(view, name, application, told=told))
    for name, application in sorted(state.applications.items()):
        waits.extend(_staying(view, name, application))
        waits.extend(_drifted(name, application))
        waits.extend(_foreign(name, application))
    return tuple(waits)


def _staying(view: _View, name: str, application: ApplicationState) -> Iterator[Wait]:
    """What left Git and is still there: to go, or held back."""
    for target, leaving in sorted(application.leaving.items()):
        report = pruning.report_on(name, application, target, view.seen)
        seen = _listed(report.leaving or leaving.objects)
        waits = f"waits for {_number(leaving.objects)} that left Git to be gone"
        release = f"{THE_CLUSTER}, or whoever refuses the deletion or set the finalizer"
        yield Wait(name, target, waits, report.unreachable or seen, leaving.since, release=release)
    for target, held in sorted(application.held.items()):
        waits = f"keeps {_number(held.objects)} that left Git"
        release = f"gitops allow-prune {view.environment}/{name}"
        yield Wait(name, target, waits, _listed(held.objects), held.since, release=release)


def _number(objects: Mapping[str, str]) -> str:
    return "1 object" if len(objects) == 1 else f"{len(objects)} objects"


def _listed(objects: Mapping[str, str]) -> str:
    return "; ".join(f"{key}: {because}" for key, because in sorted(objects.items()))


def _drifted(name: str, application: ApplicationState) -> Iterator[Wait]:
    for target, key, found in application.drifted:
        by = f", by {', '.join(found.by)}" if found.by else ""
        undone = found.mode is DriftMode.CORRECT
        release = NOBODY if undone else "whoever undoes it, or a commit (gitops adopt)"
        yield Wait(
            name, target, f"has drifted in {key}", f"{found.because}{by}", found.since, release=release
        )


def _foreign(name: str, application: ApplicationState) -> Iterator[Wait]:
    for target, key, found in application.foreign_fields:
        fields = f"{', '.join(found.fields)}, by {', '.join(found.by) or 'somebody'}"
        because = f"{fields}; {found.because}" if found.because else fields
        release = "whoever removes them, or a commit that allows them (foreignFields)"
        yield Wait(name, target, f"holds fields of others in {key}", because, found.since, release=release)


def _at_rest(view: _View, name: str, application: ApplicationState) -> Wait:
    seen = view.seen
    desired = seen.desired.get(name)
    problems = seen.problems.get(name, ())
    if problems:
        return Wait(name, "", "cannot be rolled out as it is written", problems[0], release="a fixing commit")
    if name in seen.awaiting:
        release = "whoever runs what does not answer, or another commit"
        return Wait(
            name, "", "waits for what its manifests are made of", seen.awaiting[name], release=release
        )
    if desired is None:
        return Wait(name, "", "is not in Git at this revision", release="a commit")
    held = application.quarantine.get(desired.digest)
    if held is not None:
        waits = f"holds revision {seen.revision[:12]}: the same inputs failed in {held.rollout}"
        return Wait(name, "", waits, held.because, held.at, release=view.retry(name))
    if arrived(application, desired):
        since = application.good.at if application.good else None
        behind = len(application.lagging)
        where = f"every target but {behind}" if behind else "every target"
        return Wait(name, "", f"waits for nothing: {seen.revision[:12]} is on {where}", since=since)
    if seen.suspended:
        return Wait(name, "", "waits: the environment is suspended", release=view.resume())
    if not view.slots.open_to(name):
        return Wait(name, "", f"waits for one of {seen.max_concurrent_rollouts} rollouts to end")
    return Wait(name, "", f"is about to roll out {seen.revision[:12]}")


def _left_behind(
    view: _View, name: str, application: ApplicationState, *, told: frozenset[str]
) -> Iterator[Wait]:
    for target, lagging in sorted(application.lagging.items()):
        if target in told:
            continue  # the running rollout has news of it
        silent = lagging.cause is FailureCause.UNREACHABLE
        release = f"{THE_CLUSTER}, by answering" if silent else view.retry(name)
        yield Wait(name, target, "was left behind", lagging.because, lagging.since, release=release)


def _targets(view: _View, name: str, application: ApplicationState, rollout: Rollout) -> Iterator[Wait]:
    for wave in rollout.waves:
        for target in wave.targets:
            wait = target_wait(name, application, wave, target, view.state, view.seen)
            if wait is not None:
                yield wait


def _running(view: _View, name: str, application: ApplicationState, rollout: Rollout) -> Wait:
    match rollout.phase:
        case RolloutPhase.HALTED:
            release = view.retry(name)
            return Wait(name, "", "is halted", rollout.because, rollout.since, release=release)
        case RolloutPhase.RESTORING | RolloutPhase.FAILED:
            back = ", ".join(rollout.in_phase(TargetPhase.RESTORING)) or "its targets"
            waits = f"waits for {back} to be back on the last good revision"
            return Wait(name, "", waits, rollout.because, rollout.since)
        case RolloutPhase.REVERTING:
            report = view.seen.reverts.get(RevertWork(name, rollout.id), RevertReport())
            waits = "waits for the revert commit to reach the branch"
            return Wait(name, "", waits, report.waiting_for or rollout.because, rollout.since)
        case RolloutPhase.ADVANCING:
            return _advancing(view, name, application, rollout)


def _advancing(view: _View, name: str, application: ApplicationState, rollout: Rollout) -> Wait:
    if newer(name, application, view.seen) is not None:
        writing = ", ".join(rollout.in_phase(TargetPhase.APPLYING)) or "nothing"
        waits = f"waits for {writing} to be applied, then goes on with {view.seen.revision[:12]}"
        return Wait(name, "", waits, since=rollout.since, release=THE_CLUSTER)
    wave = rollout.current_wave
    if wave is None or rollout.wave_started_at is None:
        if view.seen.suspended:
            waits = "waits to start its next wave: the environment is suspended"
            return Wait(name, "", waits, since=rollout.since, release=view.resume())
        return Wait(name, "", "is about to start its next wave", since=rollout.since)
    if rollout.soaking_since is not None:
        return _soaking(view, name, rollout, wave)
    settled = len([1 for target in wave.targets if rollout.targets[target].phase is TargetPhase.HEALTHY])
    waits = f"waits for wave {wave.name} of {rollout.revision[:12]} to be healthy"
    tally = f"{settled} of {len(wave.targets)} targets are"
    held = view.seen.suspended and bool(rollout.in_phase(TargetPhase.WAITING))
    if held:
        waits += ", and starts no more targets: the environment is suspended"
        return Wait(name, "", waits, tally, rollout.wave_started_at, release=view.resume())
    return Wait(name, "", waits, tally, rollout.wave_started_at)


def _soaking(view: _View, name: str, rollout: Rollout, wave: WavePlan) -> Wait:
    since = rollout.soaking_since
    for gate in wave.gates:
        verdict = soak.verdict_of(name, rollout, gate, view.seen, view.now)
        if gate.name in rollout.passed_gates or verdict.kind is VerdictKind.PASS:
            continue
        waits = f"waits for gate {gate.name} of wave {wave.name}"
        if isinstance(gate, ApprovalGate):
            release = f"gitops approve {view.environment}/{name}"
            return Wait(name, "", waits, verdict.because, since, release=release)
        due = soak.gate_due(name, rollout, gate, view.seen)
        return Wait(name, "", waits, verdict.because, since, due)
    known = list(soak.soaked_at(name, rollout, wave, view.seen))
    unknown = sorted(target for target, moment in known if moment is None)
    if unknown:
        waits = f"waits for {', '.join(unknown)} to be seen healthy through the soak of wave {wave.name}"
        return Wait(name, "", waits, "no answer since it was last healthy", since, release=THE_CLUSTER)
    until = max((moment for _, moment in known if moment is not None), default=None)
    return Wait(name, "", f"waits for wave {wave.name} to soak", "healthy so far", since, until)
