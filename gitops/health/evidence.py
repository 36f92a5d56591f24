"""What a person would look for when an object is not healthy: container states, events, last log lines.

Wording is free of ages, so the same state gives the same lines whenever it is read. Specs, environment
variables and `data` are never read; what programs wrote into events and logs is foreign text, kept to one
clean line each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

from gitops.health.live import MalformedError, moment, name_of, one_line, text, whole
from gitops.health.owned import Related, newest_replica_set, own_pods
from gitops.health.signs import Symptom, container_statuses, unscheduled_symptom, waiting_symptom
from gitops.objects import JsonObject

STATE_LINES = 6
EVENT_LINES = 6
LOG_LINES = 5
LOGS = 2
LINE_WIDTH = 300
# Which of an Event's times is the newest depends on who wrote it, and through which API.
TIMES = (
    ("series", "lastObservedTime"),
    ("lastTimestamp",),
    ("deprecatedLastTimestamp",),
    ("eventTime",),
    ("metadata", "creationTimestamp"),
)
NO_LOGS: Mapping[tuple[str, str], str] = {}

T = TypeVar("T")


def evidence(
    obj: JsonObject,
    symptoms: Sequence[Symptom],
    related: Related,
    logs: Mapping[tuple[str, str], str] = NO_LOGS,
    *,
    applied_generation: int | None = None,
) -> tuple[str, ...]:
    """Return at most 22 lines of at most 300 characters: states, newest Warning events, last log lines.

    `logs` holds the last output by (Pod, container). Pods that show the same are told once, with their
    number; of containers with one name, one log is enough. Equal inputs give equal lines, in whatever order
    they come. A program may have written a secret into its own log: redact what leaves. `applied_generation`
    is as in `assess`: Pods of an older template are no evidence.
    """
    pods = own_pods(obj, related, applied_generation=applied_generation)
    states = _told_once([*symptoms, *_unready(pods, {symptom.pod for symptom in symptoms})])
    lines = [
        *states[:STATE_LINES],
        *_event_lines(obj, pods, related)[:EVENT_LINES],
        *_log_lines(symptoms, logs),
    ]
    return tuple(one_line(line, LINE_WIDTH) for line in lines)


def _told_once(symptoms: Iterable[Symptom]) -> list[str]:
    """Say once what several Pods of one template show alike."""
    alike: dict[tuple[str, str, str, int | None], list[Symptom]] = {}
    for symptom in symptoms:
        bare = _without(symptom.pod, symptom.message)
        alike.setdefault((symptom.container, symptom.reason, bare, symptom.exit_code), []).append(symptom)
    return [f"{group[0]}{_and_more(len({one.pod for one in group}))}" for group in alike.values()]


def _and_more(pods: int) -> str:
    return "" if pods <= 1 else f" (and {pods - 1} more {'Pod' if pods == 2 else 'Pods'})"  # noqa: PLR2004 - grammar


def _without(name: str, message: str) -> str:
    return message.replace(name, "…") if name else message


def _unready(pods: Iterable[JsonObject], told: set[str]) -> list[Symptom]:
    """Describe the containers that are not ready, of Pods that no symptom has told of."""
    found: list[Symptom] = []
    for pod in pods:
        if name_of(pod) in told:
            continue
        try:
            states = [unscheduled_symptom(pod), *(_state(pod, status) for status in container_statuses(pod))]
            found.extend(filter(None, states))
        except MalformedError:
            continue
    return found


def _state(pod: JsonObject, status: JsonObject) -> Symptom | None:
    name, container = name_of(pod), text(status, "name")
    if status.get("ready") is True:
        return None
    if reason := text(status, "state", "waiting", "reason"):
        return waiting_symptom(pod, status, reason)
    for state, words in (("state", "terminated"), ("lastState", "not ready, terminated before")):
        code = whole(status, state, "terminated", "exitCode")
        if code is not None and (code or state == "lastState"):
            reason = text(status, state, "terminated", "reason") or "Error"
            return Symptom(name, container, f"{words}: {reason}", "", code, None)
    running = status.get("state") if isinstance(status.get("state"), dict) else None
    return (
        Symptom(name, container, "running but not ready", "", None, None)
        if running and "running" in running
        else None
    )


@dataclass(frozen=True, slots=True)
class _Event:
    """A Warning, of either events API. `last` is empty where none of the many times is set."""

    kind: str
    name: str
    uid: str
    reason: str
    message: str
    times: int
    last: str
    at: datetime | None

    @classmethod
    def read(cls, event: JsonObject) -> _Event | None:
        """Read an Event of `v1` or of `events.k8s.io/v1`; `None` unless it is a Warning."""
        if text(event, "type") != "Warning":
            return None
        about = "involvedObject" if event.get("involvedObject") else "regarding"
        last = _first(event, text, *TIMES)
        times = _first(event, whole, ("series", "count"), ("count",), ("deprecatedCount",))
        return cls(
            text(event, about, "kind"),
            text(event, about, "name"),
            text(event, about, "uid"),
            text(event, "reason"),
            one_line(text(event, "message") or text(event, "note")),
            times or 1,
            last or "",
            moment({"last": last}, "last"),
        )


def _first(obj: JsonObject, read: Callable[..., T], *paths: tuple[str, ...]) -> T | None:
    return next((value for path in paths if (value := read(obj, *path))), None)


def _event_lines(obj: JsonObject, pods: Iterable[JsonObject], related: Related) -> list[str]:
    """Tell the newest first; of those that differ in the Pod's name only, once."""
    subjects = [("", obj), *(("Pod", pod) for pod in pods)]
    if newest := newest_replica_set(obj, related):
        subjects.append(("ReplicaSet", newest))
    alike: dict[tuple[str, str, str], list[_Event]] = {}
    for event in _about(subjects, related.events):
        key = (event.kind, event.reason, _without(event.name, event.message))
        alike.setdefault(key, []).append(event)
    groups = [_merge(group) for group in alike.values()]
    groups.sort(key=lambda pair: _newest_first(pair[0]))
    return [_event_line(event, names) for event, names in groups]


