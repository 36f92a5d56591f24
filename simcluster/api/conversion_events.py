"""Events of events.k8s.io/v1 and of v1: one object, two sets of names (pkg/apis/events/v1/conversion.go)."""

from __future__ import annotations

from simcluster.values import JsonObject

# events.k8s.io/v1 name: v1 name
_NAMES = {
    "note": "message",
    "regarding": "involvedObject",
    "deprecatedSource": "source",
    "deprecatedFirstTimestamp": "firstTimestamp",
    "deprecatedLastTimestamp": "lastTimestamp",
    "deprecatedCount": "count",
    "reportingController": "reportingComponent",
}
_BACK = {core: new for new, core in _NAMES.items()}


def to_core(event: JsonObject) -> JsonObject:
    """Return an event of events.k8s.io/v1 as one of v1."""
    return _renamed(event, _NAMES, "v1")


def to_events(event: JsonObject) -> JsonObject:
    """Return an event of v1 as one of events.k8s.io/v1."""
    return _renamed(event, _BACK, "events.k8s.io/v1")


def _renamed(event: JsonObject, names: dict[str, str], api_version: str) -> JsonObject:
    found = {names.get(key, key): value for key, value in event.items()}
    found["apiVersion"] = api_version
    return found
