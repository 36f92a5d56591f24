"""The table of transitions: which event is legal when, and what it makes of the state.

An illegal event raises and changes nothing. `TABLE` is the whole machine; documentation and tests are
drawn from it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar, cast

from gitops.errors import TerminalError
from gitops.rollout import events as e
from gitops.rollout.state import (
    ApplicationState,
    EnvironmentState,
    FailureCause,
    Good,
    Lagging,
    OnTarget,
    Outcome,
    Quarantine,
    Recorded,
    Rollout,
    RolloutPhase,
    TargetPhase,
    TargetProgress,
)

R = RolloutPhase
T = TargetPhase
Value = TypeVar("Value", bound=Recorded)
Fold: TypeAlias = Callable[[ApplicationState, Any], ApplicationState]

QUARANTINE_LIMIT = 50


class IllegalTransition(TerminalError):  # noqa: N818 - the machine's own word
    """An event that cannot have happened in this state: a history that was tampered with, or a defect."""


@dataclass(frozen=True, slots=True)
class Transition:
    """When an event is legal, and its effect. Empty `targets`: the event is not about a target."""

    rollout: frozenset[RolloutPhase | None]
    targets: frozenset[TargetPhase]
    apply: Fold


def evolve(state: EnvironmentState, events: Iterable[e.Event]) -> EnvironmentState:
    """Fold `events` into `state`, in order. Raises IllegalTransition on the first that cannot follow."""
    for event in events:
        state = _evolve_one(state, event)
    return state


def _evolve_one(state: EnvironmentState, event: e.Event) -> EnvironmentState:
    if isinstance(event, e.RevisionRefused):
        return _with(state, refused=event.revision)
    if isinstance(event, e.RevisionObserved):
        return _with(state, observed=event.revision)
    name = event.application
    before = state.application(name)
    transition = TABLE[type(event)]
    _check(transition, before, event)
    after = transition.apply(before, event)
    if isinstance(event, e.ApplicationRetired):
        others = {key: value for key, value in state.applications.items() if key != name}
        return _with(state, applications=others)
    changes: dict[str, Any] = {"applications": {**state.applications, name: after}}
    return _with(state, **changes)


def _check(transition: Transition, state: ApplicationState, event: e.Event) -> None:
    rollout = state.rollout
    phase = rollout.phase if rollout else None
    what = type(event).__name__
    if phase not in transition.rollout:
        raise IllegalTransition(f"{what} cannot follow: the rollout is {phase or 'not running'}")
    if rollout is None:
        return
    named = getattr(event, "rollout", rollout.id)
    if named != rollout.id:
        raise IllegalTransition(f"{what} is about rollout {named}, but {rollout.id} is running")
    if transition.targets:
        target = rollout.targets.get(getattr(event, "target", ""))
        if target is None or target.phase not in transition.targets:
            seen = target.phase if target else "unknown"
            raise IllegalTransition(f"{what} cannot follow: the target is {seen}")


def _with(value: Value, **changes: Any) -> Value:  # noqa: ANN401 - fields of any type
    return value.model_copy(update=changes)


def _running(state: ApplicationState) -> Rollout:
    return cast("Rollout", state.rollout)  # the table admitted the event, so one is running


def _rollout(state: ApplicationState, **changes: Any) -> ApplicationState:  # noqa: ANN401
    return _with(state, rollout=_with(_running(state), **changes))


def _target(state: ApplicationState, event: Any, **changes: Any) -> ApplicationState:  # noqa: ANN401
    targets = _running(state).targets
    progress = _with(targets[event.target], since=event.at, **changes)
    return _rollout(state, targets={**targets, event.target: progress})


def _on(state: ApplicationState, target: str, what: OnTarget) -> ApplicationState:
    return _with(state, on={**state.on, target: what})


def _command_seen(state: ApplicationState, event: e.CommandSeen) -> ApplicationState:
    match event.command:
        case e.CommandKind.APPROVE:
            return _rollout(state, approved=True) if state.rollout else state
        case e.CommandKind.ALLOW_PRUNE:
            state = _with(state, prune_permitted_by=event.commit)
    halted = state.rollout is not None and state.rollout.phase is R.HALTED
    return _with(state, quarantine={}, lagging={}, rollout=None if halted else state.rollout)


def _started(state: ApplicationState, event: e.RolloutStarted) -> ApplicationState:
    targets = {name: TargetProgress(since=event.at) for wave in event.waves for name in wave.targets}
    rollout = Rollout(
        id=event.rollout,
        revision=event.revision,
        digest=event.digest,
        started_at=event.at,
        since=event.at,
        waves=event.waves,
        targets=targets,
        on_failure=event.on_failure,
        push=event.push,
        prune_permitted=event.prune_permitted,
        removed=event.removed,
        rejoin=event.rejoin,
    )
    return _with(state, rollouts=state.rollouts + 1, rollout=rollout)


def _wave_started(state: ApplicationState, event: e.WaveStarted) -> ApplicationState:
    names = [wave.name for wave in _running(state).waves]
    return _rollout(state, wave=names.index(event.wave), wave_started_at=event.at, soaking_since=None)


def _target_started(state: ApplicationState, event: e.TargetStarted) -> ApplicationState:
    rollout = _running(state)
    state = _target(state, event, phase=T.APPLYING, started_at=event.at)
    return _on(state, event.target, OnTarget(revision=rollout.revision, digest=rollout.digest, settled=False))


def _target_applied(state: ApplicationState, event: e.TargetApplied) -> ApplicationState:
    changed = sum(count for action, count in event.counts.items() if action != "unchanged")
    return _target(state, event, phase=T.SETTLING, changed=changed)


def _target_healthy(state: ApplicationState, event: e.TargetHealthy) -> ApplicationState:
    rollout = _running(state)
    lagging = {name: value for name, value in state.lagging.items() if name != event.target}
    state = _with(_target(state, event, phase=T.HEALTHY, because=""), lagging=lagging)
    return _on(state, event.target, OnTarget(revision=rollout.revision, digest=rollout.digest, settled=True))


def _target_regressed(state: ApplicationState, event: e.TargetRegressed) -> ApplicationState:
    return _rollout(_target(state, event, phase=T.SETTLING, because=event.because), soaking_since=None)


def _target_failed(state: ApplicationState, event: e.TargetFailed) -> ApplicationState:
    why = {"cause": event.cause, "because": event.because, "evidence": event.evidence}
    return _rollout(_target(state, event, phase=T.FAILED, **why), soaking_since=None)


def _soak_started(state: ApplicationState, event: e.SoakStarted) -> ApplicationState:
    return _rollout(state, soaking_since=event.at)


def _gate_judged(state: ApplicationState, event: e.GateJudged) -> ApplicationState:
    if event.verdict != "Pass":
        return state
    return _rollout(state, passed_gates=(*_running(state).passed_gates, event.gate))


def _wave_passed(state: ApplicationState, event: e.WavePassed) -> ApplicationState:
    del event
    return _rollout(state, soaking_since=None, wave_started_at=None, passed_gates=(), approved=False)


def _succeeded(state: ApplicationState, event: e.RolloutSucceeded) -> ApplicationState:
    rollout = _running(state)
    behind = {
        name: Lagging(cause=target.cause or FailureCause.HEALTH, because=target.because, since=target.since)
        for name, target in rollout.targets.items()
        if target.phase is T.FAILED
    }
    kept = (
        state.on if rollout.rejoin else {name: on for name, on in state.on.items() if name in rollout.targets}
    )
    return _with(
        state,
        good=Good(revision=rollout.revision, digest=rollout.digest, at=event.at),
        on=kept,
        lagging={**(state.lagging if rollout.rejoin else {}), **behind},
        prune_permitted_by="",
        rollout=None,
        outcome=_outcome(rollout, "Succeeded", event),
    )


def _outcome(rollout: Rollout, result: str, event: Any, revert: str = "") -> Outcome:  # noqa: ANN401
    return Outcome(
        rollout=rollout.id,
        revision=rollout.revision,
        result=result,
        because=rollout.because,
        at=event.at,
        revert=revert,
    )


def _failed(state: ApplicationState, event: e.RolloutFailed) -> ApplicationState:
    rollout = _running(state)
    entry = Quarantine(revision=rollout.revision, rollout=rollout.id, because=event.because, at=event.at)
    held = {**state.quarantine, rollout.digest: entry}
    while len(held) > QUARANTINE_LIMIT:
        held.pop(min(held, key=lambda digest: held[digest].at))
    state = _rollout(
        state,
        phase=R.FAILED,
        since=event.at,
        cause=event.cause,
        because=event.because,
        failed_gate=event.gate,
        evidence=event.evidence,
    )
    return _with(state, quarantine=held)


def _halted(state: ApplicationState, event: e.RolloutHalted) -> ApplicationState:
    rollout = _running(state)
    because = f"{rollout.because}; {event.because}" if rollout.because else event.because
    state = _rollout(state, phase=R.HALTED, since=event.at, because=because)
    return _with(state, outcome=_outcome(_running(state), "Halted", event))


def _restore_started(state: ApplicationState, event: e.RestoreStarted) -> ApplicationState:
    targets = dict(_running(state).targets)
    for name in event.targets:
        targets[name] = _with(targets[name], phase=T.RESTORING, since=event.at)
    return _rollout(state, phase=R.RESTORING, since=event.at, targets=targets)


def _target_restored(state: ApplicationState, event: e.TargetRestored) -> ApplicationState:
    good = cast("Good", state.good)  # a restore starts only where there is something to go back to
    state = _target(state, event, phase=T.RESTORED)
    return _on(state, event.target, OnTarget(revision=good.revision, digest=good.digest, settled=True))


def _target_not_restored(state: ApplicationState, event: e.TargetNotRestored) -> ApplicationState:
    behind = Lagging(cause=event.cause, because=event.because, since=event.at)
    state = _target(state, event, phase=T.FAILED, cause=event.cause, because=event.because)
    return _with(state, lagging={**state.lagging, event.target: behind})


def _restore_finished(state: ApplicationState, event: e.RestoreFinished) -> ApplicationState:
    return _rollout(state, phase=R.REVERTING, since=event.at)


def _revert_pushed(state: ApplicationState, event: e.RevertPushed) -> ApplicationState:
    state = _rollout(state, revert_settled=True)
    return _with(state, outcome=_outcome(_running(state), "Reverted", event, revert=event.commit))


def _revert_refused(state: ApplicationState, event: e.RevertRefused) -> ApplicationState:
    rollout = _running(state)
    because = f"{rollout.because}; no revert commit was made: {event.because}"
    state = _rollout(state, because=because, revert_settled=True)
    return _with(state, outcome=_outcome(_running(state), "Reverted", event))


def _rollout_over(state: ApplicationState, event: Any) -> ApplicationState:  # noqa: ANN401
    rollout = _running(state)
    if isinstance(event, e.RolloutSuperseded):
        state = _with(state, outcome=_outcome(rollout, "Superseded", event))
    return _with(state, rollout=None)


def _retired(state: ApplicationState, event: e.ApplicationRetired) -> ApplicationState:
    del event
    return state


def _row(apply: Fold, *rollout: RolloutPhase | None, targets: Iterable[TargetPhase] = ()) -> Transition:
    return Transition(frozenset(rollout), frozenset(targets), apply)


_RUNNING = (R.ADVANCING, R.FAILED, R.RESTORING, R.REVERTING, R.HALTED)

TABLE: dict[type[Any], Transition] = {
    e.CommandSeen: _row(_command_seen, None, *_RUNNING),
    e.RolloutStarted: _row(_started, None),
    e.WaveStarted: _row(_wave_started, R.ADVANCING),
    e.TargetStarted: _row(_target_started, R.ADVANCING, targets=(T.WAITING,)),
    e.TargetApplied: _row(_target_applied, R.ADVANCING, targets=(T.APPLYING,)),
    e.TargetHealthy: _row(_target_healthy, R.ADVANCING, targets=(T.SETTLING,)),
    e.TargetRegressed: _row(_target_regressed, R.ADVANCING, targets=(T.HEALTHY,)),
    e.TargetFailed: _row(_target_failed, R.ADVANCING, targets=(T.APPLYING, T.SETTLING, T.HEALTHY)),
    e.SoakStarted: _row(_soak_started, R.ADVANCING),
    e.GateJudged: _row(_gate_judged, R.ADVANCING),
    e.WavePassed: _row(_wave_passed, R.ADVANCING),
    e.RolloutSucceeded: _row(_succeeded, R.ADVANCING),
    e.RolloutFailed: _row(_failed, R.ADVANCING),
    e.RolloutHalted: _row(_halted, R.FAILED),
    e.RestoreStarted: _row(_restore_started, R.FAILED),
    e.TargetRestored: _row(_target_restored, R.RESTORING, targets=(T.RESTORING,)),
    e.TargetNotRestored: _row(_target_not_restored, R.RESTORING, targets=(T.RESTORING,)),
    e.RestoreFinished: _row(_restore_finished, R.RESTORING),
    e.RevertPushed: _row(_revert_pushed, R.REVERTING),
    e.RevertRefused: _row(_revert_refused, R.REVERTING),
    e.RolloutReverted: _row(_rollout_over, R.REVERTING),
    e.RolloutSuperseded: _row(_rollout_over, R.ADVANCING, R.HALTED),
    e.ApplicationRetired: _row(_retired, None),
}
