"""What each event makes of an application's state. Whether it may happen at all, the table asks first."""

from __future__ import annotations

from typing import Any, TypeVar, cast

from gitops.plan import Action
from gitops.rollout import events as e
from gitops.rollout import staying
from gitops.rollout.state import (
    ApplicationState,
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

QUARANTINE_LIMIT = 50


def replaced(value: Value, **changes: Any) -> Value:  # noqa: ANN401 - fields of any type
    """Copy `value` with other fields."""
    return value.model_copy(update=changes)


def command_seen(state: ApplicationState, event: e.CommandSeen) -> ApplicationState:
    """Note an approval or a permission; a retry forgets what was held back."""
    rollout = state.rollout
    advancing = rollout is not None and rollout.phase is R.ADVANCING
    if event.command is e.CommandKind.APPROVE:
        return _rollout(state, approved=True) if advancing else state
    if event.command is e.CommandKind.ALLOW_PRUNE:
        state = replaced(state, prune_permitted_by=event.commit)
        if not advancing:
            # Rolled out once more, wave by wave: what was held back goes then.
            state = staying.to_be_pruned(state)
        if advancing:
            state = _rollout(state, prune_permitted=True)
    halted = rollout is not None and rollout.phase is R.HALTED
    return replaced(state, quarantine={}, lagging={}, rollout=None if halted else state.rollout)


def started(state: ApplicationState, event: e.RolloutStarted) -> ApplicationState:
    """Fix the waves; every target waits."""
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
    return replaced(state, rollouts=state.rollouts + 1, rollout=rollout)


def wave_started(state: ApplicationState, event: e.WaveStarted) -> ApplicationState:
    """The next wave runs."""
    return _rollout(state, wave=_running(state).wave + 1, wave_started_at=event.at, soaking_since=None)


def target_started(state: ApplicationState, event: e.TargetStarted) -> ApplicationState:
    """From here on the target may hold the new inputs."""
    state = _target(state, event, phase=T.APPLYING, started_at=event.at)
    # What was still to go is among what this rollout prunes.
    return _holds_new(staying.without_leaving(state, event.target), event.target, settled=False)


def target_applied(state: ApplicationState, event: e.TargetApplied) -> ApplicationState:
    """Everything is applied; health is awaited."""
    changed = sum(count for action, count in event.counts.items() if action != "unchanged")
    pruned = event.counts.get(Action.DELETE, 0)
    empty = not any(event.counts.values())
    state = _target(state, event, phase=T.SETTLING, changed=changed, pruned=pruned, empty=empty)
    return staying.held(state, event)


def target_healthy(state: ApplicationState, event: e.TargetHealthy) -> ApplicationState:
    """The target runs the new inputs, and is not left behind any more."""
    lagging = {name: value for name, value in state.lagging.items() if name != event.target}
    state = replaced(_target(state, event, phase=T.HEALTHY, because=""), lagging=lagging)
    rollout = _running(state)
    state = staying.leaving(state, event, removed=rollout.removed)
    gone = rollout.removed and not event.leaving and event.target not in state.held
    return _holds_new(state, event.target, settled=True, empty=gone or rollout.targets[event.target].empty)


def target_regressed(state: ApplicationState, event: e.TargetRegressed) -> ApplicationState:
    """Not healthy any more: the soak, and what gates said of it, count no longer."""
    state = _target(state, event, phase=T.SETTLING, because=event.because)
    state = _rollout(state, soaking_since=None, passed_gates=())
    return _holds_new(state, event.target, settled=False)


def target_failed(state: ApplicationState, event: e.TargetFailed) -> ApplicationState:
    """The target is out of this rollout; the soak, and what gates said of it, count no longer."""
    why = {"cause": event.cause, "because": event.because, "evidence": event.evidence}
    state = _rollout(_target(state, event, phase=T.FAILED, **why), soaking_since=None, passed_gates=())
    return _holds_new(state, event.target, settled=False)


def soak_started(state: ApplicationState, event: e.SoakStarted) -> ApplicationState:
    """Gates are asked from here on."""
    return _rollout(state, soaking_since=event.at)


def gate_judged(state: ApplicationState, event: e.GateJudged) -> ApplicationState:
    """Only a Pass is kept."""
    if event.verdict != "Pass":
        return state
    return _rollout(state, passed_gates=(*_running(state).passed_gates, event.gate))


def wave_passed(state: ApplicationState, event: e.WavePassed) -> ApplicationState:
    """The next wave may start; an approval was for this one alone."""
    del event
    return _rollout(state, soaking_since=None, wave_started_at=None, passed_gates=(), approved=False)


def succeeded(state: ApplicationState, event: e.RolloutSucceeded) -> ApplicationState:
    """These inputs are the last good ones; targets out of reach are listed as lagging."""
    rollout = _running(state)
    good = Good(revision=rollout.revision, digest=rollout.digest, at=event.at)
    lagging = _left_behind(rollout)
    on = {name: what for name, what in state.on.items() if name in rollout.targets}
    if rollout.rejoin:
        good, lagging, on = state.good or good, {**state.lagging, **lagging}, state.on
    return replaced(
        staying.kept_on(state, on),
        good=good,
        on=on,
        lagging=lagging,
        prune_permitted_by="" if rollout.prune_permitted else state.prune_permitted_by,
        rollout=None,
        outcome=_outcome(rollout, "Succeeded", event),
    )


def failed(state: ApplicationState, event: e.RolloutFailed) -> ApplicationState:
    """Quarantine the inputs, unless they are the last good ones; a permission to prune was for this try."""
    rollout = _running(state)
    held = dict(state.quarantine)
    if state.good is None or state.good.digest != rollout.digest:
        held[rollout.digest] = Quarantine(
            revision=rollout.revision, rollout=rollout.id, because=event.because, at=event.at
        )
    while len(held) > QUARANTINE_LIMIT:
        held.pop(min(held, key=lambda digest: (held[digest].at, digest)))
    state = _rollout(
        state,
        phase=R.FAILED,
        since=event.at,
        cause=event.cause,
        because=event.because,
        failed_gate=event.gate,
        evidence=event.evidence,
    )
    permitted = "" if rollout.prune_permitted else state.prune_permitted_by
    return replaced(state, quarantine=held, prune_permitted_by=permitted)


def halted(state: ApplicationState, event: e.RolloutHalted) -> ApplicationState:
    """Everything stays as it is."""
    rollout = _running(state)
    because = f"{rollout.because}; {event.because}" if rollout.because else event.because
    state = _rollout(state, phase=R.HALTED, since=event.at, because=because)
    return replaced(state, outcome=_outcome(_running(state), "Halted", event))


def restore_started(state: ApplicationState, event: e.RestoreStarted) -> ApplicationState:
    """The named targets are on their way back; until then they hold neither, for sure."""
    targets = dict(_running(state).targets)
    on = dict(state.on)
    for name in event.targets:
        targets[name] = replaced(targets[name], phase=T.RESTORING, since=event.at)
        if name in on:
            on[name] = replaced(on[name], settled=False)
    leaving = {name: one for name, one in state.leaving.items() if name not in event.targets}
    state = _rollout(state, phase=R.RESTORING, since=event.at, targets=targets)
    return replaced(state, on=on, leaving=leaving)


def target_restored(state: ApplicationState, event: e.TargetRestored) -> ApplicationState:
    """The target holds the last good inputs, and nothing else of ours."""
    good = cast("Good", state.good)  # a restore starts only where there is something to go back to
    lagging = {name: value for name, value in state.lagging.items() if name != event.target}
    state = staying.held(_target(state, event, phase=T.RESTORED), event)
    state = staying.leaving(state, event, removed=False)
    on = OnTarget(revision=good.revision, digest=good.digest, settled=True)
    return replaced(state, on={**state.on, event.target: on}, lagging=lagging)


def target_not_restored(state: ApplicationState, event: e.TargetNotRestored) -> ApplicationState:
    """Left behind, for now or until a person looks."""
    behind = Lagging(cause=event.cause, because=event.because, since=event.at)
    state = _target(state, event, phase=T.FAILED, cause=event.cause, because=event.because)
    return replaced(state, lagging={**state.lagging, event.target: behind})


def restore_finished(state: ApplicationState, event: e.RestoreFinished) -> ApplicationState:
    """Git is next."""
    return _rollout(state, phase=R.REVERTING, since=event.at)


def revert_pushed(state: ApplicationState, event: e.RevertPushed) -> ApplicationState:
    """The branch holds the revert."""
    state = _rollout(state, revert_settled=True)
    return replaced(state, outcome=_outcome(_running(state), "Reverted", event, revert=event.commit))


def revert_refused(state: ApplicationState, event: e.RevertRefused) -> ApplicationState:
    """The targets are back, the branch is a person's to mend."""
    rollout = _running(state)
    because = f"{rollout.because}; no revert commit was made: {event.because}"
    state = _rollout(state, because=because, revert_settled=True)
    return replaced(state, outcome=_outcome(_running(state), "Reverted", event))


def reverted(state: ApplicationState, event: e.RolloutReverted) -> ApplicationState:
    """Over."""
    del event
    return replaced(state, rollout=None)


def superseded(state: ApplicationState, event: e.RolloutSuperseded) -> ApplicationState:
    """Over; targets that it touched stay as they are until the newer rollout reaches them."""
    return replaced(state, rollout=None, outcome=_outcome(_running(state), "Superseded", event))


def rejoin_abandoned(state: ApplicationState, event: e.RejoinAbandoned) -> ApplicationState:
    """The targets stay left behind; the outcome of the rollout that left them stands."""
    del event
    return replaced(state, rollout=None, lagging={**state.lagging, **_left_behind(_running(state))})


def retired(state: ApplicationState, event: e.ApplicationRetired) -> ApplicationState:
    """Forgotten by the environment, which drops this state."""
    del event
    return state


def _running(state: ApplicationState) -> Rollout:
    return cast("Rollout", state.rollout)  # the table admitted the event, so one is running


def _rollout(state: ApplicationState, **changes: Any) -> ApplicationState:  # noqa: ANN401
    return replaced(state, rollout=replaced(_running(state), **changes))


def _target(state: ApplicationState, event: Any, **changes: Any) -> ApplicationState:  # noqa: ANN401
    targets = _running(state).targets
    progress = replaced(targets[event.target], since=event.at, **changes)
    return _rollout(state, targets={**targets, event.target: progress})


def _holds_new(
    state: ApplicationState, target: str, *, settled: bool, empty: bool = False
) -> ApplicationState:
    rollout = _running(state)
    on = OnTarget(revision=rollout.revision, digest=rollout.digest, settled=settled, empty=empty)
    return replaced(state, on={**state.on, target: on})


def _left_behind(rollout: Rollout) -> dict[str, Lagging]:
    return {
        name: Lagging(cause=target.cause or FailureCause.HEALTH, because=target.because, since=target.since)
        for name, target in rollout.targets.items()
        if target.phase is T.FAILED
    }


def _outcome(rollout: Rollout, result: str, event: Any, revert: str = "") -> Outcome:  # noqa: ANN401
    return Outcome(
        rollout=rollout.id,
        revision=rollout.revision,
        result=result,
        because=rollout.because,
        at=event.at,
        revert=revert,
    )
