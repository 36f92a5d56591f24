"""What a controller wants done: values that a decision returns and the client carries out, in order."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

from simcluster.values import JsonObject


@dataclass(frozen=True, slots=True)
class Create:
    """Make this object."""

    object: JsonObject


@dataclass(frozen=True, slots=True)
class Update:
    """Replace the object, all but its status. `found` is the object as it was read, where that is known."""

    object: JsonObject
    found: JsonObject | None = None


@dataclass(frozen=True, slots=True)
class UpdateStatus:
    """Replace the status of the object as it was read, and its annotations where some are given."""

    object: JsonObject
    status: JsonObject
    annotations: dict[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Delete:
    """Delete the object, if it is still the same one (by uid)."""

    object: JsonObject
    propagation: Literal["Background", "Foreground", "Orphan"] | None = None
    grace_period: int | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """Leave an Event about the object."""

    about: JsonObject
    type: Literal["Normal", "Warning"]
    reason: str
    message: str


Action: TypeAlias = Create | Update | UpdateStatus | Delete | Record


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do now, and when to look again even if nothing happens."""

    actions: tuple[Action, ...] = ()
    again: datetime | None = None
