"""What a kubelet reports of a pod as its play goes on: a chain of steps, each with the time until the next.

Pure: `begin` says how a pod on a node starts, `take` makes one step. Statuses, texts and times are those
of the rig's stages, so that one manifest behaves alike on both.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from typing import NamedTuple

from simcluster.behaviour import plays
from simcluster.behaviour.meta import controller_of, spec_of, status_of
from simcluster.behaviour.plays import Name
from simcluster.clock import timestamp
from simcluster.values import JsonObject

_BACK_OFF_MAX = 30.0


class Step(Enum):
    """One change in a pod's life."""

    START = auto()
    READY = auto()
    UNHEALTHY = auto()
    CRASH = auto()
    RESTART = auto()
    COMPLETE = auto()
    FAIL = auto()
    PULL_FAILED = auto()
    PULL_BACKED_OFF = auto()


class Due(NamedTuple):
    """A step, and in how many seconds."""

    seconds: float
    step: Step


@dataclass(frozen=True, slots=True)
class Taken:
    """What a step did: the new status (None: unchanged), a Warning (reason, message), what comes next."""

    status: JsonObject | None
    warning: tuple[str, str] | None
    next: Due | None


@dataclass(frozen=True, slots=True)
class Address:
    """The IP addresses of a pod and of its node."""

    pod: str
    host: str


def begin(pod: JsonObject) -> Due | None:
    """Return the first step of a pod on a node; None where it has begun."""
    if status_of(pod).get("podIP") or status_of(pod).get("containerStatuses"):
        return None
    if plays.of(pod).name is Name.IMAGE_PULL_ERROR:
        return Due(0.2, Step.PULL_FAILED)
    return Due(0.0, Step.START)


def take(pod: JsonObject, step: Step, address: Address, now: datetime) -> Taken:
    """Make a step. `address` is used by the steps that begin a pod's life."""
    at = timestamp(now)
    if step in (Step.PULL_FAILED, Step.PULL_BACKED_OFF):
        return _take_pull(pod, step, address, at)
    taken = Taken(None, None, None)
    match step:
        case Step.START:
            taken = Taken(_started(pod, address, at), None, _after_start(pod))
        case Step.READY:
            crashes = plays.of(pod).name is Name.CRASH_AFTER_READY
            taken = Taken(_ready(pod, at), None, Due(3.0, Step.CRASH) if crashes else None)
        case Step.UNHEALTHY:
            warning = ("Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 503")
            taken = Taken(None, warning, None)
        case Step.CRASH:
            found = _crashed(pod, at)
            wait = min(2.0 ** found["containerStatuses"][0]["restartCount"], _BACK_OFF_MAX)
            warning = ("BackOff", "Back-off restarting failed container")
            taken = Taken(found, warning, Due(wait, Step.RESTART))
        case Step.RESTART:
            taken = Taken(_restarted(pod, at), None, Due(0.4, Step.CRASH))
        case Step.COMPLETE:
            taken = Taken(_ended(pod, "Succeeded", at), None, None)
        case Step.FAIL:
            taken = Taken(_ended(pod, "Failed", at), None, None)
    return taken


def _take_pull(pod: JsonObject, step: Step, address: Address, at: str) -> Taken:
    if step is Step.PULL_FAILED:
        warning = ("Failed", "Failed to pull image: not found")
        return Taken(_pull_failed(pod, address, at), warning, Due(0.5, Step.PULL_BACKED_OFF))
    return Taken(_pull_backed_off(pod), ("BackOff", "Back-off pulling image: not found"), None)


def stops_after(pod: JsonObject) -> float:
    """Return in how many seconds a pod that is being deleted has stopped; never beyond its grace period."""
    grace = pod["metadata"].get("deletionGracePeriodSeconds") or 0
    return min(plays.of(pod).stops_after, float(grace))


def _after_start(pod: JsonObject) -> Due | None:
    play = plays.of(pod)
    owner = controller_of(pod)
    of_job = owner is not None and owner["kind"] == "Job"
    if play.name is Name.JOB_FAILS:
        return Due(play.ready_after, Step.FAIL)
    if play.name is Name.CRASH_LOOP:
        return Due(0.4, Step.CRASH)
    if play.name is Name.NEVER_READY:
        return Due(0.5, Step.UNHEALTHY)
    if of_job:
        return Due(play.ready_after, Step.COMPLETE) if play.name is Name.READY else None
    return Due(play.ready_after, Step.READY)


def _conditions(pod: JsonObject, *changed: JsonObject) -> list[JsonObject]:
    """Put conditions into those that the pod has, in place, new ones before PodScheduled."""
    fresh = {each["type"]: each for each in changed}
    before = status_of(pod).get("conditions") or []
    known = {each["type"] for each in before}
    kept = [fresh.get(each["type"], each) for each in before]
    return [*(each for each in changed if each["type"] not in known), *kept]


def _condition(kind: str, state: str, at: str, reason: str = "") -> JsonObject:
    found: JsonObject = {"type": kind, "status": state, "lastProbeTime": None, "lastTransitionTime": at}
    return {**found, "reason": reason} if reason else found


def _not_ready(at: str, reason: str) -> tuple[JsonObject, JsonObject]:
    return (
        _condition("Ready", "False", at, reason),
        _condition("ContainersReady", "False", at, reason),
    )


