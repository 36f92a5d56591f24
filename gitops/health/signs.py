"""What one Pod, or one ReplicaSet, shows that waiting will not cure, and how long it is given all the same.

Which Pods are looked at, and what the time is, is left to `symptoms`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from gitops.health.live import condition_is, field, items, moment, name_of, one_line, text, whole
from gitops.health.owned import JOB, POD, group_kind
from gitops.health.workloads import job_failed
from gitops.objects import JsonObject

CRASH_LOOP = "CrashLoopBackOff"
# kubelet's words for a waiting container: k8s.io/kubernetes pkg/kubelet/images/types.go and
# pkg/kubelet/container/sync_result.go
AT_ONCE = {
    CRASH_LOOP,
    "ImagePullBackOff",
    "InvalidImageName",
    "ErrImageNeverPull",
    "SignatureValidationFailed",
}
SOON = {
    "CreateContainerConfigError",
    "CreateContainerError",
    "ErrImagePull",
    "ImageInspectError",
    "PostStartHookError",
    "PreCreateHookError",
    "PreStartHookError",
    "RunContainerError",
}
NONE = timedelta(0)
# Evicted Pods stay listed for days, and a workload that keeps its template keeps owning them.
EVICTION_IS_NEWS = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How long a sign may last before it counts.

    `unschedulable`: a scheduler or an autoscaler may need a moment. `starting`: a container that cannot be
    created, because a Secret that another controller writes is not there yet, say. `creation`: Pods that are
    refused, by a quota that an ending Pod still fills, say. `restarts`: so many restarts must there have been
    when a container is found ended with an error but does not back off.
    """

    unschedulable: timedelta = timedelta(seconds=10)
    starting: timedelta = timedelta(seconds=5)
    creation: timedelta = timedelta(seconds=30)
    restarts: int = 2


@dataclass(frozen=True, slots=True)
class Symptom:
    """One clear sign. `pod` and `container` are empty when it is not about one of them.

    `reason` is Kubernetes' word, `message` one line of its text, which may quote the program's last words.
    `exit_code` is that of the newest termination; `since` is its time, or that since which nothing has
    succeeded, where the objects tell.
    """

    pod: str
    container: str
    reason: str
    message: str
    exit_code: int | None
    since: datetime | None

    def __str__(self) -> str:
        place = [f"Pod {self.pod}"] if self.pod else []
        place += [f"container {self.container}"] if self.container else []
        code = f", exit code {self.exit_code}" if self.exit_code is not None else ""
        said = f": {self.message}" if self.message else ""
        return f"{', '.join(place)}: {self.reason}{code}{said}" if place else f"{self.reason}{code}{said}"


@dataclass(frozen=True, slots=True)
class Sign:
    """A symptom that counts once it has lasted for `patience`, and no longer after `fades`."""

    symptom: Symptom
    patience: timedelta = NONE
    fades: timedelta | None = None

    def remaining(self, now: datetime) -> timedelta | None:
        """Return how long until it counts (zero or less: it does); `None` when it never will."""
        since = self.symptom.since
        if self.patience <= NONE and self.fades is None:
            return NONE
        if since is None:
            return None
        age = now - since
        return None if self.fades is not None and age > self.fades else self.patience - age


def of_replica_set(obj: JsonObject, tolerance: Tolerance) -> Iterator[Sign]:
    """Yield the sign that Pods cannot be created at all: a quota, an admission rule, a missing account."""
    if refused := condition_is(obj, "ReplicaFailure", "True"):
        conditions = items(obj, "status", "conditions")
        since = next(
            (moment(c, "lastTransitionTime") for c in conditions if c.get("type") == "ReplicaFailure"), None
        )
        words = one_line(refused.words)
        yield Sign(
            Symptom("", "", refused.reason or "ReplicaFailure", words, None, since), tolerance.creation
        )


def of_pod(pod: JsonObject, workload: JsonObject, tolerance: Tolerance) -> Iterator[Sign]:
    """Yield a Pod's signs. A Pod that is being deleted, or has succeeded, has none."""
    phase = text(pod, "status", "phase")
    if text(pod, "metadata", "deletionTimestamp") or phase == "Succeeded":
        return
    retried = group_kind(workload) == JOB and not job_failed(workload)
    if phase == "Failed":
        if not retried:
            yield from _of_failed_pod(pod, group_kind(workload) in {JOB, POD})
        return
    yield from _of_scheduling(pod, tolerance)
    for status in container_statuses(pod):
        yield from _of_container(pod, status, tolerance, retried=retried)


