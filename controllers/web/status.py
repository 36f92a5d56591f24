"""What the web server needs to know of the controller."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import NamedTuple, Protocol

from gitops.rollout.state import EnvironmentState
from gitops.rollout.wait import Wait


class Watched(NamedTuple):
    """How many objects are watched for drift, and whether all that was applied was looked at."""

    objects: int = 0
    complete: bool = False


class StatusPort(Protocol):
    """A look at the controller as it is now. Every method returns at once and raises nothing."""

    def alive(self) -> tuple[bool, str]:
        """Whether every loop still ticks; if not, which one does not."""

    def ready(self) -> tuple[bool, str]:
        """Whether every repository was read and every environment had a pass; if not, what is missing."""

    def environments(self) -> Mapping[str, EnvironmentState]:
        """The environments by name."""

    def watched(self) -> Mapping[str, Watched]:
        """What is watched for drift, by environment."""

    def waits(self, environment: str) -> tuple[Wait, ...] | None:
        """What one environment waits for; None where there is no such environment, or no pass yet."""


class Heartbeats:
    """Who should tick, and when each last did: what `StatusPort.alive` answers from.

    `now` is a monotonic clock in seconds. A loop counts as stuck once it was silent for `patience`.
    """

    def __init__(self, now: Callable[[], float], patience: timedelta = timedelta(minutes=5)) -> None:
        self._now = now
        self._patience = patience.total_seconds()
        self._last: dict[str, float] = {}

    def beat(self, loop: str) -> None:
        """Say that `loop` ticks."""
        self._last[loop] = self._now()

    def ended(self, loop: str) -> None:
        """Expect no more of `loop`."""
        self._last.pop(loop, None)

    def alive(self) -> tuple[bool, str]:
        """Name the loop that has been silent for longest, where that is too long."""
        loop = min(self._last, key=lambda name: (self._last[name], name), default=None)
        if loop is None:
            return True, ""
        silent = self._now() - self._last[loop]
        if silent <= self._patience:
            return True, ""
        return False, f"{loop} has been silent for {silent:.0f} s"
