"""Whether an environment is at rest, and whether it is where Git wants it: what `gitops run --once` asks."""

from __future__ import annotations

from datetime import datetime, timedelta

from gitops.model.gates import ApprovalGate
from gitops.rollout.arrival import arrived
from gitops.rollout.observation import Observation
from gitops.rollout.quiet import Quiet, still
from gitops.rollout.state import EnvironmentState, Rollout, RolloutPhase, TargetPhase
from gitops.rollout.step import NO_NEWS
from gitops.rollout.work import apply_work

# A cluster that has not answered for this long is not waited for by somebody who waits only once.
SILENCE = timedelta(seconds=30)


def at_rest(state: EnvironmentState, seen: Observation, now: datetime) -> bool:
    """Whether a pass leaves nothing under way but waits for people.

    An application that no rollout carries is at rest: whatever could start would have started.
    """
    return all(
        application.rollout is None or _resting(name, application.rollout, seen, now)
        for name, application in state.applications.items()
    )


def as_wanted(state: EnvironmentState, seen: Observation, quiet: Quiet | None = None) -> bool:
    """Whether everything that Git wants is on every target, and nothing waits for a person.

    `quiet` is that of any earlier decision, and saves work only.
    """
    if seen.problems or seen.awaiting:
        return False
    others = still(state.applications, seen.desired, quiet or Quiet()).others
    return all(
        (application := state.application(name)).rollout is None
        and not application.lagging
        and not application.leaving
        and arrived(application, seen.desired[name])
        for name in others & seen.desired.keys()
    )


def _resting(name: str, rollout: Rollout, seen: Observation, now: datetime) -> bool:
    if rollout.phase is RolloutPhase.HALTED:
        return True
    if rollout.phase is not RolloutPhase.ADVANCING:
        return False
    for target in rollout.in_phase(TargetPhase.APPLYING, TargetPhase.SETTLING):
        report = seen.targets.get(apply_work(name, rollout, target), NO_NEWS)
        if not report.unreachable or now - rollout.targets[target].since < SILENCE:
            return False
    return rollout.soaking_since is None or _only_approvals_left(rollout)


def _only_approvals_left(rollout: Rollout) -> bool:
    wave = rollout.current_wave
    left = [gate for gate in wave.gates if gate.name not in rollout.passed_gates] if wave else []
    return bool(left) and all(isinstance(gate, ApprovalGate) for gate in left)
