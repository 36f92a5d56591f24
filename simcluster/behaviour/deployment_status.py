"""A Deployment's status: counts, and the conditions Available, Progressing and ReplicaFailure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from simcluster.behaviour import deployment_scale as scale
from simcluster.behaviour.meta import LookAgain, condition, condition_in, moment, settled, spec_of, status_of
from simcluster.clock import timestamp
from simcluster.values import JsonObject

TIMED_OUT = "ProgressDeadlineExceeded"
PAUSED = "DeploymentPaused"
RESUMED = "DeploymentResumed"
_COMPLETE = "NewReplicaSetAvailable"
_NO_DEADLINE = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Look:
    """What the status is made from. `before` is the status that the cluster has."""

    deployment: JsonObject
    before: JsonObject
    every: Sequence[JsonObject]
    new: JsonObject | None
    now: datetime


def has_deadline(deployment: JsonObject) -> bool:
    """Tell whether progress is watched at all."""
    return spec_of(deployment).get("progressDeadlineSeconds") not in (None, _NO_DEADLINE)


def progressing(deployment: JsonObject) -> JsonObject | None:
    """Return the condition Progressing."""
    return condition(deployment, "Progressing")


def new(kind: str, state: str, reason: str, message: str, now: datetime) -> JsonObject:
    """Return a condition that is true since now."""
    at = timestamp(now)
    return {
        "type": kind,
        "status": state,
        "lastUpdateTime": at,
        "lastTransitionTime": at,
        "reason": reason,
        "message": message,
    }


def set_condition(found: JsonObject, wanted: JsonObject) -> None:
    """Put a condition last in a status. The same status and reason leave it where and as it is."""
    conditions = found.get("conditions") or []
    current = condition_in(conditions, wanted["type"])
    if current is not None and current["status"] == wanted["status"]:
        if current.get("reason") == wanted.get("reason"):
            return
        wanted = {**wanted, "lastTransitionTime": current["lastTransitionTime"]}
    found["conditions"] = [each for each in conditions if each["type"] != wanted["type"]] + [wanted]


def remove_condition(found: JsonObject, kind: str) -> None:
    """Take a condition out of a status."""
    kept = [each for each in found.get("conditions") or () if each["type"] != kind]
    if kept:
        found["conditions"] = kept
    else:
        found.pop("conditions", None)


def calculate(
    deployment: JsonObject, every: Sequence[JsonObject], new_one: JsonObject | None, now: datetime
) -> JsonObject:
    """Return the status by the ReplicaSets' counts, with Available settled (calculateStatus)."""
    before = status_of(deployment)
    available = scale.available(every)
    found = settled(
        {
            "observedGeneration": deployment["metadata"].get("generation", 0),
            "replicas": _sum(every, "replicas"),
            "updatedReplicas": 0 if new_one is None else status_of(new_one).get("replicas", 0),
            "readyReplicas": _sum(every, "readyReplicas"),
            "availableReplicas": available,
            "unavailableReplicas": max(scale.total(every) - available, 0),
            "collisionCount": before.get("collisionCount"),
            "conditions": [dict(each) for each in before.get("conditions") or ()],
        }
    )
    terminating = _terminating(every)
    if terminating is not None:
        found["terminatingReplicas"] = terminating
    if available >= scale.replicas(deployment) - scale.max_unavailable(deployment):
        message = "Deployment has minimum availability."
        wanted = new("Available", "True", "MinimumReplicasAvailable", message, now)
    else:
        message = "Deployment does not have minimum availability."
        wanted = new("Available", "False", "MinimumReplicasUnavailable", message, now)
    set_condition(found, wanted)
    return found


def complete(deployment: JsonObject, found: JsonObject) -> bool:
    """Tell whether all wanted replicas are updated and available, and no old ones left."""
    wanted = scale.replicas(deployment)
    counts = (found.get(each, 0) for each in ("updatedReplicas", "replicas", "availableReplicas"))
    observed = found.get("observedGeneration", 0) >= deployment["metadata"].get("generation", 0)
    return observed and all(count == wanted for count in counts)


