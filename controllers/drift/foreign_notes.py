"""What is known of the foreign fields at one place; of objects without any, nothing is kept."""

from __future__ import annotations

from dataclasses import dataclass, field

from controllers.drift.retries import Retries
from gitops.drift import Contests, ForeignFinding
from gitops.foreign import Claim
from gitops.objects import ObjectKey


@dataclass(slots=True)
class ForeignNotes:
    """Mutable, and used from the event loop only.

    `known`: what was looked at, so that nothing is looked at twice. `pending`: what waits for a rollout, or
    for its record. `in_hand`: what is being looked at. `retries`: of removals that were refused.
    `silences`: looks in a row that nobody answered.
    """

    findings: dict[ObjectKey, ForeignFinding] = field(default_factory=dict)
    known: dict[ObjectKey, tuple[Claim, ...]] = field(default_factory=dict)
    contests: dict[ObjectKey, Contests] = field(default_factory=dict)
    retries: Retries = field(default_factory=Retries)
    silences: dict[ObjectKey, int] = field(default_factory=dict)
    pending: set[ObjectKey] = field(default_factory=set)
    in_hand: set[ObjectKey] = field(default_factory=set)

    @property
    def undecided(self) -> bool:
        """Whether something is still to be looked at."""
        return bool(self.pending or self.in_hand)

    def clear(self, key: ObjectKey) -> bool:
        """An object holds nothing foreign now; whether it did before."""
        self.known.pop(key, None)
        self.retries.forget(key)
        self.silences.pop(key, None)
        self.pending.discard(key)
        return self.findings.pop(key, None) is not None

    def forget(self, key: ObjectKey) -> None:
        """Drop everything about an object."""
        self.clear(key)
        self.contests.pop(key, None)
