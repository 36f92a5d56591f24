"""What an event needs beyond the phase: each guard says why the event cannot have happened, or nothing."""

from __future__ import annotations

from typing import cast

from gitops.rollout import events as e
from gitops.rollout.state import ApplicationState, Rollout, TargetPhase, WavePlan

IN_FLIGHT = (TargetPhase.APPLYING, TargetPhase.SETTLING)
_OPEN = (TargetPhase.WAITING, *IN_FLIGHT)


def may_start(state: ApplicationState, event: e.RolloutStarted) -> str:
    """Inputs in quarantine never start; each rollout has the next number, each target one wave."""
    if event.digest in state.quarantine:
        return "the inputs are in quarantine"
    if event.rollout != f"{event.application}#{state.rollouts + 1}":
        return f"the next rollout is {event.application}#{state.rollouts + 1}"
    targets = [target for wave in event.waves for target in wave.targets]
    if len(set(targets)) != len(targets):
        return "a target is in two waves"
    if event.rejoin and state.good is None:
        return "there is no last good revision to rejoin"
    return ""


def next_wave(state: ApplicationState, event: e.WaveStarted) -> str:
    """One wave after the other, in order."""
    rollout = _running(state)
    following = rollout.wave + 1
    if rollout.wave_started_at is not None:
        return "a wave is running"
    if following >= len(rollout.waves) or rollout.waves[following].name != event.wave:
        return f"{event.wave} is not the next wave"
    return ""


def in_turn(state: ApplicationState, event: e.TargetStarted) -> str:
    """Only targets of the running wave, never more than its `max_concurrent` in flight."""
    rollout = _running(state)
    wave = _running_wave(rollout)
    if wave is None or event.target not in wave.targets:
        return "the target is not in the running wave"
    in_flight = [target for target in wave.targets if rollout.targets[target].phase in IN_FLIGHT]
    if len(in_flight) >= wave.max_concurrent:
        return f"{len(in_flight)} targets are in flight already"
    return ""


def wave_settled(state: ApplicationState, event: e.SoakStarted) -> str:
    """A soak starts once, when no target of the wave is waiting or in flight."""
    rollout = _running(state)
    if rollout.soaking_since is not None:
        return "the wave soaks already"
    wave = _running_wave(rollout)
    if wave is None or wave.name != event.wave:
        return f"{event.wave} is not running"
    if any(rollout.targets[target].phase in _OPEN for target in wave.targets):
        return "not every target of the wave has settled"
    return ""


def gate_open(state: ApplicationState, event: e.GateJudged) -> str:
    """A gate of the soaking wave, judged once."""
    rollout = _running(state)
    wave = _soaking_wave(rollout, event.wave)
    if wave is None:
        return f"{event.wave} does not soak"
    if event.gate not in {gate.name for gate in wave.gates} or event.gate in rollout.passed_gates:
        return f"gate {event.gate} is not to be judged"
    return ""


def gates_passed(state: ApplicationState, event: e.WavePassed) -> str:
    """Every gate of the soaking wave has passed."""
    rollout = _running(state)
    wave = _soaking_wave(rollout, event.wave)
    if wave is None:
        return f"{event.wave} does not soak"
    missing = sorted({gate.name for gate in wave.gates} - set(rollout.passed_gates))
    return f"gates have not passed: {', '.join(missing)}" if missing else ""


def no_wave_left(state: ApplicationState, event: e.RolloutSucceeded) -> str:
    """Success is the end of the last wave."""
    del event
    rollout = _running(state)
    if rollout.wave_started_at is not None or rollout.wave + 1 < len(rollout.waves):
        return "not every wave has passed"
    return ""


def wave_running(state: ApplicationState, event: e.RolloutFailed) -> str:
    """A rollout fails in the wave that runs."""
    wave = _running_wave(_running(state))
    return "" if wave is not None and wave.name == event.wave else f"{event.wave} is not running"


def something_good(state: ApplicationState, event: e.RestoreStarted) -> str:
    """There is a last good revision, and the targets are this rollout's."""
    if state.good is None:
        return "there is no last good revision"
    unknown = sorted(set(event.targets) - set(_running(state).targets))
    return f"unknown targets: {', '.join(unknown)}" if unknown else ""


def all_back(state: ApplicationState, event: e.RestoreFinished) -> str:
    """No target is on its way back any more."""
    del event
    return "targets are still on their way back" if _running(state).in_phase(TargetPhase.RESTORING) else ""


def revert_open(state: ApplicationState, event: e.RevertPushed | e.RevertRefused) -> str:
    """One answer about the revert commit, no second."""
    del event
    return "the revert is settled already" if _running(state).revert_settled else ""


def revert_settled(state: ApplicationState, event: e.RolloutReverted) -> str:
    """The revert commit was made, or it is known why not."""
    del event
    return "" if _running(state).revert_settled else "the revert is not settled"


def rejoining(state: ApplicationState, event: e.RejoinAbandoned) -> str:
    """Only a rejoin is abandoned."""
    del event
    return "" if _running(state).rejoin else "the rollout is not a rejoin"


def known(state: ApplicationState, event: e.ApplicationEvent) -> str:
    """Only what was rolled out can drift, or be forgotten."""
    del event
    return "" if state.rollouts else "nothing is known of the application"


def settled_there(state: ApplicationState, event: e.TargetUnsettled) -> str:
    """Only what a target was settled on can become uncertain."""
    on = state.on.get(event.target)
    return "" if on is not None and on.settled else "the target is not settled"


def _running(state: ApplicationState) -> Rollout:
    return cast("Rollout", state.rollout)  # the phase was checked before, so one is running


def _running_wave(rollout: Rollout) -> WavePlan | None:
    return rollout.current_wave if rollout.wave_started_at is not None else None


def _soaking_wave(rollout: Rollout, name: str) -> WavePlan | None:
    wave = _running_wave(rollout)
    return wave if wave is not None and rollout.soaking_since is not None and wave.name == name else None
