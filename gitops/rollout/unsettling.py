"""Settled targets that are to be rolled out to once more: what the watch over live objects tells of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime

from gitops.rollout import events as e
from gitops.rollout.observation import Observation
from gitops.rollout.state import ApplicationState

_LOST = "its inventory is gone, so that nobody knows what was applied there"


def doubtful(seen: Observation) -> Mapping[str, tuple[str, ...]]:
    """Targets of which there may be something to say, by application, in order; of most there is nothing."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for (name, target), report in seen.drift.items():
        if report.lost:
            found[name].append(target)
    return {name: tuple(sorted(targets)) for name, targets in found.items()}


def next_event(
    name: str, application: ApplicationState, targets: Iterable[str], now: datetime
) -> e.TargetUnsettled | None:
    """Say it once of each of `targets`, and only where no rollout runs: that may mend it by itself."""
    for target in targets:
        on = application.on.get(target)
        if on is not None and on.settled and not on.empty:
            return e.TargetUnsettled(at=now, application=name, target=target, because=_LOST)
    return None
