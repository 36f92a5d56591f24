"""A wait as a value: the sentence that says why something does not move."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from gitops.rollout.desired import EVERYTHING

THE_CLUSTER = "the cluster"
NOBODY = "nobody: it goes on by itself"


@dataclass(frozen=True, slots=True)
class Wait:
    """Why `application` (on `target`, where one is named) does not move. Empty `until`: no end is set.

    The application `EVERYTHING` stands for all of its environment.
    """

    application: str
    target: str
    waits_for: str
    seen: str = ""
    since: datetime | None = None
    until: datetime | None = None
    release: str = NOBODY

    def __str__(self) -> str:
        """The sentence."""
        whole = "the environment" if self.application == EVERYTHING else self.application
        subject = f"{self.application}@{self.target}" if self.target else whole
        parts = [f"{subject} {self.waits_for}"]
        if self.seen:
            parts.append(f"seen: {self.seen}")
        if self.since:
            parts.append(f"since {self.since:%Y-%m-%d %H:%M:%S}Z")
        if self.until:
            parts.append(f"until {self.until:%Y-%m-%d %H:%M:%S}Z")
        parts.append(f"released by {self.release}")
        return "; ".join(parts) + "."
