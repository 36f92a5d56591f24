"""How far what Git wants has come: newer than what runs, arrived everywhere, or held by a dependency."""

from __future__ import annotations

from gitops.rollout.observation import Desired, Observation
from gitops.rollout.state import ApplicationState, EnvironmentState


def arrived(application: ApplicationState, desired: Desired) -> bool:
    """Whether every target settled on `desired`, or was left behind by a rollout that reached the others."""
    if application.good is None or application.good.digest != desired.digest:
        return False
    for wave in desired.waves:
        for target in wave.targets:
            on = application.on.get(target)
            there = on is not None and on.digest == desired.digest and on.settled
            if not there and target not in application.lagging:
                return False
    return True


def newer(name: str, application: ApplicationState, seen: Observation) -> Desired | None:
    """What Git wants instead of the running rollout's inputs; None also while that is in quarantine."""
    desired = seen.desired.get(name)
    rollout = application.rollout
    if desired is None or rollout is None or desired.digest == rollout.digest:
        return None
    return None if desired.digest in application.quarantine else desired


def dependency_missing(name: str, target: str, state: EnvironmentState, seen: Observation) -> str:
    """The application that `name` waits for on `target`, with the reason; empty when none."""
    desired = seen.desired.get(name)
    for other in desired.depends_on if desired else ():
        theirs = seen.desired.get(other)
        if theirs is None:
            return f"{other}, which cannot be rendered or is not in Git"
        on = state.application(other).on.get(target)
        if on is None or on.digest != theirs.digest or not on.settled:
            return f"{other} to be healthy there at {seen.revision[:12]}"
    return ""
