"""How many applications of an environment may roll out at once, and who takes a place."""

from __future__ import annotations

from dataclasses import dataclass

from gitops.rollout.guards import IN_FLIGHT
from gitops.rollout.observation import Observation
from gitops.rollout.state import EnvironmentState, Rollout, RolloutPhase, TargetPhase
from gitops.rollout.step import NO_NEWS
from gitops.rollout.work import apply_work


@dataclass(frozen=True, slots=True)
class Slots:
    """`free`: places left. `awaited`: applications that a running rollout waits for by `dependsOn`.

    The awaited may start beyond the limit: otherwise the one that waits for them would hold the last
    place for ever.
    """

    free: int
    awaited: frozenset[str]

    def open_to(self, name: str) -> bool:
        """Whether `name` may start a rollout now."""
        return self.free > 0 or name in self.awaited


def slots(state: EnvironmentState, seen: Observation) -> Slots:
    """Count the rollouts that can move. Halted ones, and those that only wait for silent clusters, cannot."""
    running = [
        name
        for name, application in state.applications.items()
        if application.rollout is not None and _occupies(name, application.rollout, seen)
    ]
    return Slots(seen.max_concurrent_rollouts - len(running), _awaited(running, seen))


def _occupies(name: str, rollout: Rollout, seen: Observation) -> bool:
    if rollout.phase is RolloutPhase.HALTED:
        return False
    wave = rollout.current_wave
    if rollout.phase is not RolloutPhase.ADVANCING or wave is None or rollout.wave_started_at is None:
        return True
    in_flight = [target for target in wave.targets if rollout.targets[target].phase in IN_FLIGHT]
    silent = [
        target
        for target in in_flight
        if seen.targets.get(apply_work(name, rollout, target), NO_NEWS).unreachable
    ]
    waiting = any(rollout.targets[target].phase is TargetPhase.WAITING for target in wave.targets)
    room = waiting and len(in_flight) < wave.max_concurrent
    return room or not in_flight or len(silent) < len(in_flight)


def _awaited(running: list[str], seen: Observation) -> frozenset[str]:
    awaited: set[str] = set()
    following = list(running)
    while following:
        desired = seen.desired.get(following.pop())
        for other in desired.depends_on if desired else ():
            if other not in awaited:
                awaited.add(other)
                following.append(other)
    return frozenset(awaited)
