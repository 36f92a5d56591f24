"""What an apply would change in one object, redacted, as a list and as text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any

from gitops.objects import Json, JsonObject, short_digest
from gitops.pointers import pointer_to
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


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of a JSON Patch (RFC 6902): `add`, `remove` or `replace` at a JSON pointer.

    `live` is what is there now, for people: RFC 6902 lets readers skip members that they do not know.
    """

    op: str
    path: str
    value: Json | Absent = ABSENT
    live: Json | Absent = ABSENT

    def as_json(self) -> JsonObject:
        """`value` and `live` are left out where there is none."""
        pair = {"value": self.value, "live": self.live}
        told = {key: value for key, value in pair.items() if value is not ABSENT}
        return {"op": self.op, "path": self.path, **told}

    def __str__(self) -> str:
        """Read as the lines of `text` do, by the pointer."""
        return _line(Change(self.path, self.live, self.value))


def json_patch(live: JsonObject | None, wanted: JsonObject | None) -> tuple[Operation, ...]:
    """Give the operations that, one after the other, make `wanted` of `live`; secrets redacted as in `diff`.

    The same is left out. Elements of lists that all have a distinct `name` are matched by it where their
    order allows, others by place.
    """
    old, new = redact_pair(_stripped(live), _stripped(wanted))
    return tuple(_operations(old or {}, new or {}, ""))


def live_digests(live: JsonObject, wanted: JsonObject) -> dict[str, str]:
    """Give for each path of `json_patch` the digest of what is there now, unredacted; "" for nothing.

    Tells one value from another, of a Secret too: to be compared, and never shown or stored.
    """
    found = _operations(_stripped(live), _stripped(wanted), "")
    return {one.path: "" if isinstance(one.live, Absent) else short_digest(one.live) for one in found}


def _operations(live: Any, wanted: Any, path: str) -> Iterator[Operation]:  # noqa: ANN401 - any JSON
    if isinstance(live, dict) and isinstance(wanted, dict):
        for key in sorted({*live, *wanted}):
            place = f"{path}{pointer_to(key)}"
            if key not in wanted:
                yield Operation("remove", place, live=live[key])
            elif key not in live:
                yield Operation("add", place, wanted[key])
            else:
                yield from _operations(live[key], wanted[key], place)
    elif isinstance(live, list) and isinstance(wanted, list):
        yield from _list_operations(live, wanted, path)
    elif not _same(live, wanted):
        yield Operation("replace", path, wanted, live)


def _list_operations(live: list[Any], wanted: list[Any], path: str) -> Iterator[Operation]:
    old, new = _by_name(live), _by_name(wanted)
    if old is not None and new is not None:
        if [name for name in old if name in new] != [name for name in new if name in old]:
            yield Operation("replace", path, wanted, live)
            return
        for index in reversed(range(len(live))):
            if live[index]["name"] not in new:
                yield Operation("remove", f"{path}/{index}", live=live[index])
        for index, (name, item) in enumerate(new.items()):
            if name not in old:
                yield Operation("add", f"{path}/{index}", item)
            else:
                yield from _operations(old[name], item, f"{path}/{index}")
        return
    for index in reversed(range(len(wanted), len(live))):
        yield Operation("remove", f"{path}/{index}", live=live[index])
    for index, item in enumerate(wanted):
        if index >= len(live):
            yield Operation("add", f"{path}/{index}", item)
        else:
            yield from _operations(live[index], item, f"{path}/{index}")


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
