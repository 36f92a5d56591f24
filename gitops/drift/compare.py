"""The live object against what a dry-run apply of our manifest would make of it."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any

from gitops.diff import Operation, json_patch
from gitops.drift.authors import Author, author_of, unescaped
from gitops.objects import Json, JsonObject, canonical_json

_MISSING = object()


def compare(live: JsonObject, applied: JsonObject) -> tuple[tuple[Operation, Author], ...]:
    """Give what an apply would change, redacted, and whose each change is. Empty: our values are there."""
    return tuple((operation, author_of(live, operation.path)) for operation in json_patch(live, applied))


_GRANULAR = ("labels", "annotations")


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
    None where a pointer cannot be found in the manifest, as in a list whose elements have no names.
    """
    body = copy.deepcopy(manifest)
    for pointer in pointers:
        if not _carry(body, live, applied, unescaped(pointer)):
            return None
    return body


def _carry(body: JsonObject, live: JsonObject, applied: JsonObject, pointer: tuple[str, ...]) -> bool:
    ours: Any = body
    theirs: Any = live
    after: Any = applied
    *steps, last = pointer
    for step in steps:
        after = _below(after, step)
        ours = _below(ours, step) if isinstance(ours, dict) else _same_element(ours, after)
        theirs = _below(theirs, step) if isinstance(theirs, dict) else _same_element(theirs, after)
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


def _same_element(items: Any, element: Any) -> Any:  # noqa: ANN401 - any JSON
    name = element.get("name") if isinstance(element, dict) else None
    if name is None or not isinstance(items, list):
        return _MISSING
    return next((item for item in items if isinstance(item, dict) and item.get("name") == name), _MISSING)
