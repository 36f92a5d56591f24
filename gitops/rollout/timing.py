"""When deadlines of targets fall due. Time in which nobody watched, or nobody answered, does not count."""

from __future__ import annotations

from datetime import datetime, timedelta

from gitops.rollout.observation import TargetReport
from gitops.rollout.state import Rollout, TargetPhase, WavePlan

UNREACHABLE_PATIENCE = timedelta(minutes=1)


def patience(wave: WavePlan) -> timedelta:
    """How long a restore waits for a target that does not answer, before the others' revert goes on."""
    return min(wave.progress_deadline, UNREACHABLE_PATIENCE)


def target_due(rollout: Rollout, target: str, report: TargetReport) -> datetime | None:
    """When a target that is applied, settles, or was healthy before a restart is too late; None: not now.

    Silence (`unreachable`) is measured from the recorded start, because only then do targets within the
    budget get left behind; everything else from the first answer that this process got.
    """
    progress = rollout.targets[target]
    wave = rollout.current_wave
    if wave is None:
        return None
    begun = progress.started_at if progress.phase is TargetPhase.APPLYING else progress.since
    if progress.phase is TargetPhase.HEALTHY:
        begun = None if rollout.soaking_since is None else rollout.soaking_since + wave.soak
    if begun is None or not (report.unreachable or report.answering_since):
        return None
    if report.unreachable or report.answering_since is None:
        return begun + wave.progress_deadline
    return max(begun, report.answering_since) + wave.progress_deadline


def restore_due(rollout: Rollout, report: TargetReport, *, hurry: bool) -> datetime | None:
    """When the restore of a target is given up for now. `hurry`: newer inputs wait for it."""
    wave = rollout.current_wave
    if wave is None:
        return None
    if report.unreachable:
        return rollout.since + patience(wave)
    if report.answering_since is None:
        return None
    limit = patience(wave) if hurry else wave.progress_deadline
    return max(rollout.since, report.answering_since) + limit
