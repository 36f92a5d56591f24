"""Settled targets that are to be rolled out to once more: what the watch over live objects tells of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from typing import TypeAlias

from gitops.drift import DriftReport
from gitops.rollout import events as e
from gitops.rollout.observation import Observation, shortened
from gitops.rollout.state import ApplicationState

Doubts: TypeAlias = Mapping[str, DriftReport]
_LOST = "its inventory is gone, so that nobody knows what was applied there"


def doubtful(seen: Observation) -> Mapping[str, Doubts]:
    """Reports by target of which there may be something to say, by application; most have nothing."""
    found: defaultdict[str, dict[str, DriftReport]] = defaultdict(dict)
    for (name, target), report in seen.drift.items():
        if report.lost or report.released:
            found[name][target] = report
    return {name: dict(sorted(reports.items())) for name, reports in found.items()}


def next_event(
    name: str, application: ApplicationState, doubts: Doubts, now: datetime
) -> e.TargetUnsettled | None:
    """Say it once of each target, and only where no rollout runs: that may mend it by itself."""
    for target, report in doubts.items():
        on = application.on.get(target)
        if on is None or not on.settled:
            continue
        about = {"at": now, "application": name, "target": target}
        if report.lost and not on.empty:
            return e.TargetUnsettled(**about, because=_LOST)
        released = _released(application, target, report)
        if released:
            told = "; ".join(f"{key}: {word}" for key, word in sorted(released.items()))
            because = shortened(f"what it keeps may be kept no longer: {told}")
            return e.TargetUnsettled(**about, because=because, released=released)
    return None


def _released(application: ApplicationState, target: str, report: DriftReport) -> dict[str, str]:
    """News only: where a rollout kept an object though it saw the same, another one would keep it too."""
    held = application.held.get(target)
    if held is None:
        return {}
    return {
        key: word
        for key, word in sorted(report.released.items())
        if key in held.objects and held.released.get(key) != word
    }
