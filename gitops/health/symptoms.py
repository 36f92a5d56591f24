"""Clear signs that a workload's newest template will not become healthy, long before a deadline says so.

Only Pods of the newest template speak; Pods that are being deleted never do, and a workload that is
Current has no symptoms. Signs that often pass by themselves get a tolerance; `look_again` tells when the next
one runs out. A container that runs again after a crash shows nothing until kubelet lets it back off.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from gitops.health.assessment import assess
from gitops.health.live import MalformedError
from gitops.health.owned import (
    DIRECT_OWNERS,
    JOB,
    Related,
    group_kind,
    is_observed,
    newest_replica_set,
    own_pods,
)
from gitops.health.signs import NONE, Sign, Symptom, Tolerance, of_pod, of_replica_set
from gitops.health.status import HealthStatus
from gitops.objects import JsonObject

DEFAULT_TOLERANCE = Tolerance()


def failing(
    workload: JsonObject,
    related: Related,
    *,
    now: datetime,
    tolerance: Tolerance = DEFAULT_TOLERANCE,
    applied_generation: int | None = None,
) -> tuple[Symptom, ...]:
    """Return the signs that count at `now` (a time with its zone), by Pod; empty when there are none.

    `applied_generation` is as in `assess`. An empty answer is no sign of health. A Job's crashing Pods count
    only once the Job has given up: until then its own `backoffLimit` decides. Never raises on odd objects.
    """
    signs = _signs(workload, related, tolerance, applied_generation)
    return tuple(sign.symptom for sign in signs if (left := sign.remaining(now)) is not None and left <= NONE)


def look_again(
    workload: JsonObject,
    related: Related,
    *,
    now: datetime,
    tolerance: Tolerance = DEFAULT_TOLERANCE,
    applied_generation: int | None = None,
) -> timedelta | None:
    """Return how long after `now` the next sign will count if nothing changes; `None` when none will."""
    signs = _signs(workload, related, tolerance, applied_generation)
    return min(
        (left for sign in signs if (left := sign.remaining(now)) is not None and left > NONE), default=None
    )


def _signs(
    workload: JsonObject, related: Related, tolerance: Tolerance, applied_generation: int | None
) -> list[Sign]:
    health = assess(workload, applied_generation=applied_generation)
    if health.status in {HealthStatus.CURRENT, HealthStatus.TERMINATING}:
        return []
    found: list[Sign] = []
    try:
        if is_observed(workload, applied_generation) and (template := _replica_set(workload, related)):
            found.extend(of_replica_set(template, tolerance))
    except MalformedError:
        found.clear()
    for pod in own_pods(workload, related, applied_generation=applied_generation):
        try:
            found.extend(of_pod(pod, workload, tolerance))
        except MalformedError:
            continue  # what cannot be read proves nothing; the deadline still stands
    return found


def _replica_set(workload: JsonObject, related: Related) -> JsonObject | None:
    """Return what creates the newest template's Pods and says so when it cannot."""
    if group_kind(workload) in DIRECT_OWNERS - {JOB}:
        return workload
    return newest_replica_set(workload, related)
