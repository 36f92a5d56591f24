"""Arithmetic over `metadata.managedFields`: which fields are ours, and who owns a field.

The form is Kubernetes' FieldsV1 (structured-merge-diff): a trie whose keys are `f:<name>`, `k:<key fields>`,
`v:<value>`, `i:<index>`, and `.` for the element itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

from gitops.objects import JsonObject, short_digest

FIELD_MANAGER = "gitops-waves"

Path: TypeAlias = tuple[str, ...]


@dataclass(frozen=True, order=True, slots=True)
class Owner:
    """One entry of managedFields; `time` is RFC 3339 as the API server wrote it, "" where absent."""

    manager: str
    operation: str
    subresource: str = ""
    time: str = ""

    @property
    def at(self) -> datetime | None:
        """`time` as a moment; None where it is absent or cannot be read."""
        try:
            return datetime.fromisoformat(self.time) if self.time else None
        except ValueError:
            return None


def our_entry(managed_fields: Iterable[JsonObject], manager: str = FIELD_MANAGER) -> JsonObject | None:
    """Find the entry of what `manager` applied, or None.

    Only operation `Apply` without a subresource: the API server keeps at most one such entry per manager,
    whatever API versions it was applied with.
    """
    for entry in managed_fields:
        if (
            entry.get("manager") == manager
            and entry.get("operation") == "Apply"
            and not entry.get("subresource")
        ):
            return entry
    return None


def fields_hash(metadata: Mapping[str, Any], manager: str = FIELD_MANAGER) -> str:
    """Short digest (32 hex digits) of the fields that `manager` applied and still owns; "" where none.

    Independent of key order and of when the fields were applied. It changes exactly when somebody takes a
    field from us or we apply other fields: see DESIGN section 4, "Drift by ownership".
    """
    entry = our_entry(metadata.get("managedFields") or (), manager)
    return short_digest(entry["fieldsV1"]) if entry is not None and "fieldsV1" in entry else ""


def paths(fields: JsonObject) -> frozenset[Path]:
    """All owned paths of a FieldsV1 trie: its leaves, and the elements that carry a `.`."""
    return frozenset(_walk(fields, ()))


def _walk(fields: JsonObject, prefix: Path) -> Iterator[Path]:
    for key, below in fields.items():
        if key == ".":
            yield prefix
        elif below:
            yield from _walk(below, (*prefix, key))
        else:
            yield (*prefix, key)


def owners(managed_fields: Iterable[JsonObject], path: Path) -> tuple[Owner, ...]:
    """Who owns `path`, sorted. Owning something below a path owns the path."""
    return tuple(sorted(owner_of(entry) for entry in managed_fields if _holds(entry.get("fieldsV1"), path)))


def owner_of(entry: JsonObject) -> Owner:
    """Whose an entry of managedFields is."""
    return Owner(
        str(entry.get("manager", "")),
        str(entry.get("operation", "")),
        str(entry.get("subresource", "")),
        str(entry.get("time", "")),
    )


def _holds(fields: JsonObject | None, path: Path) -> bool:
    found = fields
    for step in path:
        if found is None or step not in found:
            return False
        found = found[step]
    return found is not None


def place_of(step: str, live: Any) -> str | None:  # noqa: ANN401 - any JSON
    """Name a trie's step in a live mapping or list as a JSON pointer does; None where no element is meant.

    A field that is missing keeps its name.
    """
    form, _, rest = step.partition(":")
    if form == "f":
        return rest
    if not isinstance(live, list):
        return None
    if form == "i":
        return rest
    wanted = loaded(rest)
    found = (index for index, item in enumerate(live) if _matches(form, wanted, item))
    place = next(found, None)
    return None if place is None else str(place)


def value_at(live: Any, name: str) -> Any:  # noqa: ANN401 - any JSON
    """What is there at one step of a JSON pointer; None where nothing is."""
    if isinstance(live, dict):
        return live.get(name)
    if isinstance(live, list) and name.isdecimal() and int(name) < len(live):
        return live[int(name)]
    return None


def _matches(form: str, wanted: Any, item: Any) -> bool:  # noqa: ANN401 - any JSON
    if form == "v":
        return bool(wanted == item)
    if not isinstance(item, dict) or not isinstance(wanted, dict):
        return False
    return all(item.get(name) == value for name, value in wanted.items())


def loaded(text: str) -> Any:  # noqa: ANN401 - any JSON
    """Read the JSON in a step; as it is written where it is none."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def describe(path: Path) -> str:
    """Write a path as people do: `spec.template.spec.containers[name=app].image`."""
    text = ""
    for step in path:
        form, _, rest = step.partition(":")
        keys = loaded(rest) if form in {"k", "v"} else None
        if form == "f":
            text += f".{rest}" if text else rest
        elif form == "k" and isinstance(keys, dict):
            text += "[" + ",".join(f"{name}={value}" for name, value in sorted(keys.items())) + "]"
        elif form == "v":
            text += f"[={keys}]"
        else:
            text += f"[{rest}]"
    return text
