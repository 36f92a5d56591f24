"""Questions that every controller asks of an object's metadata, status and conditions, whatever its kind."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from simcluster.clock import timestamp
from simcluster.values import JsonObject


def moment(text: str) -> datetime:
    """Read an RFC 3339 time as the API writes it."""
    return datetime.fromisoformat(text)


def age_key(obj: JsonObject) -> tuple[str, str]:
    """Sort key: oldest first, then by name, as ByCreationTimestamp does."""
    metadata = obj["metadata"]
    return metadata.get("creationTimestamp", ""), metadata["name"]


def deleting(obj: JsonObject) -> bool:
    """Somebody asked for its deletion."""
    return "deletionTimestamp" in obj["metadata"]


def labels_of(obj: JsonObject) -> dict[str, str]:
    """The labels; empty where there are none."""
    found: dict[str, str] = obj["metadata"].get("labels") or {}
    return found


def annotations_of(obj: JsonObject) -> dict[str, str]:
    """The annotations; empty where there are none."""
    found: dict[str, str] = obj["metadata"].get("annotations") or {}
    return found


def status_of(obj: JsonObject) -> JsonObject:
    """The status; empty where there is none."""
    found: JsonObject = obj.get("status") or {}
    return found


def spec_of(obj: JsonObject) -> JsonObject:
    """The spec; empty where there is none."""
    found: JsonObject = obj.get("spec") or {}
    return found


def controller_of(obj: JsonObject) -> JsonObject | None:
    """Return the owner reference that says `controller: true`."""
    for reference in obj["metadata"].get("ownerReferences") or ():
        if reference.get("controller"):
            found: JsonObject = reference
            return found
    return None


def controller_reference(owner: JsonObject) -> JsonObject:
    """Return the reference by which `owner` controls what it makes (metav1.NewControllerRef)."""
    return {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


def condition(obj: JsonObject, kind: str) -> JsonObject | None:
    """Return the condition of that type from the status."""
    return condition_in(status_of(obj).get("conditions") or (), kind)


def condition_in(conditions: Iterable[JsonObject], kind: str) -> JsonObject | None:
    """Return the condition of that type."""
    return next((each for each in conditions if each["type"] == kind), None)


def settled(found: JsonObject) -> JsonObject:
    """Leave out what Go's omitempty leaves out: zeros, empty texts, None, empty lists and objects."""
    return {key: value for key, value in found.items() if value or value is False}


def scaled(value: int | str | None, total: int, *, up: bool) -> int:
    """Resolve an IntOrString against `total`: a percentage is rounded up or down, nothing counts as 0."""
    if isinstance(value, str) and value.endswith("%"):
        share = int(value[:-1]) * total
        return -(-share // 100) if up else share // 100
    return int(value or 0)


class LookAgain:
    """The earliest of the moments at which a decision may change by itself."""

    __slots__ = ("at",)

    def __init__(self) -> None:
        self.at: datetime | None = None

    def not_after(self, at: datetime) -> None:
        """Ask for another look at `at`, or before."""
        if self.at is None or at < self.at:
            self.at = at


def new_condition(kind: str, state: str, reason: str, message: str, now: datetime) -> JsonObject:
    """Return a condition that begins now, with the fields that most kinds' conditions have."""
    return {
        "type": kind,
        "status": state,
        "lastTransitionTime": timestamp(now),
        **({"reason": reason} if reason else {}),
        **({"message": message} if message else {}),
    }


def after(text: str, seconds: float) -> datetime:
    """Return the moment `seconds` after an API time."""
    return moment(text) + timedelta(seconds=seconds)
