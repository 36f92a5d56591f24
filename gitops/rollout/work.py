"""Which work a state wants. A function of the state alone, so that a restart wants the same again."""

from __future__ import annotations

from collections.abc import Mapping

from gitops.model.gates import HttpGate
from gitops.rollout.observation import (
    ApplyWork,
    ProbeWork,
    PruneWork,
    ReachWork,
    RestoreWork,
    RevertWork,
    Work,
)
from gitops.rollout.state import (
    ApplicationState,
    FailureCause,
    Rollout,
    RolloutPhase,
    TargetPhase,
)

_AT_WORK = (TargetPhase.APPLYING, TargetPhase.SETTLING, TargetPhase.HEALTHY)


def wanted(applications: Mapping[str, ApplicationState]) -> frozenset[Work]:
    """All work that should be under way for them. What is not in here any more is to be cancelled."""
    work: set[Work] = set()
    for name, application in applications.items():
        found = _of_rollout(name, application)
        busy = {one.target for one in found if isinstance(one, ApplyWork | RestoreWork)}
        work |= found
        work.update(prune_work(name, application, target) for target in application.leaving.keys() - busy)
    return frozenset(work)


def _of_rollout(name: str, application: ApplicationState) -> set[Work]:
    rollout = application.rollout
    if rollout is None:
        return set(_reach(name, application))
    match rollout.phase:
        case RolloutPhase.ADVANCING:
            return _advance(name, rollout)
        case RolloutPhase.RESTORING:
            return _restore(name, application, rollout)
        case RolloutPhase.REVERTING:
            return {RevertWork(name, rollout.id)}
        case RolloutPhase.FAILED | RolloutPhase.HALTED:
            return set()


def prune_work(application: str, state: ApplicationState, target: str) -> PruneWork:
    """The work that goes on with what was still to leave `target` when it was settled."""
    leaving = state.leaving[target]
    return PruneWork(
        application, target, state.on[target].revision, frozenset(leaving.objects), leaving.removed
    )


def apply_work(application: str, rollout: Rollout, target: str) -> ApplyWork:
    """The work that carries `target` through `rollout`."""
    return ApplyWork(
        application,
        rollout.id,
        target,
        rollout.revision,
        rollout.digest,
        prune_permitted=rollout.prune_permitted,
        removed=rollout.removed,
    )


def restore_work(application: str, state: ApplicationState, rollout: Rollout, target: str) -> RestoreWork:
    """The work that brings `target` back; only where there is a last good revision."""
    if state.good is None:
        raise ValueError(f"{application} has no last good revision to restore")
    good = state.good
    return RestoreWork(application, rollout.id, target, good.revision, good.digest, rollout.revision)


def probes(application: str, rollout: Rollout, gate: HttpGate) -> tuple[ProbeWork, ...]:
    """The samplings that `gate` needs of the current wave."""
    wave = rollout.current_wave
    if wave is None:
        return ()
    return tuple(
        ProbeWork(application, rollout.id, wave.name, gate.name, target)
        for target in wave.targets
        if rollout.targets[target].phase is TargetPhase.HEALTHY
    )


def _advance(name: str, rollout: Rollout) -> set[Work]:
    wave = rollout.current_wave
    if wave is None or rollout.wave_started_at is None:
        return set()
    work: set[Work] = {
        apply_work(name, rollout, target)
        for target in wave.targets
        if rollout.targets[target].phase in _AT_WORK
    }
    if rollout.soaking_since is not None:
        for gate in wave.gates:
            if isinstance(gate, HttpGate):
                work.update(probes(name, rollout, gate))
    return work


def _restore(name: str, state: ApplicationState, rollout: Rollout) -> set[Work]:
    return {restore_work(name, state, rollout, target) for target in rollout.in_phase(TargetPhase.RESTORING)}


def _reach(name: str, state: ApplicationState) -> set[Work]:
    if state.good is None:
        return set()
    return {
        ReachWork(name, target)
        for target, lagging in state.lagging.items()
        if lagging.cause is FailureCause.UNREACHABLE
    }