def _about(subjects: Iterable[tuple[str, JsonObject]], events: Iterable[JsonObject]) -> list[_Event]:
    uids, names = set(), set()
    for kind, subject in subjects:
        try:
            uids.add(text(subject, "metadata", "uid"))
            names.add((kind or text(subject, "kind"), name_of(subject)))
        except MalformedError:
            continue
    found = []
    for raw in events:
        try:
            event = _Event.read(raw)
        except MalformedError:
            continue
        if event and (event.uid in uids if event.uid else (event.kind, event.name) in names):
            found.append(event)
    return found


def _newest_first(event: _Event) -> tuple[float, str, str, str, str]:
    return (-event.at.timestamp() if event.at else 0.0, event.kind, event.name, event.reason, event.message)


def _merge(group: list[_Event]) -> tuple[_Event, int]:
    newest = min(group, key=_newest_first)
    total = sum(event.times for event in group)
    return replace(newest, times=total), len({event.name for event in group})


def _event_line(event: _Event, names: int) -> str:
    often = f"{event.times} times, last at" if event.times > 1 else "once, at"
    when = f" ({often} {event.last})" if event.last else f" ({event.times} times)" if event.times > 1 else ""
    return f"Event {event.reason} on {event.kind} {event.name}{_and_more(names)}{when}: {event.message}"


def _log_lines(symptoms: Sequence[Symptom], logs: Mapping[tuple[str, str], str]) -> list[str]:
    """Show the last lines, containers with symptoms first; one log for each container name."""
    order = [(symptom.pod, symptom.container) for symptom in symptoms] + sorted(logs)
    shown: dict[str, list[str]] = {}
    for pod, container in order:
        written = [line for line in logs.get((pod, container), "").splitlines() if line.strip()]
        if written and container not in shown:
            shown[container] = [f"Log of {pod}/{container}: {line}" for line in written[-LOG_LINES:]]
    return [line for lines in list(shown.values())[:LOGS] for line in lines]
