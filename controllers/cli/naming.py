"""How people name an object that was applied, and which one they mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from controllers.cli import records
from controllers.rollout.worker import Errand
from gitops.errors import InvalidInput, Location, Problem
from gitops.objects import Manifest, ObjectKey


@dataclass(frozen=True, slots=True)
class AppliedObject:
    """A target on which an application has the object, and what was applied there."""

    application: str
    key: ObjectKey
    target: str
    errand: Errand
    manifest: Manifest


def named(name: str, every: Sequence[AppliedObject]) -> list[AppliedObject]:
    """Find the one object of that name, on every target that has it.

    Raises TerminalError for a name that nothing has, InvalidInput for one that several objects have.
    """
    found = [place for place in every if name.lower() in _spellings(place.key)]
    if not found:
        records.known("applied object", name, {str(place.key) for place in every})
    several = sorted(
        {f"{place.key} of {place.application}" for place in found if not _alike(place, found[0])}
    )
    if several:
        first = f"{found[0].key} of {found[0].application}"
        message = f"{', '.join([first, *several])}: name one of them with its group and namespace"
        raise InvalidInput(Problem(Location("OBJECT"), message))
    return found


def _alike(one: AppliedObject, other: AppliedObject) -> bool:
    """The same object, each in its target's namespace."""
    own = [place.errand.wanted.scope.target.namespace == place.key.namespace for place in (one, other)]
    same = one.key.namespace == other.key.namespace or all(own)
    return (
        same
        and one.application == other.application
        and (one.key[:2], one.key.name) == (other.key[:2], other.key.name)
    )


def _spellings(key: ObjectKey) -> set[str]:
    """How people name an object: as it is shown, as `depends-on` does, as kubectl does."""
    kinds = {key.kind, str(key.group_kind), f"{key.group}/{key.kind}"}
    names = {key.name, f"{key.namespace}/{key.name}"}
    return {f"{kind}{sign}{name}".lower() for kind in kinds for name in names for sign in " /"}
