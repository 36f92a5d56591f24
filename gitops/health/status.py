"""The words for health, which are kstatus' own, and the sentence that goes with each."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class HealthStatus(StrEnum):
    """What an object's state means for those who wait for it. Only `CURRENT` ever passes."""

    IN_PROGRESS = "InProgress"
    CURRENT = "Current"
    FAILED = "Failed"
    TERMINATING = "Terminating"
    NOT_FOUND = "NotFound"
    UNKNOWN = "Unknown"


@dataclass(frozen=True, slots=True)
class Health:
    """A status and one sentence with the value seen, such as `2 of 3 replicas are available`."""

    status: HealthStatus
    message: str


def current(message: str) -> Health:
    """The object is what was asked for."""
    return Health(HealthStatus.CURRENT, message)


def in_progress(message: str) -> Health:
    """Not yet what was asked for; waiting may help."""
    return Health(HealthStatus.IN_PROGRESS, message)


def failed(message: str) -> Health:
    """Waiting will not help."""
    return Health(HealthStatus.FAILED, message)


def terminating(message: str) -> Health:
    """On its way out."""
    return Health(HealthStatus.TERMINATING, message)


def unknown(message: str) -> Health:
    """Nothing can be said, so nothing passes."""
    return Health(HealthStatus.UNKNOWN, message)
