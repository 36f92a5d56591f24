"""What the watch over live objects tells a pass: what is open now, and what was done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from gitops.drift.finding import Finding
from gitops.drift.foreign import ForeignFinding


@dataclass(frozen=True, slots=True)
class DriftReport:
    """One application's open drift, and foreign fields, on one target, by object.

    `complete`: everything was looked at since the watch began, so what is not here is as it was applied, and
    holds nothing foreign. `lost`: there is no inventory any more, though something was applied. `released`:
    objects that were held back when they left Git, and what is seen of them now that may end that.
    """

    findings: Mapping[str, Finding] = field(default_factory=dict)
    complete: bool = False
    foreign: Mapping[str, ForeignFinding] = field(default_factory=dict)
    lost: bool = False
    released: Mapping[str, str] = field(default_factory=dict)


class Deed(StrEnum):
    """What was done or learnt about a drifted object."""

    CORRECTED = "Corrected"
    CONTESTED = "Contested"
    MUTATED = "Mutated"


@dataclass(frozen=True, slots=True)
class DriftFact:
    """Something that is recorded once.

    `rounds` and `until` are a contest's: how often we put the fields back, and until when we hold off.
    """

    deed: Deed
    application: str
    target: str
    finding: Finding
    rounds: int = 0
    until: datetime | None = None
