"""The row of a Pod: what the server makes of its phase, conditions and container statuses."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from simcluster.printing.cells import NONE, Row, age, at, elements, is_true, name, number, since, text
from simcluster.values import JsonObject

_FINISHED = ("Succeeded", "Failed")
_MESSAGES = {"Succeeded": "The pod has completed successfully.", "Failed": "The pod failed."}


def pod(obj: JsonObject, now: datetime) -> Row:
    """Return the cells of a Pod, the wide ones too."""
    counted = _Counted()
    sidecars = {
        each["name"] for each in elements(obj, "spec.initContainers") if each.get("restartPolicy") == "Always"
    }
    total = len(elements(obj, "spec.containers")) + len(sidecars)
    reason = _first_reason(obj)
    initializing = _initializing(obj, sidecars, counted)
    if not initializing or is_true(elements(obj, "status.conditions"), "Initialized"):
        counted.restarts, counted.last_restart = counted.sidecar_restarts, counted.last_sidecar_restart
        reason = _running(obj, counted, initializing or reason)
    else:
        reason = initializing
    restarts = str(counted.restarts)
    if counted.restarts and counted.last_restart:
        restarts = f"{counted.restarts} ({since(counted.last_restart, now)} ago)"
    addresses = elements(obj, "status.podIPs") or [{}]
    return [
        name(obj),
        f"{counted.ready}/{total}",
        _deleted(obj) or reason,
        restarts,
        age(obj, now),
        addresses[0].get("ip") or NONE,
        text(obj, "spec.nodeName", NONE),
        text(obj, "status.nominatedNodeName", NONE),
        _gates(obj),
    ]


def pod_conditions(obj: JsonObject) -> list[JsonObject]:
    """Return the conditions of a Pod's row: whether it has finished."""
    phase = text(obj, "status.phase")
    if phase not in _FINISHED:
        return []
    return [{"type": "Completed", "status": "True", "reason": phase, "message": _MESSAGES[phase]}]


@dataclass(slots=True)
class _Counted:
    """What is summed up over the containers. Timestamps compare as text: all are whole seconds in UTC."""

    ready: int = 0
    restarts: int = 0
    last_restart: str = ""
    sidecar_restarts: int = 0
    last_sidecar_restart: str = ""


def _first_reason(obj: JsonObject) -> str:
    for each in elements(obj, "status.conditions"):
        if each.get("type") == "PodScheduled" and each.get("reason") == "SchedulingGated":
            return "SchedulingGated"
    return text(obj, "status.reason") or text(obj, "status.phase")


def _deleted(obj: JsonObject) -> str:
    if not at(obj, "metadata.deletionTimestamp"):
        return ""
    if text(obj, "status.reason") == "NodeLost":
        return "Unknown"
    return "" if text(obj, "status.phase") in _FINISHED else "Terminating"


def _initializing(obj: JsonObject, sidecars: set[str], counted: _Counted) -> str:
    """Count the init containers up to the first that is not done; return why it is not, "" if all are."""
    statuses = elements(obj, "status.initContainerStatuses")
    for index, status in enumerate(statuses):
        restarts, finished = number(status, "restartCount"), text(status, "lastState.terminated.finishedAt")
        counted.restarts += restarts
        counted.last_restart = max(counted.last_restart, finished)
        sidecar = status.get("name") in sidecars
        if sidecar:
            counted.sidecar_restarts += restarts
            counted.last_sidecar_restart = max(counted.last_sidecar_restart, finished)
        terminated = at(status, "state.terminated")
        if terminated is not None and not terminated.get("exitCode"):
            continue
        if sidecar and status.get("started"):
            counted.ready += bool(status.get("ready"))
            continue
        if terminated is not None:
            return f"Init:{_ended(terminated)}"
        waiting = text(status, "state.waiting.reason")
        if waiting and waiting != "PodInitializing":
            return f"Init:{waiting}"
        return f"Init:{index}/{len(elements(obj, 'spec.initContainers'))}"
    return ""


def _running(obj: JsonObject, counted: _Counted, reason: str) -> str:
    """Count the containers, the last one first; return the reason that the first one with one gives."""
    running, error = False, ""
    for status in reversed(elements(obj, "status.containerStatuses")):
        counted.restarts += number(status, "restartCount")
        counted.last_restart = max(counted.last_restart, text(status, "lastState.terminated.finishedAt"))
        terminated, waiting = at(status, "state.terminated"), text(status, "state.waiting.reason")
        if waiting:
            reason = waiting
        elif terminated is not None:
            reason = _ended(terminated)
            error = reason if terminated.get("exitCode") else error
        elif status.get("ready") and at(status, "state.running") is not None:
            running = True
            counted.ready += 1
    if reason != "Completed":
        return reason
    if running and is_true(elements(obj, "status.conditions"), "Ready"):
        return "Running"
    return error or ("NotReady" if running else reason)


def _ended(terminated: JsonObject) -> str:
    if terminated.get("reason"):
        return str(terminated["reason"])
    if terminated.get("signal"):
        return f"Signal:{terminated['signal']}"
    return f"ExitCode:{terminated.get('exitCode') or 0}"


def _gates(obj: JsonObject) -> str:
    gates = elements(obj, "spec.readinessGates")
    if not gates:
        return NONE
    conditions = elements(obj, "status.conditions")
    return f"{sum(is_true(conditions, gate.get('conditionType', '')) for gate in gates)}/{len(gates)}"
