"""The words that gates speak."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Outcome(StrEnum):
    """One look at the thing asked. `NO_DATA`: no answer, or none that says anything; never a yes."""

    GOOD = "Good"
    BAD = "Bad"
    NO_DATA = "NoData"


@dataclass(frozen=True, slots=True)
class Sample:
    """What was seen, when. `seen` is a short text for people, free of secrets."""

    at: datetime
    outcome: Outcome
    seen: str


@dataclass(frozen=True, slots=True)
class Sampling:
    """The samples of one gate on one target since `since`, oldest first; the newest few are enough.

    `since` starts anew when a series of answers breaks off; `asked_since` never does.
    """

    since: datetime
    samples: tuple[Sample, ...] = ()
    asked_since: datetime | None = None


class VerdictKind(StrEnum):
    """What a gate says. Only `Pass` opens it."""

    PASS = "Pass"  # noqa: S105 - not a password
    FAIL = "Fail"
    INCONCLUSIVE = "Inconclusive"
    PENDING = "Pending"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A gate's answer, and the value it rests on."""

    kind: VerdictKind
    because: str
