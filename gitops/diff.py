"""What an apply would change in one object, redacted, as a list and as text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any

from gitops.objects import Json, JsonObject
from gitops.redact import LAST_APPLIED, redact_pair


class Absent(Enum):
    """A field that is not there: neither null nor empty."""

    ABSENT = "absent"

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT = Absent.ABSENT

# Written by the API server on every write, whoever made it: no difference that people care about.
_SERVER_METADATA = frozenset(
    {"creationTimestamp", "generation", "managedFields", "resourceVersion", "selfLink", "uid"}
)
_LONGEST = 200
# Strings that read like another type, or whose ends could not be seen.
_NEEDS_QUOTES = re.compile(r"^$|^\s|\s$|^(true|false|null)$|^[-+.]?\d|^[\[{\"]")


@dataclass(frozen=True, slots=True)
class Change:
    """One field that differs; `path` as the API server writes it: `spec.containers[name=app].image`."""

    path: str
    before: Json | Absent
    after: Json | Absent

    def as_json(self) -> JsonObject:
        """`before` and `after` are left out where the field is absent."""
        pair = {"before": self.before, "after": self.after}
        return {"path": self.path, **{key: value for key, value in pair.items() if value is not ABSENT}}


def diff(before: JsonObject | None, after: JsonObject | None) -> tuple[Change, ...]:
    """Compare two states of one object, secrets redacted, in the order of paths; None is no object at all.

    `status`, what the API server writes on every write, and kubectl's last-applied annotation are left
    out. List elements that all have a distinct `name` are compared by name, others by place; an order
    changed among named elements is one change of the list's names.
    """
    old, new = redact_pair(_stripped(before), _stripped(after))
    return tuple(_compare(old or {}, new or {}, ""))


def _stripped(body: JsonObject | None) -> JsonObject | None:
    if body is None:
        return None
    kept = {key: value for key, value in body.items() if key != "status"}
    metadata = {
        key: value for key, value in (body.get("metadata") or {}).items() if key not in _SERVER_METADATA
    }
    if metadata.get("annotations"):
        annotations = {key: value for key, value in metadata["annotations"].items() if key != LAST_APPLIED}
        metadata["annotations"] = annotations
        if not annotations:
            del metadata["annotations"]
    if "metadata" in kept:
        kept["metadata"] = metadata
    return kept


def _compare(before: Any, after: Any, path: str) -> Iterator[Change]:  # noqa: ANN401 - raw JSON, or ABSENT
    if isinstance(before, dict) and isinstance(after, dict):
        for key in sorted({*before, *after}):
            yield from _compare(before.get(key, ABSENT), after.get(key, ABSENT), _below(path, key))
    elif isinstance(before, list) and isinstance(after, list):
        yield from _compare_lists(before, after, path)
    elif not _same(before, after):
        yield Change(path, before, after)


def _same(before: Json | Absent, after: Json | Absent) -> bool:
    # Python holds True == 1 and 1 == 1.0; JSON's readers tell the first pair apart, not the second.
    return before == after and isinstance(before, bool) == isinstance(after, bool)


def _compare_lists(before: list[Any], after: list[Any], path: str) -> Iterator[Change]:
    old, new = _by_name(before), _by_name(after)
    if old is not None and new is not None:
        kept_before = [name for name in old if name in new]
        kept_after = [name for name in new if name in old]
        if kept_before != kept_after:
            yield Change(f"{path}[*].name", list(old), list(new))
        for name in sorted({*old, *new}):
            yield from _compare(old.get(name, ABSENT), new.get(name, ABSENT), f"{path}[name={name}]")
        return
    for index in range(max(len(before), len(after))):
        one = before[index] if index < len(before) else ABSENT
        other = after[index] if index < len(after) else ABSENT
        yield from _compare(one, other, f"{path}[{index}]")


def _by_name(items: list[Any]) -> dict[str, Any] | None:
    """Elements by their `name`, or None where they are not all named, or not distinctly."""
    named = {
        item["name"]: item for item in items if isinstance(item, dict) and isinstance(item.get("name"), str)
    }
    return named if len(named) == len(items) else None


def _below(path: str, key: str) -> str:
    if not key or any(sign in key for sign in ".[]/ "):
        return f"{path}[{key}]"
    return f"{path}.{key}" if path else key


def text(changes: Iterable[Change]) -> str:
    """One line per change: `+ path: value`, `- path: value`, `~ path: before → after`; "" for none."""
    return "\n".join(map(_line, changes))


def _line(change: Change) -> str:
    if isinstance(change.before, Absent):
        return f"+ {change.path}: {_short(change.after)}"
    if isinstance(change.after, Absent):
        return f"- {change.path}: {_short(change.before)}"
    return f"~ {change.path}: {_short(change.before)} → {_short(change.after)}"


def _short(value: Json | Absent) -> str:
    """JSON on one line, strings that need no quotes without them, cut after 200 characters."""
    if isinstance(value, str) and value.isprintable() and not _NEEDS_QUOTES.search(value):
        written = value
    else:
        written = json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)
    return written if len(written) <= _LONGEST else written[: _LONGEST - 1] + "…"
