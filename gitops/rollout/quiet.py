"""Applications that are where Git wants them: no pass has anything to say of them until something differs.

Of thousands, a pass looks at those that are on their way, and at those that are another object than before.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gitops.mappings import differing
from gitops.rollout.arrival import arrived
from gitops.rollout.observation import Desired
from gitops.rollout.state import ApplicationState


@dataclass(frozen=True, slots=True)
class Quiet:
    """What was known and wanted, and the names of those of which there may be something to say."""

    applications: Mapping[str, ApplicationState] = field(default_factory=dict)
    desired: Mapping[str, Desired] = field(default_factory=dict)
    others: frozenset[str] = frozenset()


def still(
    applications: Mapping[str, ApplicationState], desired: Mapping[str, Desired], before: Quiet
) -> Quiet:
    """Say who is quiet now; `before` is any earlier answer, and saves work only."""
    names = {*differing(before.applications, applications), *differing(before.desired, desired)}
    if not names and applications is before.applications and desired is before.desired:
        return before
    moving = {name for name in names if not _is_quiet(applications.get(name), desired.get(name))}
    return Quiet(applications, desired, (before.others - names) | moving)


def _is_quiet(application: ApplicationState | None, desired: Desired | None) -> bool:
    """Whether nothing follows from these two, whatever else is seen but doubts about what is on a target."""
    if application is None and desired is None:
        return True
    if application is None or desired is None or desired.removed or application.rollout is not None:
        return False
    open_ends = application.lagging or application.leaving
    return not open_ends and arrived(application, desired)
