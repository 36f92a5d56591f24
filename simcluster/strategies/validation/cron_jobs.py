"""CronJobs."""

from __future__ import annotations

from simcluster.errors import Cause
from simcluster.strategies.validation import cron, jobs, values
from simcluster.strategies.validation.causes import required, unsupported, wrong
from simcluster.values import JsonObject

_MOST_NAME = 52


def cron_job(obj: JsonObject) -> list[Cause]:
    """Check a new CronJob."""
    causes, late = _cron_spec(obj["spec"], None)
    name = obj["metadata"].get("name", "")
    if len(name) > _MOST_NAME:
        causes.append(wrong("metadata.name", name, f"must be no more than {_MOST_NAME} characters"))
    return causes + late


def cron_job_update(new: JsonObject, old: JsonObject) -> list[Cause]:
    """Check a change of a CronJob."""
    causes, late = _cron_spec(new["spec"], old["spec"])
    return causes + late


def _cron_spec(spec: JsonObject, before: JsonObject | None) -> tuple[list[Cause], list[Cause]]:
    """Return the causes, and those that come after all others."""
    causes: list[Cause] = []
    late = [] if spec.get("schedule") else [required("spec.schedule")]
    if spec.get("schedule"):
        causes += _schedule(spec, allowed="TZ" in (before or {}).get("schedule", ""))
    causes += values.non_negative(spec.get("startingDeadlineSeconds"), "spec.startingDeadlineSeconds")
    if before is None or before.get("timeZone") != spec.get("timeZone"):
        causes += _time_zone(spec.get("timeZone"))
    policies = ("Allow", "Forbid", "Replace")
    causes += values.choice(spec["concurrencyPolicy"], policies, "spec.concurrencyPolicy")
    inner = spec["jobTemplate"]["spec"]
    causes += jobs.job_spec(inner, "spec.jobTemplate.spec")
    if inner.get("selector") is not None:
        text = "`selector` will be auto-generated"
        causes.append(wrong("spec.jobTemplate.spec.selector", inner["selector"], text))
    manual = inner.get("manualSelector")
    if manual:
        causes.append(unsupported("spec.jobTemplate.spec.manualSelector", manual, ("nil", "false")))
    for field in ("successfulJobsHistoryLimit", "failedJobsHistoryLimit"):
        causes += values.non_negative(spec.get(field), f"spec.{field}")
    return causes, late


def _schedule(spec: JsonObject, *, allowed: bool) -> list[Cause]:
    schedule, at = spec["schedule"], "spec.schedule"
    fault = cron.fault(schedule)
    causes = [wrong(at, schedule, fault)] if fault else []
    if "TZ" in schedule and allowed and "timeZone" in spec:
        causes.append(wrong(at, schedule, "cannot use both timeZone field and TZ or CRON_TZ in schedule"))
    elif "TZ" in schedule and not allowed:
        text = "cannot use TZ or CRON_TZ in schedule, use timeZone field instead"
        causes.append(wrong(at, schedule, text))
    return causes


def _time_zone(zone: str | None) -> list[Cause]:
    at = "spec.timeZone"
    if zone is None:
        return []
    if not zone:
        return [wrong(at, zone, "timeZone must be nil or non-empty string")]
    if zone.lower() == "local":
        return [
            wrong(
                at,
                zone,
                "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones",
            )
        ]
    return [] if cron.time_zone_is_known(zone) else [wrong(at, zone, f"unknown time zone {zone}")]
