"""The table of transitions: which event is legal when, and what it makes of the state.

An illegal event raises and changes nothing. `TABLE` is the whole machine; documentation and tests are
drawn from it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeAlias

from gitops.errors import TerminalError
from gitops.rollout import events as e
from gitops.rollout import folds, guards, opening, staying
from gitops.rollout.state import ApplicationState, EnvironmentState, RolloutPhase, TargetPhase

R = RolloutPhase
T = TargetPhase
Fold: TypeAlias = Callable[[ApplicationState, Any], ApplicationState]
Guard: TypeAlias = Callable[[ApplicationState, Any], str]


class IllegalTransition(TerminalError):  # noqa: N818 - the machine's own word
    """An event that cannot have happened in this state: a history that was tampered with, or a defect."""


@dataclass(frozen=True, slots=True)
class Transition:
    """When an event is legal, and its effect. Empty `targets`: the event is not about a target.

    `guard` says why the event cannot follow although the phases fit; None where phases say it all.
    """

    rollout: frozenset[RolloutPhase | None]
    targets: frozenset[TargetPhase]
    apply: Fold
    guard: Guard | None = None


def evolve(state: EnvironmentState, events: Iterable[e.Event]) -> EnvironmentState:
    """Fold `events` into `state`, in order. Raises IllegalTransition on the first that cannot follow."""
    for event in events:
        state = _evolve_one(state, event)
    return state


def _evolve_one(state: EnvironmentState, event: e.Event) -> EnvironmentState:
    if isinstance(event, e.RevisionRefused):
        return folds.replaced(state, refused=event.revision)
    if isinstance(event, e.RevisionObserved):
        return folds.replaced(state, observed=event.revision)
    name = event.application
    before = state.application(name)
    transition = TABLE[type(event)]
    _check(transition, before, event)
    after = transition.apply(before, event)
    if isinstance(event, e.ApplicationRetired):
        others = {key: value for key, value in state.applications.items() if key != name}
        return folds.replaced(state, applications=others)
    return folds.replaced(state, applications={**state.applications, name: after})


def _check(transition: Transition, state: ApplicationState, event: e.ApplicationEvent) -> None:
    rollout = state.rollout
    phase = rollout.phase if rollout else None
    what = f"{type(event).__name__} of {event.application}"
    if phase not in transition.rollout:
        raise IllegalTransition(f"{what} cannot follow: the rollout is {phase or 'not running'}")
    if rollout is not None:
        named = getattr(event, "rollout", rollout.id)
        if named != rollout.id:
            raise IllegalTransition(f"{what} is about rollout {named}, but {rollout.id} is running")
        if transition.targets:
            target = rollout.targets.get(getattr(event, "target", ""))
            if target is None or target.phase not in transition.targets:
                seen = target.phase if target else "unknown"
                raise IllegalTransition(f"{what} cannot follow: the target is {seen}")
    reason = transition.guard(state, event) if transition.guard else ""
    if reason:
        raise IllegalTransition(f"{what} cannot follow: {reason}")


def _row(
    apply: Fold,
    *rollout: RolloutPhase | None,
    targets: Iterable[TargetPhase] = (),
    guard: Guard | None = None,
) -> Transition:
    return Transition(frozenset(rollout), frozenset(targets), apply, guard)


_RUNNING = (R.ADVANCING, R.FAILED, R.RESTORING, R.REVERTING, R.HALTED)

TABLE: dict[type[Any], Transition] = {
    e.CommandSeen: _row(folds.command_seen, None, *_RUNNING),
    e.RolloutStarted: _row(folds.started, None, guard=guards.may_start),
    e.WaveStarted: _row(folds.wave_started, R.ADVANCING, guard=guards.next_wave),
    e.TargetStarted: _row(folds.target_started, R.ADVANCING, targets=(T.WAITING,), guard=guards.in_turn),
    e.TargetApplied: _row(folds.target_applied, R.ADVANCING, targets=(T.APPLYING,)),
    e.TargetHealthy: _row(folds.target_healthy, R.ADVANCING, targets=(T.SETTLING,)),
    e.TargetRegressed: _row(folds.target_regressed, R.ADVANCING, targets=(T.HEALTHY,)),
    e.TargetFailed: _row(folds.target_failed, R.ADVANCING, targets=(T.APPLYING, T.SETTLING, T.HEALTHY)),
    e.SoakStarted: _row(folds.soak_started, R.ADVANCING, guard=guards.wave_settled),
    e.GateJudged: _row(folds.gate_judged, R.ADVANCING, guard=guards.gate_open),
    e.WavePassed: _row(folds.wave_passed, R.ADVANCING, guard=guards.gates_passed),
    e.RolloutSucceeded: _row(folds.succeeded, R.ADVANCING, guard=guards.no_wave_left),
    e.RolloutFailed: _row(folds.failed, R.ADVANCING, guard=guards.wave_running),
    e.RolloutHalted: _row(folds.halted, R.FAILED),
    e.RestoreStarted: _row(folds.restore_started, R.FAILED, guard=guards.something_good),
    e.TargetRestored: _row(folds.target_restored, R.RESTORING, targets=(T.RESTORING,)),
    e.TargetNotRestored: _row(folds.target_not_restored, R.RESTORING, targets=(T.RESTORING,)),
    e.RestoreFinished: _row(folds.restore_finished, R.RESTORING, guard=guards.all_back),
    e.RevertPushed: _row(folds.revert_pushed, R.REVERTING, guard=guards.revert_open),
    e.RevertRefused: _row(folds.revert_refused, R.REVERTING, guard=guards.revert_open),
    e.RolloutReverted: _row(folds.reverted, R.REVERTING, guard=guards.revert_settled),
    e.RolloutSuperseded: _row(folds.superseded, R.ADVANCING, R.HALTED),
    e.RejoinAbandoned: _row(folds.rejoin_abandoned, R.ADVANCING, guard=guards.rejoining),
    e.ApplicationRetired: _row(folds.retired, None, guard=guards.known),
    e.PruneFinished: _row(staying.prune_finished, None, *_RUNNING, guard=guards.known),
    e.TargetUnsettled: _row(staying.unsettled, None, guard=guards.settled_there),
    e.DriftFound: _row(opening.drift_found, None, *_RUNNING, guard=guards.known),
    e.DriftCorrected: _row(opening.drift_over, None, *_RUNNING, guard=guards.known),
    e.DriftContested: _row(opening.told_only, None, *_RUNNING, guard=guards.known),
    e.DriftMutated: _row(opening.told_only, None, *_RUNNING, guard=guards.known),
    e.DriftEnded: _row(opening.drift_over, None, *_RUNNING, guard=guards.known),
    e.ForeignFieldsFound: _row(opening.foreign_found, None, *_RUNNING, guard=guards.known),
    e.ForeignFieldsRemoved: _row(opening.foreign_over, None, *_RUNNING, guard=guards.known),
    e.ForeignFieldsContested: _row(opening.told_only, None, *_RUNNING, guard=guards.known),
    e.ForeignFieldsEnded: _row(opening.foreign_over, None, *_RUNNING, guard=guards.known),
}
