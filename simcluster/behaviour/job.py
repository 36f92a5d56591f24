"""Jobs: pods that run to their end, until enough have succeeded or too many failed.

Not simulated: podFailurePolicy, successPolicy, backoffLimitPerIndex. `uncountedTerminatedPods` is always
empty: a pod is counted and released in one step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from simcluster.behaviour import back_off, indexes
from simcluster.behaviour import pods as pod_rules
from simcluster.behaviour.actions import Action, Create, Delete, Record
from simcluster.behaviour.meta import (
    LookAgain,
    after,
    condition,
    deleting,
    settled,
    spec_of,
    status_of,
)
from simcluster.clock import timestamp
from simcluster.values import JsonObject

TRACKING = "batch.kubernetes.io/job-tracking"
_BURST = 500
_REACHED = ("CompletionsReached", "Reached expected number of succeeded pods")
_FAILURES = {
    "BackoffLimitExceeded": "Job has reached the specified backoff limit",
    "DeadlineExceeded": "Job was active longer than specified deadline",
}


@dataclass(slots=True)
class Step:
    """What to do: `released` are the pods that are counted now, and lose their finalizer after the status."""

    status: JsonObject
    actions: list[Action] = field(default_factory=list)
    released: list[JsonObject] = field(default_factory=list)
    again: LookAgain = field(default_factory=LookAgain)


def finished(job: JsonObject) -> JsonObject | None:
    """Return the condition that says that a Job is over: Complete or Failed."""
    for kind in ("Complete", "Failed"):
        found = condition(job, kind)
        if found is not None and found["status"] == "True":
            return found
    return None


def decide(job: JsonObject, pods: Sequence[JsonObject], suffix: Callable[[], str], now: datetime) -> Step:
    """Return a Job's next step; `pods` are all that it controls."""
    tracked = [each for each in pods if TRACKING in (each["metadata"].get("finalizers") or ())]
    over = finished(job)
    if over is not None:
        return _after_the_end(job, over, tracked, now)
    return _Pass(job, pods, tracked, suffix, now).run()


def _after_the_end(job: JsonObject, over: JsonObject, tracked: list[JsonObject], now: datetime) -> Step:
    step = Step(status_of(job), released=tracked)
    seconds = spec_of(job).get("ttlSecondsAfterFinished")
    if seconds is not None and not deleting(job):
        due = after(over["lastTransitionTime"], seconds)
        if due <= now:
            step.actions.append(Delete(job, "Foreground"))
        else:
            step.again.not_after(due)
    return step


