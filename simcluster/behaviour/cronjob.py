"""CronJobs: which Job to make now, which old ones to delete, and what the status says."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from simcluster.behaviour import cron
from simcluster.behaviour.actions import Action, Delete, Record
from simcluster.behaviour.job import finished
from simcluster.behaviour.meta import age_key, controller_reference, moment, settled, spec_of, status_of
from simcluster.clock import timestamp
from simcluster.values import JsonObject

_SCHEDULED = "batch.kubernetes.io/cronjob-scheduled-timestamp"
_MISSED_MOST = 1000


@dataclass(frozen=True, slots=True)
class Step:
    """What to do before a new Job is made, the Job (or None), the status so far, when to look again."""

    actions: tuple[Action, ...]
    job: JsonObject | None
    status: JsonObject
    again: datetime | None


def decide(found: JsonObject, jobs: Sequence[JsonObject], now: datetime) -> Step:
    """Return a CronJob's next step; `jobs` are those it controls."""
    actions: list[Action] = [*_completed(found, jobs), *_old(found, jobs)]
    running = [each for each in jobs if finished(each) is None]
    status = _status(found, jobs, running)
    if "deletionTimestamp" in found["metadata"] or spec_of(found).get("suspend"):
        return Step(tuple(actions), None, status, None)
    try:
        schedule, zone = cron.parse(spec_of(found)["schedule"]), _zone(found)
    except (ValueError, ZoneInfoNotFoundError) as error:
        message = f'unparseable schedule: "{spec_of(found)["schedule"]}" : {error}'
        actions.append(Record(found, "Warning", "UnparseableSchedule", message))
        return Step(tuple(actions), None, status, None)
    due, upcoming = _due(found, schedule, zone, now)
    if due is None or timestamp(due) == status.get("lastScheduleTime"):
        return Step(tuple(actions), None, status, upcoming)
    policy = spec_of(found).get("concurrencyPolicy", "Allow")
    if policy == "Forbid" and running:
        message = "Not starting job because prior execution is running and concurrency policy is Forbid"
        actions.append(Record(found, "Normal", "JobAlreadyActive", message))
        return Step(tuple(actions), None, status, upcoming)
    if policy == "Replace":
        for each in running:
            actions.append(Delete(each, "Background"))
            message = f"Deleted job {each['metadata']['name']}"
            actions.append(Record(found, "Normal", "SuccessfulDelete", message))
        status.pop("active", None)
    status["lastScheduleTime"] = timestamp(due)
    return Step(tuple(actions), _new_job(found, due), status, upcoming)


def reference(job: JsonObject) -> JsonObject:
    """Return a Job as `status.active` names it."""
    metadata = job["metadata"]
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "namespace": metadata["namespace"],
        "name": metadata["name"],
        "uid": metadata["uid"],
        "resourceVersion": metadata["resourceVersion"],
    }


def _zone(found: JsonObject) -> tzinfo:
    name = spec_of(found).get("timeZone")
    return ZoneInfo(name) if name else UTC


def _due(
    found: JsonObject, schedule: cron.Schedule, zone: tzinfo, now: datetime
) -> tuple[datetime | None, datetime | None]:
    """Return the last time that has come since the last Job (None: none), and the next one."""
    since = moment(status_of(found).get("lastScheduleTime") or found["metadata"]["creationTimestamp"])
    deadline = spec_of(found).get("startingDeadlineSeconds")
    if deadline is not None:
        since = max(since, now - timedelta(seconds=deadline))
    due, at = None, schedule.next_after(since, zone)
    for _ in range(_MISSED_MOST):
        if at is None or at > now:
            break
        due, at = at, schedule.next_after(at, zone)
    else:
        # Too many were missed to walk through them: the last minute is enough to know.
        at = schedule.next_after(now, zone)
    return due, at


def _new_job(found: JsonObject, due: datetime) -> JsonObject:
    template = spec_of(found)["jobTemplate"]
    told = template.get("metadata") or {}
    metadata: JsonObject = {
        "name": f"{found['metadata']['name']}-{int(due.timestamp()) // 60}",
        "namespace": found["metadata"]["namespace"],
        "annotations": {**(told.get("annotations") or {}), _SCHEDULED: timestamp(due)},
        "ownerReferences": [controller_reference(found)],
    }
    if told.get("labels"):
        metadata["labels"] = dict(told["labels"])
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": metadata,
        "spec": copy.deepcopy(template["spec"]),
    }


def _completed(found: JsonObject, jobs: Iterable[JsonObject]) -> list[Action]:
    """Tell of each active Job that is over now."""
    active = {each["uid"] for each in status_of(found).get("active") or ()}
    told: list[Action] = []
    for each in jobs:
        over = finished(each)
        if over is not None and each["metadata"]["uid"] in active:
            message = f"Saw completed job: {each['metadata']['name']}, condition: {over['type']}"
            told.append(Record(found, "Normal", "SawCompletedJob", message))
    return told


def _old(found: JsonObject, jobs: Iterable[JsonObject]) -> list[Action]:
    """Delete finished Jobs beyond the limits of the history, oldest first."""
    actions: list[Action] = []
    over = [
        (each, condition) for each in sorted(jobs, key=age_key) if (condition := finished(each)) is not None
    ]
    for kind, field, default in (
        ("Complete", "successfulJobsHistoryLimit", 3),
        ("Failed", "failedJobsHistoryLimit", 1),
    ):
        those = [each for each, condition in over if condition["type"] == kind]
        limit = spec_of(found).get(field)
        extra = len(those) - (default if limit is None else limit)
        for each in those[: max(extra, 0)]:
            actions.append(Delete(each, "Background"))
            message = f"Deleted job {each['metadata']['name']}"
            actions.append(Record(found, "Normal", "SuccessfulDelete", message))
    return actions


def _status(found: JsonObject, jobs: Iterable[JsonObject], running: Sequence[JsonObject]) -> JsonObject:
    before = status_of(found)
    known = {each["uid"]: each for each in before.get("active") or ()}
    active = [known.get(each["metadata"]["uid"]) or reference(each) for each in running]
    ends = [before.get("lastSuccessfulTime") or ""]
    ends += [status_of(each).get("completionTime") or "" for each in jobs]
    return settled(
        {
            "active": active,
            "lastScheduleTime": before.get("lastScheduleTime"),
            "lastSuccessfulTime": max(ends),
        }
    )
