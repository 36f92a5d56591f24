"""What each event makes of objects that are to go, or are held back, and are still there."""

from __future__ import annotations

from gitops.rollout import events as e
from gitops.rollout.state import ApplicationState, Held, Leaving, OnTarget


def without_leaving(state: ApplicationState, target: str) -> ApplicationState:
    """Nothing is to go from `target`, as far as is known."""
    left = {name: one for name, one in state.leaving.items() if name != target}
    return state.model_copy(update={"leaving": left})


def leaving(
    state: ApplicationState, event: e.TargetHealthy | e.TargetRestored, *, removed: bool
) -> ApplicationState:
    """Note what was not gone when the target was settled; `removed`: the whole application leaves."""
    state = without_leaving(state, event.target)
    if not event.leaving:
        return state
    found = Leaving(objects=event.leaving, since=event.at, removed=removed)
    return state.model_copy(update={"leaving": {**state.leaving, event.target: found}})


def held(state: ApplicationState, event: e.TargetApplied | e.TargetRestored) -> ApplicationState:
    """Note what is held back; the same as before is so since before."""
    known = state.held.get(event.target)
    others = {name: one for name, one in state.held.items() if name != event.target}
    if not event.held:
        return state.model_copy(update={"held": others})
    since = known.since if known is not None and known.objects == event.held else event.at
    seen = known.released if known is not None else {}
    released = {key: word for key, word in seen.items() if key in event.held}
    found = Held(objects=event.held, since=since, released=released)
    return state.model_copy(update={"held": {**others, event.target: found}})


def to_be_pruned(state: ApplicationState) -> ApplicationState:
    """Count targets that hold something back as not settled, so that they are rolled out once more."""
    unsettled = {
        name: state.on[name].model_copy(update={"settled": False}) for name in state.held if name in state.on
    }
    on: dict[str, OnTarget] = {**state.on, **unsettled}
    return state.model_copy(update={"on": on})


def unsettled(state: ApplicationState, event: e.TargetUnsettled) -> ApplicationState:
    """The target is to be rolled out to once more; what was seen of held objects has had its effect."""
    on = state.on[event.target].model_copy(update={"settled": False})
    found = state.held.get(event.target)
    if found is not None:
        found = found.model_copy(update={"released": {**found.released, **event.released}})
    held = {**state.held, event.target: found} if found is not None else state.held
    return state.model_copy(update={"on": {**state.on, event.target: on}, "held": held})


def prune_finished(state: ApplicationState, event: e.PruneFinished) -> ApplicationState:
    """Nothing is to go from the target any more."""
    return without_leaving(state, event.target)


def kept_on(state: ApplicationState, on: dict[str, OnTarget]) -> ApplicationState:
    """Forget what is there on targets that the application is not on any more."""
    left = {target: one for target, one in state.leaving.items() if target in on}
    kept = {target: one for target, one in state.held.items() if target in on}
    return state.model_copy(update={"leaving": left, "held": kept})