class _Pass:
    """One look at a Job that is not over."""

    def __init__(
        self,
        job: JsonObject,
        pods: Sequence[JsonObject],
        tracked: Iterable[JsonObject],
        suffix: Callable[[], str],
        now: datetime,
    ) -> None:
        self.job = job
        self.spec = spec_of(job)
        self.before = status_of(job)
        self.pods = pods
        self.suffix = suffix
        self.now = now
        self.indexed = self.spec.get("completionMode") == "Indexed"
        self.suspended = bool(self.spec.get("suspend"))
        self.active = [each for each in pods if pod_rules.active(each)]
        self.released = [each for each in tracked if pod_rules.finished(each) or deleting(each)]
        self.conditions = [dict(each) for each in self.before.get("conditions") or ()]
        self.started = self.before.get("startTime")
        self.step = Step({})
        self.step.released = self.released
        won = [each for each in self.released if pod_rules.phase(each) == "Succeeded"]
        lost = len(self.released) - len(won)
        self.failed = self.before.get("failed", 0) + (0 if self.suspended else lost)
        self.done = indexes.parse(self.before.get("completedIndexes", ""))
        if self.indexed:
            self.done |= {indexes.of(each) for each in won}
            self.succeeded = len(self.done)
        else:
            self.succeeded = self.before.get("succeeded", 0) + len(won)

    def run(self) -> Step:
        failure = self._failure()
        if self.suspended and failure is None:
            self._suspend()
        else:
            self._resume()
            if failure is not None:
                self._fail(failure)
            elif self._complete():
                self._succeed()
            elif not deleting(self.job):
                self._manage()
        self._watch_deadline()
        self.step.status = self._status()
        return self.step

    def _condition(self, kind: str, reason: str, message: str, state: str = "True") -> None:
        at = timestamp(self.now)
        found = {
            "type": kind,
            "status": state,
            "lastProbeTime": at,
            "lastTransitionTime": at,
            "reason": reason,
            "message": message,
        }
        self.conditions = [each for each in self.conditions if each["type"] != kind] + [found]

    def _has(self, kind: str, state: str = "True") -> bool:
        return any(each["type"] == kind and each["status"] == state for each in self.conditions)

    def _record(self, kind: Literal["Normal", "Warning"], reason: str, message: str) -> None:
        self.step.actions.append(Record(self.job, kind, reason, message))

    def _failure(self) -> str | None:
        """Return the reason why the Job fails or failed, if any."""
        target = condition(self.job, "FailureTarget")
        if target is not None:
            return str(target["reason"])
        if self.failed > self.spec.get("backoffLimit", 6):
            return "BackoffLimitExceeded"
        seconds = self.spec.get("activeDeadlineSeconds")
        if (
            seconds is not None
            and self.started
            and not self.suspended
            and after(self.started, seconds) <= self.now
        ):
            return "DeadlineExceeded"
        return None

    def _watch_deadline(self) -> None:
        seconds = self.spec.get("activeDeadlineSeconds")
        if seconds is not None and self.started and not self._has("FailureTarget"):
            self.step.again.not_after(after(self.started, seconds))

    def _suspend(self) -> None:
        self._delete(self.active)
        self.active = []
        self.started = None
        if not self._has("Suspended"):
            self._condition("Suspended", "JobSuspended", "Job suspended")
            self._record("Normal", "Suspended", "Job suspended")

    def _resume(self) -> None:
        if self._has("Suspended"):
            self._condition("Suspended", "JobResumed", "Job resumed", "False")
            self._record("Normal", "Resumed", "Job resumed")
            self.started = None
        if self.started is None:
            self.started = timestamp(self.now)

    def _fail(self, reason: str) -> None:
        """Delete what runs; Failed follows when every pod has ended."""
        message = _FAILURES.get(reason, "")
        if not self._has("FailureTarget"):
            self._condition("FailureTarget", reason, message)
        if self.active:
            self._delete(self.active)
            self.active = []
        elif not self._terminating():
            self._condition("Failed", reason, message)
            self._record("Warning", reason, message)

    def _complete(self) -> bool:
        wanted = self.spec.get("completions")
        if wanted is None:
            return bool(self.succeeded) and not self.active
        return bool(self.succeeded >= wanted)

    def _succeed(self) -> None:
        if not self._has("SuccessCriteriaMet"):
            self._condition("SuccessCriteriaMet", *_REACHED)
        if self.active:
            self._delete(self.active)
            self.active = []
        elif not self._terminating():
            self._condition("Complete", *_REACHED)
            self._record("Normal", "Completed", "Job completed")

    def _terminating(self) -> list[JsonObject]:
        """Pods that are deleted and have not ended; what is released now goes at once."""
        return [
            each
            for each in self.pods
            if deleting(each) and not pod_rules.finished(each) and each not in self.released
        ]

    def _delete(self, pods: Iterable[JsonObject]) -> None:
        for pod in pods:
            self.step.actions.append(Delete(pod))
            self._record("Normal", "SuccessfulDelete", f"Deleted pod: {pod['metadata']['name']}")

    def _manage(self) -> None:
        """Have as many pods as wanted, no sooner than the back-off allows."""
        most, completions = self.spec.get("parallelism", 1), self.spec.get("completions")
        if completions is None:
            wanted = len(self.active) if self.succeeded else most
        else:
            wanted = min(max(completions - self.succeeded, 0), most)
        surplus = len(self.active) - wanted
        if surplus > 0:
            going = pod_rules.by_least_loss(self.active, self.now)[:surplus]
            self._delete(going)
            self.active = [each for each in self.active if each not in going]
            return
        missing = min(wanted - len(self.active), _BURST)
        if self.spec.get("podReplacementPolicy") == "Failed":
            missing -= len(self._terminating())
        if missing <= 0:
            return
        wait = back_off.until(self.pods)
        if wait is not None and wait > self.now:
            self.step.again.not_after(wait)
            return
        for pod in self._new_pods(missing):
            self.step.actions.append(Create(pod))
            self._record("Normal", "SuccessfulCreate", f"Created pod: {pod['metadata']['name']}")
            self.active.append(pod)

    def _new_pods(self, count: int) -> list[JsonObject]:
        name, template = self.job["metadata"]["name"], self.spec["template"]
        if not self.indexed:
            prefix = f"{name}-"
            made = [
                pod_rules.from_template(template, self.job, prefix + self.suffix(), prefix)
                for _ in range(count)
            ]
        else:
            taken = self.done | {indexes.of(each) for each in self.active}
            free = [each for each in range(self.spec["completions"]) if each not in taken]
            made = [indexes.new_pod(self.job, each, self.suffix()) for each in free[:count]]
        for pod in made:
            pod["metadata"]["finalizers"] = [*(pod["metadata"].get("finalizers") or ()), TRACKING]
        return made

    def _status(self) -> JsonObject:
        ready = sum(1 for each in self.active if pod_rules.ready(each))
        over = any(each["type"] == "Complete" for each in self.conditions)
        found: JsonObject = {
            "ready": ready,
            "terminating": len(self._terminating())
            + sum(isinstance(each, Delete) for each in self.step.actions),
            "uncountedTerminatedPods": {},
            **settled(
                {
                    "active": len(self.active),
                    "succeeded": self.succeeded,
                    "failed": self.failed,
                    "completedIndexes": indexes.text(self.done) if self.indexed else "",
                    "startTime": self.started,
                    "conditions": self.conditions,
                }
            ),
        }
        if over:
            found["completionTime"] = timestamp(self.now)
        return found