def rollout(look: Look, again: LookAgain) -> JsonObject:
    """Return the status in the course of a rollout, with Progressing and ReplicaFailure settled.

    Asks for another look when the deadline would pass.
    """
    deployment = look.deployment
    found = calculate(deployment, look.every, look.new, look.now)
    if not has_deadline(deployment):
        remove_condition(found, "Progressing")
    else:
        current = progressing(deployment)
        done = current is not None and current.get("reason") == _COMPLETE
        if not (done and found.get("replicas", 0) == found.get("updatedReplicas", 0)):
            _settle_progress(look, found, current)
        _watch_deadline(deployment, found, again)
    failure = _failure(look.every, look.new)
    if failure is not None:
        set_condition(found, failure)
    else:
        remove_condition(found, "ReplicaFailure")
    return found


def _settle_progress(look: Look, found: JsonObject, current: JsonObject | None) -> None:
    subject = f'Deployment "{look.deployment["metadata"]["name"]}"'
    if look.new is not None:
        subject = f'ReplicaSet "{look.new["metadata"]["name"]}"'
    if complete(look.deployment, found):
        message = f"{subject} has successfully progressed."
        set_condition(found, new("Progressing", "True", _COMPLETE, message, look.now))
    elif _progresses(look.before, found):
        wanted = new("Progressing", "True", "ReplicaSetUpdated", f"{subject} is progressing.", look.now)
        if current is not None:
            # The same status and reason again is news here: the deadline counts from the last progress.
            if current["status"] == "True":
                wanted["lastTransitionTime"] = current["lastTransitionTime"]
            remove_condition(found, "Progressing")
        set_condition(found, wanted)
    elif _timed_out(look, found):
        message = f"{subject} has timed out progressing."
        set_condition(found, new("Progressing", "False", TIMED_OUT, message, look.now))


def _progresses(before: JsonObject, found: JsonObject) -> bool:
    def old(each: JsonObject) -> int:
        return int(each.get("replicas", 0) - each.get("updatedReplicas", 0))

    grown = ("updatedReplicas", "readyReplicas", "availableReplicas")
    return old(found) < old(before) or any(found.get(key, 0) > before.get(key, 0) for key in grown)


def _deadline(deployment: JsonObject, current: JsonObject) -> datetime:
    seconds = spec_of(deployment)["progressDeadlineSeconds"]
    return moment(current["lastUpdateTime"]) + timedelta(seconds=seconds)


def _timed_out(look: Look, found: JsonObject) -> bool:
    current = condition_in(found.get("conditions") or (), "Progressing")
    if current is None or current.get("reason") == _COMPLETE:
        return False
    return current.get("reason") == TIMED_OUT or _deadline(look.deployment, current) < look.now


def _watch_deadline(deployment: JsonObject, found: JsonObject, again: LookAgain) -> None:
    current = condition_in(found.get("conditions") or (), "Progressing")
    if current is None or current.get("reason") in (TIMED_OUT, _COMPLETE) or complete(deployment, found):
        return
    # A second more, as the real controller adds: times are whole seconds, and "after" means after.
    again.not_after(_deadline(deployment, current) + timedelta(seconds=1))


def _failure(every: Sequence[JsonObject], new_one: JsonObject | None) -> JsonObject | None:
    for each in (*([new_one] if new_one is not None else []), *every):
        found = condition(each, "ReplicaFailure")
        if found is not None:
            at = found["lastTransitionTime"]
            return {
                "type": "ReplicaFailure",
                "status": found["status"],
                "lastUpdateTime": at,
                "lastTransitionTime": at,
                "reason": found.get("reason", ""),
                "message": found.get("message", ""),
            }
    return None


def _terminating(every: Sequence[JsonObject]) -> int | None:
    counted = 0
    for each in every:
        found = status_of(each)
        if "terminatingReplicas" in found:
            counted += found["terminatingReplicas"]
        elif found.get("observedGeneration"):
            return None
    return counted


def _sum(every: Sequence[JsonObject], key: str) -> int:
    return sum(status_of(each).get(key, 0) for each in every)
