"""The rules for what runs Pods: kstatus', except where a rule's text says otherwise.

Counts come before conditions, so that the sentence names the number that people wait for.
"""

from __future__ import annotations

from gitops.health.live import condition_is, conditions, count, field, flag, items, name_of, text, whole
from gitops.health.status import Health, current, failed, in_progress, unknown
from gitops.objects import JsonObject

FIELD_MANAGER = "gitops-waves"


def unobserved(obj: JsonObject) -> Health | None:
    """Say so when the controller has never written its status: an empty status reads like a finished one."""
    if whole(obj, "status", "observedGeneration") is None:
        return in_progress(
            "the controller has not observed the object yet: it has no status.observedGeneration"
        )
    return None


def _wanted(obj: JsonObject) -> int:
    """Return the replicas asked for; the API's default is one."""
    replicas = whole(obj, "spec", "replicas")
    return 1 if replicas is None else replicas


def _short(obj: JsonObject, counter: str, wanted: int, claim: str, noun: str = "replicas") -> Health | None:
    seen = count(obj, "status", counter)
    return in_progress(f"{seen} of {wanted} {noun} are {claim}") if seen < wanted else None


def _surplus(obj: JsonObject, wanted: int) -> Health | None:
    extra = count(obj, "status", "replicas") - wanted
    return in_progress(f"{wanted + extra} replicas run, {extra} more than wanted") if extra > 0 else None


def _refused(obj: JsonObject, counter: str, wanted: int, claim: str) -> Health | None:
    """Name the reason beside the number when Pods cannot be created, such as a quota."""
    if refused := condition_is(obj, "ReplicaFailure", "True"):
        return in_progress(
            f"{count(obj, 'status', counter)} of {wanted} replicas are {claim}: {refused.words}"
        )
    return None


def deployment(obj: JsonObject) -> Health:
    """Current when every replica runs the newest template, is available, and the rollout says it is done.

    Unlike kstatus, a paused Deployment is Current when its replicas are: it says nothing of progress.
    """
    progress = conditions(obj).get("Progressing")
    wanted = _wanted(obj)
    if missing := unobserved(obj):
        return missing
    if progress is not None and progress.reason == "ProgressDeadlineExceeded":
        updated = count(obj, "status", "updatedReplicas")
        return failed(
            f"the Deployment's progress deadline is exceeded with {updated} of {wanted} replicas updated: "
            f"{progress.words}"
        )
    waiting = (
        _short(obj, "replicas", wanted, "created")
        or _short(obj, "updatedReplicas", wanted, _updated(obj))
        or _surplus(obj, wanted)
        or _short(obj, "availableReplicas", wanted, "available")
        or _short(obj, "readyReplicas", wanted, "ready")
    )
    if waiting and count(obj, "status", "updatedReplicas") < wanted:
        return _refused(obj, "updatedReplicas", wanted, "updated") or waiting
    return waiting or _settled(obj, wanted)


def _updated(obj: JsonObject) -> str:
    return "updated, and the Deployment is paused" if flag(obj, "spec", "paused") else "updated"


def _settled(obj: JsonObject, wanted: int) -> Health:
    """Ask the Deployment's own conditions, after its counts.

    Without a progress deadline (absent, or the largest int32) the controller writes no `Progressing`.
    """
    deadline = whole(obj, "spec", "progressDeadlineSeconds")
    progress = condition_is(obj, "Progressing", "True")
    silent = deadline in {None, 2**31 - 1} or flag(obj, "spec", "paused")
    if not silent and (progress is None or progress.reason != "NewReplicaSetAvailable"):
        seen = progress.words if progress else "condition Progressing is not True"
        return in_progress(f"the newest ReplicaSet is not reported available: {seen}")
    if not condition_is(obj, "Available", "True"):
        return in_progress("condition Available is not True")
    return current(f"{wanted} of {wanted} replicas are available")


def replica_set(obj: JsonObject) -> Health:
    """Current when every replica carries the template's labels and is available.

    Serves ReplicationControllers too, whose status has the same fields.
    """
    wanted = _wanted(obj)
    waiting = (
        unobserved(obj)
        or _refused(obj, "replicas", wanted, "created")
        or _short(obj, "fullyLabeledReplicas", wanted, "labelled as the template says")
        or _short(obj, "availableReplicas", wanted, "available")
        or _short(obj, "readyReplicas", wanted, "ready")
        or _surplus(obj, wanted)
    )
    return waiting or current(f"{wanted} of {wanted} replicas are available")


def stateful_set(obj: JsonObject) -> Health:
    """Current when every replica is ready, and those above the partition run the newest template.

    Unlike kstatus, `OnDelete` still has to be ready; only the update waits for a person. And replicas have
    to be available where the status says how many are, which brings `minReadySeconds` in.
    """
    wanted = _wanted(obj)
    waiting = (
        unobserved(obj)
        or _short(obj, "replicas", wanted, "created")
        or _short(obj, "readyReplicas", wanted, "ready")
        or _surplus(obj, wanted)
    )
    if not waiting and whole(obj, "status", "availableReplicas") is not None:
        waiting = _short(obj, "availableReplicas", wanted, "available")
    if waiting:
        return waiting
    if text(obj, "spec", "updateStrategy", "type") == "OnDelete":
        return current(
            f"{wanted} of {wanted} replicas are ready; updates wait until a Pod is deleted (OnDelete)"
        )
    return _rolled(obj, wanted) or current(f"{wanted} of {wanted} replicas are ready")


