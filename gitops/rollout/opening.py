"""What each event makes of what is open about live objects: drift, and the fields of others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias, TypeVar

from gitops.rollout import events as e
from gitops.rollout.folds import replaced
from gitops.rollout.state import ApplicationState, OpenDrift, OpenForeign

Found = TypeVar("Found", OpenDrift, OpenForeign)
# By target and object.
_Open: TypeAlias = Mapping[str, Mapping[str, Found]]


def drift_found(state: ApplicationState, event: e.DriftFound) -> ApplicationState:
    """Open until it is corrected or ends; found again with another difference, it keeps its age."""
    known = state.drift.get(event.target, {}).get(event.object)
    found = OpenDrift(
        kind=event.kind,
        group_kind=event.group_kind,
        mode=event.mode,
        because=event.because,
        by=tuple(dict.fromkeys(by.manager for by in event.by if by.manager)),
        since=known.since if known else event.since,
        seen=event.seen,
    )
    return replaced(state, drift=_with(state.drift, event, found))


def drift_over(state: ApplicationState, event: e.DriftCorrected | e.DriftEnded) -> ApplicationState:
    """Not open any more."""
    return replaced(state, drift=_without(state.drift, event))


def foreign_found(state: ApplicationState, event: e.ForeignFieldsFound) -> ApplicationState:
    """Open until it is removed or ends; found again otherwise, it keeps its age."""
    known = state.foreign.get(event.target, {}).get(event.object)
    found = OpenForeign(
        group_kind=event.group_kind,
        by=tuple(dict.fromkeys(by.manager for by in event.by if by.manager)),
        fields=tuple(dict.fromkeys(path for by in event.by for path in by.fields)),
        because=event.because,
        since=known.since if known else event.since,
        seen=event.seen,
    )
    return replaced(state, foreign=_with(state.foreign, event, found))


def foreign_over(
    state: ApplicationState, event: e.ForeignFieldsRemoved | e.ForeignFieldsEnded
) -> ApplicationState:
    """Not open any more."""
    return replaced(state, foreign=_without(state.foreign, event))


def told_only(
    state: ApplicationState, event: e.DriftContested | e.DriftMutated | e.ForeignFieldsContested
) -> ApplicationState:
    """Worth knowing; nothing follows from it here."""
    del event
    return state


def _with(opened: _Open[Found], event: e.ObjectEvent, found: Found) -> _Open[Found]:
    return _at(opened, event.target, {**opened.get(event.target, {}), event.object: found})


def _without(opened: _Open[Found], event: e.ObjectEvent) -> _Open[Found]:
    left = {name: one for name, one in opened.get(event.target, {}).items() if name != event.object}
    return _at(opened, event.target, left)


def _at(opened: _Open[Found], target: str, objects: Mapping[str, Found]) -> _Open[Found]:
    """Only targets where something is open are named."""
    others = {name: found for name, found in opened.items() if name != target}
    return {**others, target: objects} if objects else others
