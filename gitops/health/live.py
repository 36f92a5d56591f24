"""Typed looks into a live object, whose shape nobody promises. Decides nothing about health."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gitops.objects import Json, JsonObject

LINE_LIMIT = 300


class MalformedError(ValueError):
    """A field holds another type than the API says. Names the field, never its value: that may be secret."""


def field(obj: Json, *path: str) -> Any:  # noqa: ANN401 - raw JSON; the callers below give it a type
    """Return the value at `path`, `None` where it or a parent is absent or null."""
    value: Json = obj
    for depth, name in enumerate(path):
        if value is None:
            return None
        if not isinstance(value, dict):
            raise MalformedError(f"{'.'.join(path[:depth]) or 'the object'} is not a mapping")
        value = value.get(name)
    return value


def text(obj: Json, *path: str) -> str:
    """Return a string; empty where it is absent."""
    value = field(obj, *path)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise MalformedError(f"{'.'.join(path)} is not a string")
    return value


def whole(obj: Json, *path: str) -> int | None:
    """Return a whole number; `None` where it is absent."""
    value = field(obj, *path)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int):
        raise MalformedError(f"{'.'.join(path)} is not a whole number")
    return value


def count(obj: Json, *path: str) -> int:
    """Return a whole number; 0 where it is absent, as Kubernetes omits zero counts."""
    return whole(obj, *path) or 0


def flag(obj: Json, *path: str) -> bool:
    """Return a boolean; false where it is absent."""
    value = field(obj, *path)
    if value is not None and not isinstance(value, bool):
        raise MalformedError(f"{'.'.join(path)} is not a boolean")
    return bool(value)


def items(obj: Json, *path: str) -> tuple[JsonObject, ...]:
    """Return a list of mappings; empty where it is absent."""
    value = field(obj, *path)
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise MalformedError(f"{'.'.join(path)} is not a list of mappings")
    return tuple(value)


def moment(obj: Json, *path: str) -> datetime | None:
    """Return an RFC 3339 time with its zone; `None` where it is absent or cannot be read."""
    try:
        found = datetime.fromisoformat(text(obj, *path))
    except ValueError:
        return None
    return found if found.tzinfo is not None else None


@dataclass(frozen=True, slots=True)
class Condition:
    """One entry of `status.conditions`. `generation` is the object's that it speaks of, where it says so."""

    status: str
    reason: str
    message: str
    generation: int | None

    @property
    def words(self) -> str:
        """What the condition's writer said, or at least the reason."""
        return self.message or self.reason or "no reason is given"


def conditions(obj: Json) -> dict[str, Condition]:
    """Return `status.conditions` by type. Of two entries with one type the last one counts."""
    return {
        text(entry, "type"): Condition(
            text(entry, "status"),
            text(entry, "reason"),
            text(entry, "message"),
            whole(entry, "observedGeneration"),
        )
        for entry in items(obj, "status", "conditions")
    }


def condition_is(obj: Json, kind: str, status: str) -> Condition | None:
    """Return the condition of that type when it has that status."""
    found = conditions(obj).get(kind)
    return found if found is not None and found.status == status else None


def controller_uid(obj: Json) -> str:
    """Return the uid of the one owner that controls this object; empty where there is none."""
    owners = items(obj, "metadata", "ownerReferences")
    return next((text(owner, "uid") for owner in owners if flag(owner, "controller")), "")


def name_of(obj: Json) -> str:
    """Return `metadata.name`."""
    return text(obj, "metadata", "name")


def one_line(words: str, limit: int = LINE_LIMIT) -> str:
    """Make foreign text safe for a sentence: one line, no control characters, at most `limit` characters.

    Characters that steer a terminal or reorder text (escape, bidirectional marks) become spaces.
    """
    clean = " ".join("".join(char if char.isprintable() else " " for char in words).split())
    return clean if len(clean) <= limit else clean[: limit - 1].rstrip() + "…"
