"""The live object against what a dry-run apply of our manifest would make of it."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any

from gitops.diff import Operation, json_patch
from gitops.drift.authors import Author, author_of
from gitops.objects import Json, JsonObject, canonical_json
from gitops.pointers import steps_of

_MISSING = object()
_GRANULAR = ("labels", "annotations")


def compare(live: JsonObject, applied: JsonObject) -> tuple[tuple[Operation, Author], ...]:
    """Give what an apply would change, redacted, and whose each change is. Empty: our values are there."""
    return tuple((operation, author_of(live, operation.path)) for operation in json_patch(live, applied))


def holds(live: JsonObject, manifest: JsonObject) -> bool:
    """Whether a live object has every field of a manifest word for word; others may have labelled it.

    Together with unchanged ownership that is as good as a dry-run which changes nothing. False too where
    others added to a field, or the server writes an equal value in another way: some maps and lists are
    owned as a whole, so only a dry-run can tell whether that counts.
    """
    theirs, ours = live.get("metadata") or {}, manifest.get("metadata") or {}
    for name in _GRANULAR:
        found, wanted = theirs.get(name) or {}, ours.get(name) or {}
        if any(found.get(key) != value for key, value in wanted.items()):
            return False
    return _has(theirs, {name: value for name, value in ours.items() if name not in _GRANULAR}) and _has(
        live, {name: value for name, value in manifest.items() if name != "metadata"}
    )


def _has(live: JsonObject, fields: JsonObject) -> bool:
    """Canonical JSON tells 1 from true."""
    return all(
        name in live and canonical_json(live[name]) == canonical_json(value) for name, value in fields.items()
    )


def carried_over(
    manifest: JsonObject, live: JsonObject, applied: JsonObject, pointers: Iterable[str]
) -> JsonObject | None:
    """Make a manifest that applies everything but `pointers`, where it keeps what is live.

    Leaving those fields out instead would give them up, and with nobody else holding them remove them.
    None where a pointer cannot be found in the manifest, as in a list that has elements of others, none of
    them with a name, and where it is a whole element of a list.
    """
    body = copy.deepcopy(manifest)
    for pointer in pointers:
        if not _carry(body, live, applied, steps_of(pointer)):
            return None
    return body


def _carry(body: JsonObject, live: JsonObject, applied: JsonObject, pointer: tuple[str, ...]) -> bool:
    ours: Any = body
    theirs: Any = live
    after: Any = applied
    *steps, last = pointer
    for step in steps:
        among, after = after, _below(after, step)
        ours = _below(ours, step) if isinstance(ours, dict) else _our_element(ours, among, step)
        theirs = _below(theirs, step) if isinstance(theirs, dict) else _same_element(theirs, after, step)
        if ours is _MISSING or theirs is _MISSING or after is _MISSING:
            return False
    if not isinstance(ours, dict) or not isinstance(theirs, dict):
        return False
    if last in theirs:
        ours[last] = copy.deepcopy(theirs[last])
    else:
        ours.pop(last, None)
    return True


def _below(value: Json, step: str) -> Any:  # noqa: ANN401 - any JSON
    if isinstance(value, dict):
        return value.get(step, _MISSING)
    if isinstance(value, list) and step.isdecimal() and int(step) < len(value):
        return value[int(step)]
    return _MISSING


def _same_element(items: Any, element: Any, place: str) -> Any:  # noqa: ANN401 - any JSON
    """By name, else by place: as `json_patch` compares."""
    name = element.get("name") if isinstance(element, dict) else None
    if name is None or not isinstance(items, list):
        return _below(items, place)
    return next((item for item in items if isinstance(item, dict) and item.get("name") == name), _MISSING)


def _our_element(items: Any, among: Any, place: str) -> Any:  # noqa: ANN401 - any JSON
    """The element of a manifest's list that became the one at `place` of the list as applied.

    Without a name that is sure only where all are ours, and this one holds what the manifest says.
    """
    element = _below(among, place)
    found = _same_element(items, element, place)
    if found is _MISSING or not isinstance(element, dict) or element.get("name") is not None:
        return found
    return found if len(items) == len(among) and _includes(element, found) else _MISSING


def _includes(whole: Any, part: Any) -> bool:  # noqa: ANN401 - any JSON
    """Whether all of `part` is in `whole`, which may have more fields: defaults."""
    if isinstance(whole, dict) and isinstance(part, dict):
        return all(name in whole and _includes(whole[name], value) for name, value in part.items())
    if isinstance(whole, list) and isinstance(part, list):
        return len(whole) == len(part) and all(map(_includes, whole, part))
    return canonical_json(whole) == canonical_json(part)
