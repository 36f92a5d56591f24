"""managedFields for writes whose effect is known; `simcluster.fields` compares whole objects for the same.

Controllers write the same few fields again and again. Comparing only these, and changing only the writer's
own entry, gives the same result for a tenth of the price. Where another owner could be concerned,
`status_entries` answers None, and the write goes the long way.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from simcluster.gotext import json_text
from simcluster.kinds.types import List, Scalar, Struct, Type, resolved
from simcluster.values import JsonObject

_ABSENT: Any = object()
_MOST_ENTRIES = 9
_HEAD = frozenset(("apiVersion", "kind", "metadata", "status"))


def status_entries(
    live: JsonObject, new: JsonObject, schema: Struct, writer: tuple[str, str, str]
) -> list[JsonObject] | None:
    """Return the managedFields after `writer` (manager, version, time) changed the status of `live`.

    Besides the status only annotations may differ. None where another owner has fields of the status or of
    those annotations, or where there are no owners at all.
    """
    manager, version, time = writer
    ours, others = None, []
    for entry in live["metadata"].get("managedFields") or ():
        mine = entry["manager"] == manager and entry.get("subresource") == "status"
        if mine and entry["apiVersion"] == version and entry["operation"] == "Update":
            ours = entry
        else:
            others.append(entry)
    if not others or len(others) > _MOST_ENTRIES or any("f:status" in each["fieldsV1"] for each in others):
        return None
    before = {} if ours is None else ours["fieldsV1"]
    walk = Walk()
    kind = schema.fields["status"]
    status = walk.entry(before.get("f:status") or None, live.get("status") or {}, new["status"], kind)
    fields = {} if status is None else {"f:status": status}
    changed = _changed_annotations(live, new)
    if changed and any(_owns_annotation(each, changed) for each in others):
        return None
    if changed:
        told = _annotation_fields(before, live, new, changed)
        fields["f:metadata"] = {"f:annotations": told}
    elif "f:metadata" in before:
        fields["f:metadata"] = before["f:metadata"]
    if not fields:
        return sorted(others, key=order)
    wrote = walk.wrote or bool(changed) or ours is None
    entry = {
        "manager": manager,
        "operation": "Update",
        "apiVersion": version,
        "time": time if ours is None or wrote else ours["time"],
        "fieldsType": "FieldsV1",
        "fieldsV1": fields,
        "subresource": "status",
    }
    return sorted([*others, entry], key=order)


def own_entries(
    live: JsonObject, new: JsonObject, schema: Struct, writer: tuple[str, str, str]
) -> list[JsonObject] | None:
    """Return the managedFields after `writer` changed an object that it made and nobody else has touched.

    Outside the status and the annotations only fields of the top level may differ, and what is below them.
    None where another has fields, or the writer none.
    """
    manager, version, time = writer
    entries = live["metadata"].get("managedFields") or []
    ours = [each for each in entries if "subresource" not in each]
    if any(each["manager"] != manager or each["apiVersion"] != version for each in entries) or len(ours) != 1:
        return None
    before = ours[0]["fieldsV1"]
    content = [{key: value for key, value in each.items() if key not in _HEAD} for each in (live, new)]
    walk = Walk()
    fields = walk.owned(before, content[0], content[1], schema)
    if "f:metadata" in before:
        fields["f:metadata"] = before["f:metadata"]
    changed = _changed_annotations(live, new)
    if changed:
        told = _annotation_fields(before, live, new, changed)
        fields["f:metadata"] = {**fields.get("f:metadata", {}), "f:annotations": told}
    wrote = walk.wrote or changed
    entry = {**ours[0], "fieldsV1": fields, "time": time if wrote else ours[0]["time"]}
    return sorted([entry if each is ours[0] else each for each in entries], key=order)


def order(entry: JsonObject) -> tuple[str, ...]:
    """Sort key of entries: appliers first, then by time, manager, version, subresource."""
    return (
        entry["operation"],
        entry.get("time", ""),
        entry.get("manager", ""),
        entry["apiVersion"],
        entry.get("subresource", ""),
    )


class Walk:
    """A comparison of what was with what is, in the terms of one writer; `wrote` once it changed anything."""

    __slots__ = ("wrote",)

    def __init__(self) -> None:
        self.wrote = False

    def owned(self, before: JsonObject, old: JsonObject, new: JsonObject, struct: Struct) -> JsonObject:
        """Return the fields that the writer owns below a struct after it changed `old` to `new`, as FieldsV1.

        Those that it owned `before` and that are still there, and those that it wrote now.
        """
        found: JsonObject = {}
        for key, value in new.items():
            kind = struct.fields.get(key) or struct.values
            path = f"f:{key}"
            entry = self.entry(before.get(path), old.get(key, _ABSENT), value, kind)
            if entry is not None:
                found[path] = entry
        return found

    def entry(self, before: JsonObject | None, old: Any, new: Any, kind: Type | None) -> JsonObject | None:  # noqa: ANN401 - any JSON value
        """Return what is owned of one value; None for nothing. `before` {} is: the value itself."""
        if old == new:
            return before
        found = Scalar("any") if kind is None else resolved(kind)
        if isinstance(found, Struct) and not found.atomic and isinstance(new, dict):
            known = old if isinstance(old, dict) else {}
            children = self.owned(before or {}, known, new, found)
        elif isinstance(found, List) and found.topology == "map" and isinstance(new, list):
            children = self._items(before or {}, old if isinstance(old, list) else [], new, found)
        else:
            self.wrote = True
            return {}
        itself = old is _ABSENT or (before is not None and (not before or "." in before))
        self.wrote = self.wrote or old is _ABSENT
        if not children:
            return {} if itself else None
        return {".": {}, **children} if itself else children

    def _items(
        self, before: JsonObject, old: list[JsonObject], new: list[JsonObject], kind: List
    ) -> JsonObject:
        known = {_item_path(each, kind): each for each in old}
        found: JsonObject = {}
        for each in new:
            path = _item_path(each, kind)
            entry = self.entry(before.get(path), known.get(path, _ABSENT), each, kind.items)
            if entry is not None:
                found[path] = entry
        return found


def _item_path(item: Mapping[str, Any], kind: List) -> str:
    if len(kind.keys) == 1:
        return _single_path(kind.keys[0], item[kind.keys[0]])
    pairs = (f"{json_text(key)}:{_value_text(item[key])}" for key in sorted(kind.keys) if key in item)
    return f"k:{{{','.join(pairs)}}}"


@lru_cache(maxsize=1024)
def _single_path(key: str, value: str | float) -> str:
    return f"k:{{{json_text(key)}:{_value_text(value)}}}"


def _value_text(value: Any) -> str:  # noqa: ANN401 - any JSON scalar
    return json_text(value) if isinstance(value, str) else str(value)


def _changed_annotations(live: JsonObject, new: JsonObject) -> list[str]:
    old, now = (each["metadata"].get("annotations") or {} for each in (live, new))
    if old is now:
        return []
    return [key for key, value in now.items() if old.get(key) != value]


def _owns_annotation(entry: JsonObject, keys: list[str]) -> bool:
    fields = (entry["fieldsV1"].get("f:metadata") or {}).get("f:annotations") or {}
    return any(f"f:{key}" in fields for key in keys)


def _annotation_fields(
    before: JsonObject, live: JsonObject, new: JsonObject, changed: list[str]
) -> JsonObject:
    fields = dict((before.get("f:metadata") or {}).get("f:annotations") or {})
    if not live["metadata"].get("annotations"):
        fields["."] = {}
    fields.update({f"f:{key}": {} for key in changed})
    now = new["metadata"]["annotations"]
    return {key: value for key, value in fields.items() if key == "." or key[2:] in now}