def _begun(pod: JsonObject, address: Address, at: str, phase: str) -> JsonObject:
    """Everything that a pod's first report has, except for its containers."""
    return {
        **status_of(pod),
        "observedGeneration": pod["metadata"].get("generation", 1),
        "conditions": _conditions(
            pod,
            _condition("PodReadyToStartContainers", "True", at),
            _condition("Initialized", "True", at),
            *_not_ready(at, "ContainersNotReady"),
        ),
        "hostIP": address.host,
        "podIP": address.pod,
        "podIPs": [{"ip": address.pod}],
        "phase": phase,
        "startTime": at,
    }


class _Report(NamedTuple):
    """What is reported alike of every container."""

    ready: bool
    started: bool
    restarts: int
    state: JsonObject
    last_state: JsonObject


def _container(container: JsonObject, report: _Report) -> JsonObject:
    return {
        "name": container["name"],
        "image": container.get("image", ""),
        "imageID": "",
        "ready": report.ready,
        "started": report.started,
        "restartCount": report.restarts,
        "state": report.state,
        "lastState": report.last_state,
    }


def _containers(pod: JsonObject, report: _Report) -> list[JsonObject]:
    return [_container(each, report) for each in spec_of(pod)["containers"]]


def _seen(pod: JsonObject) -> JsonObject:
    """Return what is reported of the first container; all play alike. Somebody may have wiped the status."""
    found: JsonObject = next(iter(status_of(pod).get("containerStatuses") or ()), {})
    return {"restartCount": 0, "state": {}, "lastState": {}, **found}


def _started(pod: JsonObject, address: Address, at: str) -> JsonObject:
    found = _begun(pod, address, at, "Running")
    init = spec_of(pod).get("initContainers") or ()
    if init:
        found["initContainerStatuses"] = [_init_container(each, at) for each in init]
    running = {"running": {"startedAt": at}}
    report = _Report(ready=False, started=True, restarts=0, state=running, last_state={})
    found["containerStatuses"] = _containers(pod, report)
    return found


def _init_container(container: JsonObject, at: str) -> JsonObject:
    if container.get("restartPolicy") == "Always":
        running = {"running": {"startedAt": at}}
        return _container(container, _Report(True, True, 0, running, {}))  # noqa: FBT003 - a sidecar: ready, started
    done = {"terminated": {"exitCode": 0, "reason": "Completed", "startedAt": at, "finishedAt": at}}
    return _container(container, _Report(True, False, 0, done, {}))  # noqa: FBT003 - done: ready, not started


def _ready(pod: JsonObject, at: str) -> JsonObject:
    conditions = _conditions(pod, _condition("Ready", "True", at), _condition("ContainersReady", "True", at))
    state = _seen(pod)["state"] or {"running": {"startedAt": at}}
    report = _Report(ready=True, started=True, restarts=0, state=state, last_state={})
    return {**status_of(pod), "conditions": conditions, "containerStatuses": _containers(pod, report)}


def _crashed(pod: JsonObject, at: str) -> JsonObject:
    seen = _seen(pod)
    started = (seen["state"].get("running") or {}).get("startedAt", at)
    ended = {"exitCode": 1, "reason": "Error", "startedAt": started, "finishedAt": at}
    containers = []
    for each in spec_of(pod)["containers"]:
        message = f"back-off restarting failed container={each['name']} pod={pod['metadata']['name']}"
        waiting = {"waiting": {"reason": "CrashLoopBackOff", "message": message}}
        report = _Report(
            ready=False,
            started=False,
            restarts=seen["restartCount"] + 1,
            state=waiting,
            last_state={"terminated": ended},
        )
        containers.append(_container(each, report))
    conditions = _conditions(pod, *_not_ready(at, "ContainersNotReady"))
    return {**status_of(pod), "conditions": conditions, "containerStatuses": containers}


def _restarted(pod: JsonObject, at: str) -> JsonObject:
    seen = _seen(pod)
    report = _Report(
        ready=False,
        started=True,
        restarts=seen["restartCount"],
        state={"running": {"startedAt": at}},
        last_state=seen["lastState"],
    )
    return {**status_of(pod), "containerStatuses": _containers(pod, report)}


def _ended(pod: JsonObject, phase: str, at: str) -> JsonObject:
    failed = phase == "Failed"
    ended = {
        "exitCode": 1 if failed else 0,
        "reason": "Error" if failed else "Completed",
        "startedAt": (_seen(pod)["state"].get("running") or {}).get("startedAt", at),
        "finishedAt": at,
    }
    report = _Report(ready=False, started=False, restarts=0, state={"terminated": ended}, last_state={})
    conditions = _conditions(pod, *_not_ready(at, "PodFailed" if failed else "PodCompleted"))
    return {
        **status_of(pod),
        "conditions": conditions,
        "containerStatuses": _containers(pod, report),
        "phase": phase,
    }


def _pull_failed(pod: JsonObject, address: Address, at: str) -> JsonObject:
    found = _begun(pod, address, at, "Pending")
    found["containerStatuses"] = [
        _waiting(
            each, "ErrImagePull", f'failed to pull and unpack image "{each.get("image", "")}": not found'
        )
        for each in spec_of(pod)["containers"]
    ]
    return found


def _pull_backed_off(pod: JsonObject) -> JsonObject:
    containers = [
        _waiting(each, "ImagePullBackOff", f'Back-off pulling image "{each.get("image", "")}"')
        for each in spec_of(pod)["containers"]
    ]
    return {**status_of(pod), "containerStatuses": containers}


def _waiting(container: JsonObject, reason: str, message: str) -> JsonObject:
    state = {"waiting": {"reason": reason, "message": message}}
    return _container(container, _Report(ready=False, started=False, restarts=0, state=state, last_state={}))
