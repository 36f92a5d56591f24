"""Events: what to write for a happening, with the counting and combining that client-go does.

The same happening again raises the count of its Event; from the tenth different message on, within ten
minutes, about one object for one reason, they are combined into one; one source may tell 25 things about
one object, and one more every five minutes. Events are kept for an hour.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from simcluster.behaviour.actions import Record
from simcluster.clock import micro_timestamp, timestamp
from simcluster.values import JsonObject

KEPT = timedelta(hours=1)
_COMBINE_FROM = 10
_COMBINE_WITHIN = timedelta(minutes=10)
_BURST = 25
_REFILL = timedelta(minutes=5)
_REMEMBERED = 256
_COMBINED = "(combined from similar events): "


class Written(NamedTuple):
    """An Event to write: created, or (with `again`) the one of that name counted up."""

    event: JsonObject
    again: bool


@dataclass(slots=True)
class _Similar:
    """Events about one object for one reason by one source."""

    last: datetime
    messages: dict[str, None] = field(default_factory=dict)


@dataclass(slots=True)
class _Known:
    """An Event that was written."""

    name: str
    first: str
    count: int


class Recorder:
    """The memory behind one cluster's Events; the oldest of it is forgotten first."""

    __slots__ = ("_known", "_number", "_similar", "_tokens")

    def __init__(self) -> None:
        self._similar: OrderedDict[tuple[str, ...], _Similar] = OrderedDict()
        self._known: OrderedDict[tuple[str, ...], _Known] = OrderedDict()
        self._tokens: OrderedDict[tuple[str, ...], tuple[float, datetime]] = OrderedDict()
        self._number = 0

    def write(self, told: Record, component: str, now: datetime) -> Written | None:
        """Return the Event to write for a happening; None where this source has told too much."""
        about = _reference(told.about)
        source = (component, about.get("uid", ""), about["kind"], about["name"], about.get("namespace", ""))
        if not self._take_token(source, now):
            return None
        similar = (*source, told.type, told.reason)
        combined = self._combines(similar, told.message, now)
        key = similar if combined else (*similar, told.message)
        known = self._known.get(key)
        if known is None:
            known = _Known(self._name(about["name"], now), timestamp(now), 0)
            _remember(self._known, key, known)
        known.count += 1
        event = self._event(told, about, known, now)
        if combined:
            event["message"] = _COMBINED + told.message
        event["source"] = {"component": component}
        event["reportingComponent"] = "" if combined else component
        return Written(event, again=known.count > 1)

    def scheduling(self, told: Record, action: str, now: datetime) -> JsonObject:
        """Return an Event as the scheduler writes them, through events.k8s.io."""
        about = _reference(told.about)
        return {
            **_frame(told, about, self._name(about["name"], now)),
            "source": {},
            "firstTimestamp": None,
            "lastTimestamp": None,
            "eventTime": micro_timestamp(now),
            "action": action,
            "reportingComponent": "default-scheduler",
            "reportingInstance": "default-scheduler-simcluster",
        }

    def _event(self, told: Record, about: JsonObject, known: _Known, now: datetime) -> JsonObject:
        return {
            **_frame(told, about, known.name),
            "firstTimestamp": known.first,
            "lastTimestamp": timestamp(now),
            "count": known.count,
            "eventTime": None,
            "reportingInstance": "",
        }

    def _name(self, name: str, now: datetime) -> str:
        """Return the object's name and a number in hexadecimal: the time, and what makes it unique."""
        self._number += 1
        return f"{name}.{int(now.timestamp()) * 1_000_000_000 + self._number:x}"

    def _combines(self, key: tuple[str, ...], message: str, now: datetime) -> bool:
        found = self._similar.get(key)
        if found is None or now - found.last > _COMBINE_WITHIN:
            found = _Similar(now)
            _remember(self._similar, key, found)
        found.last = now
        found.messages[message] = None
        if len(found.messages) < _COMBINE_FROM:
            return False
        del found.messages[next(iter(found.messages))]
        return True

    def _take_token(self, source: tuple[str, ...], now: datetime) -> bool:
        left, since = self._tokens.get(source, (float(_BURST), now))
        left = min(left + (now - since) / _REFILL, _BURST)
        if left < 1:
            return False
        _remember(self._tokens, source, (left - 1, now))
        return True


def _remember(memory: OrderedDict[tuple[str, ...], Any], key: tuple[str, ...], value: object) -> None:
    memory[key] = value
    memory.move_to_end(key)
    if len(memory) > _REMEMBERED:
        memory.popitem(last=False)


def _frame(told: Record, about: JsonObject, name: str) -> JsonObject:
    namespace = about.get("namespace") or "default"
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": name, "namespace": namespace},
        "involvedObject": about,
        "reason": told.reason,
        "message": told.message,
        "type": told.type,
    }


def _reference(obj: JsonObject) -> JsonObject:
    metadata = obj["metadata"]
    found = {
        "kind": obj["kind"],
        "namespace": metadata.get("namespace"),
        "name": metadata["name"],
        "uid": metadata.get("uid"),
        "apiVersion": obj["apiVersion"],
        "resourceVersion": metadata.get("resourceVersion"),
    }
    return {key: value for key, value in found.items() if value}