def _rolled(obj: JsonObject, wanted: int) -> Health | None:
    partition = whole(obj, "spec", "updateStrategy", "rollingUpdate", "partition")
    if partition is not None:
        # https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#partitions
        return _short(obj, "updatedReplicas", wanted - partition, "updated")
    newest = text(obj, "status", "updateRevision")
    if newest != text(obj, "status", "currentRevision"):
        return in_progress(f"the rollout to revision {newest} is not complete")
    return _short(obj, "currentReplicas", wanted, "of the current revision")


def daemon_set(obj: JsonObject) -> Health:
    """Current when every node that should run a Pod runs an available one of the newest template.

    Unlike kstatus, `OnDelete` does not wait for the update, which would wait for a person.
    """
    if missing := unobserved(obj):
        return missing
    wanted = whole(obj, "status", "desiredNumberScheduled")
    if wanted is None:
        return in_progress("the controller has not counted the nodes yet")
    by_hand = text(obj, "spec", "updateStrategy", "type") == "OnDelete"
    waiting = (
        _short(obj, "currentNumberScheduled", wanted, "scheduled", "Pods")
        or (None if by_hand else _short(obj, "updatedNumberScheduled", wanted, "updated", "Pods"))
        or _short(obj, "numberAvailable", wanted, "available", "Pods")
        or _short(obj, "numberReady", wanted, "ready", "Pods")
    )
    return waiting or current(f"{wanted} of {wanted} Pods are available")


def job(obj: JsonObject) -> Health:
    """Current only when Complete. Unlike kstatus, a running Job is InProgress: its work is not done.

    A suspended Job is Current when our own manifest says `suspend: true`, since nothing more will come of it.
    When someone else suspended it (a queue, a person), the work that Git asks for is still outstanding.
    `FailureTarget` says that the Job will fail as soon as its Pods are gone (KEP-3998), so it counts already.
    """
    wanted = whole(obj, "spec", "completions") or 1
    succeeded, active, lost = (count(obj, "status", name) for name in ("succeeded", "active", "failed"))
    if condition_is(obj, "Complete", "True"):
        return current(f"the Job is complete (succeeded Pods: {succeeded})")
    if lose := condition_is(obj, "Failed", "True") or condition_is(obj, "FailureTarget", "True"):
        return failed(f"the Job failed (failed Pods: {lost}): {lose.reason}: {lose.message}".rstrip(": "))
    if flag(obj, "spec", "suspend"):
        if _suspended_by_us(obj):
            return current("the Job is suspended, as its manifest says")
        return in_progress("the Job is suspended, and not by its manifest")
    if not text(obj, "status", "startTime"):
        return in_progress("the Job has not started")
    return in_progress(f"completions: {succeeded} of {wanted}; active Pods: {active}, failed: {lost}")


def _suspended_by_us(obj: JsonObject) -> bool:
    return any(
        entry.get("manager") == FIELD_MANAGER
        and entry.get("operation") == "Apply"
        and field(entry, "fieldsV1", "f:spec", "f:suspend") is not None
        for entry in items(obj, "metadata", "managedFields")
    )


def job_failed(obj: JsonObject) -> bool:
    """Tell whether a Job has given up; until then a failing Pod is one of the retries that it allows."""
    return bool(condition_is(obj, "Failed", "True") or condition_is(obj, "FailureTarget", "True"))


def cron_job(obj: JsonObject) -> Health:
    """Always Current: what it starts later is not part of the change that brought it here."""
    if flag(obj, "spec", "suspend"):
        return current("the CronJob is suspended")
    return current(f"the CronJob is scheduled: {text(obj, 'spec', 'schedule')}".rstrip(": "))


def pod(obj: JsonObject) -> Health:
    """Current when ready or finished well. Unlike kstatus, a Failed Pod is Failed.

    An unschedulable Pod is InProgress here, where there is no clock; `failing` gives it a tolerance.
    """
    phase = text(obj, "status", "phase")
    reason = ": ".join(filter(None, (text(obj, "status", "reason"), text(obj, "status", "message"))))
    if phase == "Succeeded":
        return current("the Pod has completed")
    if phase == "Failed":
        return failed(f"the Pod has failed: {reason}" if reason else _exit_codes(obj))
    if phase == "Running" and condition_is(obj, "Ready", "True"):
        return current("the Pod is ready")
    if looping := _crash_looping(obj):
        return failed(f"containers restart again and again (CrashLoopBackOff): {', '.join(looping)}")
    return _starting(obj, phase)


def _starting(obj: JsonObject, phase: str) -> Health:
    if phase in {"Pending", "Running"}:
        awaited, claim = ("PodScheduled", "scheduled") if phase == "Pending" else ("Ready", "ready")
        open_ = condition_is(obj, awaited, "False")
        return in_progress(
            f"the Pod is {phase} and not {claim}: {open_.words}" if open_ else f"the Pod is {phase}"
        )
    return unknown(f"the Pod's phase is {phase}") if phase else in_progress("the Pod has no phase yet")


def _statuses(obj: JsonObject) -> tuple[JsonObject, ...]:
    return items(obj, "status", "initContainerStatuses") + items(obj, "status", "containerStatuses")


def _crash_looping(obj: JsonObject) -> list[str]:
    return [
        text(status, "name")
        for status in _statuses(obj)
        if text(status, "state", "waiting", "reason") == "CrashLoopBackOff"
    ]


def _exit_codes(obj: JsonObject) -> str:
    ended = [
        f"{text(status, 'name')} ended with exit code {code}"
        for status in _statuses(obj)
        if (code := whole(status, "state", "terminated", "exitCode"))
    ]
    return f"the Pod has failed: {', '.join(ended)}" if ended else f"the Pod {name_of(obj)} has failed"
