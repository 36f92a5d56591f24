"""How long a Job waits before it replaces a failed pod."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from simcluster.behaviour import pods as pod_rules
from simcluster.behaviour.meta import condition, moment, status_of
from simcluster.values import JsonObject

_BACK_OFF = 10.0
_BACK_OFF_MAX = 600.0


def until(pods: Iterable[JsonObject]) -> datetime | None:
    """Return when the next pod may be made: 10 s after a failure, doubled for each one in a row."""
    ended = sorted(
        (
            (_ended_at(each), each["metadata"]["name"], pod_rules.phase(each))
            for each in pods
            if pod_rules.finished(each)
        ),
        reverse=True,
    )
    failures = 0
    for _, _, phase in ended:
        if phase == "Succeeded":
            break
        failures += 1
    if not failures:
        return None
    seconds = min(_BACK_OFF * 2 ** (failures - 1), _BACK_OFF_MAX)
    return ended[0][0] + timedelta(seconds=seconds)


def _ended_at(pod: JsonObject) -> datetime:
    """Return when a pod's last container ended, else when it was seen not to be ready."""
    times = [
        each["state"]["terminated"]["finishedAt"]
        for each in status_of(pod).get("containerStatuses") or ()
        if (each.get("state") or {}).get("terminated")
    ]
    if times:
        return moment(max(times))
    found = condition(pod, "Ready")
    return moment(found["lastTransitionTime"] if found is not None else pod["metadata"]["creationTimestamp"])