def container_statuses(pod: JsonObject) -> tuple[JsonObject, ...]:
    """Return the statuses of init containers (sidecars are among them), then of containers."""
    return items(pod, "status", "initContainerStatuses") + items(pod, "status", "containerStatuses")


def _of_failed_pod(pod: JsonObject, final: bool) -> Iterator[Sign]:  # noqa: FBT001 - one private caller
    """Judge a Pod that kubelet has given up. Only an eviction speaks where a controller replaces the Pod."""
    reason = text(pod, "status", "reason")
    words = one_line(text(pod, "status", "message"))
    ended = _ended_badly(pod)
    if final and ended and not reason:
        for status in ended:
            yield Sign(terminated_symptom(pod, status, "state"))
    elif final:
        yield Sign(Symptom(name_of(pod), "", reason or "Failed", words, None, _evicted(pod)))
    elif reason == "Evicted":
        yield Sign(Symptom(name_of(pod), "", reason, words, None, _evicted(pod)), fades=EVICTION_IS_NEWS)


def _ended_badly(pod: JsonObject) -> list[JsonObject]:
    return [status for status in container_statuses(pod) if whole(status, "state", "terminated", "exitCode")]


def _evicted(pod: JsonObject) -> datetime | None:
    return _transition(pod, "DisruptionTarget") or moment(pod, "status", "startTime")


def _transition(pod: JsonObject, kind: str) -> datetime | None:
    conditions = items(pod, "status", "conditions")
    return next((moment(one, "lastTransitionTime") for one in conditions if one.get("type") == kind), None)


def unscheduled_symptom(pod: JsonObject) -> Symptom | None:
    """Report a Pod without a node, whatever it waits for; `None` when it has one."""
    unplaced = condition_is(pod, "PodScheduled", "False")
    if unplaced is None:
        return None
    since = _transition(pod, "PodScheduled") or moment(pod, "metadata", "creationTimestamp")
    return Symptom(name_of(pod), "", unplaced.reason or "Pending", one_line(unplaced.message), None, since)


def _of_scheduling(pod: JsonObject, tolerance: Tolerance) -> Iterator[Sign]:
    """Judge placement. A nominated Pod has a place already and waits for what it pushed out to end."""
    symptom = unscheduled_symptom(pod)
    if symptom and symptom.reason == "Unschedulable" and not text(pod, "status", "nominatedNodeName"):
        yield Sign(symptom, tolerance.unschedulable)


def _of_container(
    pod: JsonObject, status: JsonObject, tolerance: Tolerance, *, retried: bool
) -> Iterator[Sign]:
    """Judge one container. An init container that is not a sidecar may end well; so an exit code decides."""
    reason = text(status, "state", "waiting", "reason")
    if reason in AT_ONCE | SOON and not (retried and reason == CRASH_LOOP):
        yield Sign(waiting_symptom(pod, status, reason), NONE if reason in AT_ONCE else tolerance.starting)
    restarts = whole(status, "restartCount") or 0
    if whole(status, "state", "terminated", "exitCode") and restarts >= tolerance.restarts and not retried:
        yield Sign(terminated_symptom(pod, status, "state"))


def waiting_symptom(pod: JsonObject, status: JsonObject, reason: str) -> Symptom:
    """Report a waiting container; how it ended last says why, such as `OOMKilled`."""
    words = one_line(text(status, "state", "waiting", "message"))
    code, since = None, _started(pod)
    if field(status, "lastState", "terminated"):
        last = terminated_symptom(pod, status, "lastState")
        code, since = last.exit_code, last.since or since
        # `Error` alone says no more than the exit code.
        ended = (
            "" if last.reason == "Error" and not last.message else f"{last.reason} {last.message}".rstrip()
        )
        words = "; ".join(filter(None, (words, ended and f"last ended by {ended}")))
    return Symptom(name_of(pod), text(status, "name"), reason, one_line(words), code, since)


def terminated_symptom(pod: JsonObject, status: JsonObject, state: str) -> Symptom:
    """Report an ended container; `state` is `state` or `lastState`, whose `terminated` is there."""
    end = status[state]["terminated"]
    return Symptom(
        name_of(pod),
        text(status, "name"),
        text(end, "reason") or "Error",
        one_line(text(end, "message")),
        whole(end, "exitCode"),
        moment(end, "finishedAt"),
    )


def _started(pod: JsonObject) -> datetime | None:
    """Return when the Pod's containers could start: init containers come first, and may take their time."""
    known = (
        moment(pod, "status", "startTime") or moment(pod, "metadata", "creationTimestamp"),
        _transition(pod, "Initialized") if condition_is(pod, "Initialized", "True") else None,
    )
    return max((one for one in known if one), default=None)
