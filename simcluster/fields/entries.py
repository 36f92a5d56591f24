"""`metadata.managedFields`: read, written, and kept to a bounded number of updaters."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

from simcluster.clock import timestamp
from simcluster.fields.elements import ElementError
from simcluster.fields.sets import FieldSet
from simcluster.gotext import json_text, quoted
from simcluster.values import JsonObject

APPLY = "Apply"
UPDATE = "Update"
_OPERATIONS = (APPLY, UPDATE)
_MOST_UPDATERS = 10
_BUCKET = "ancient-changes"


class EntriesError(ValueError):
    """A managedFields that cannot be read; the text is the server's."""


class Owner(NamedTuple):
    """What tells entries apart. An applier is one in all versions, so its `api_version` is empty."""

    manager: str
    operation: str
    api_version: str
    subresource: str

    def identifier(self) -> str:
        """The JSON that the server keeps for it, and sorts conflicts by."""
        found = {
            "manager": self.manager,
            "operation": self.operation,
            "apiVersion": self.api_version,
            "subresource": self.subresource,
        }
        parts = [f"{json_text(key)}:{json_text(value)}" for key, value in found.items() if value]
        return f"{{{','.join(parts)}}}"

    def __str__(self) -> str:
        """As conflicts name it: `"m" with subresource "status" using apps/v1`; an applier without version."""
        text = quoted(self.manager)
        if self.subresource:
            text += f" with subresource {quoted(self.subresource)}"
        return f"{text} using {self.api_version}" if self.operation == UPDATE else text


class Owned(NamedTuple):
    """The fields of one owner, as paths of one version."""

    fields: FieldSet
    api_version: str


@dataclass(slots=True)
class Managed:
    """An object's owners while a request is worked on; times are kept apart, for they outlive changes."""

    owners: dict[Owner, Owned] = field(default_factory=dict)
    times: dict[Owner, str] = field(default_factory=dict)


def decode(entries: list[Any] | None, *, stored: bool) -> Managed:
    """Read managedFields. `stored` ones were written by `encode`, and are taken as they are.

    Raises `EntriesError`.
    """
    managed = Managed()
    for index, entry in enumerate(entries or ()):
        owner, api_version = _owner(entry, index)
        fields = entry.get("fieldsV1") or {}
        try:
            found = FieldSet(fields, in_order=True) if stored else FieldSet.from_v1(fields)
        except ElementError as error:
            raise EntriesError(f"error decoding manager from {entry}: {error}") from error
        managed.owners[owner] = Owned(found, api_version)
        managed.times.pop(owner, None)
        if entry.get("time"):
            managed.times[owner] = entry["time"] if stored else _utc(entry["time"])
    return managed


def _owner(entry: JsonObject, index: int) -> tuple[Owner, str]:
    operation = entry.get("operation") or ""
    if operation not in _OPERATIONS:
        raise EntriesError("operation must be `Apply` or `Update`")
    api_version = entry.get("apiVersion") or ""
    if not api_version:
        raise EntriesError("apiVersion must not be empty")
    fields_type = entry.get("fieldsType") or ""
    if not fields_type:
        raise EntriesError(f"missing fieldsType in managed fields entry {index}")
    if fields_type != "FieldsV1":
        raise EntriesError(f"invalid fieldsType {quoted(fields_type)} in managed fields entry {index}")
    version = "" if operation == APPLY else api_version
    return Owner(entry.get("manager") or "", operation, version, entry.get("subresource") or ""), api_version


def _utc(time: str) -> str:
    """RFC 3339 in whole seconds of UTC, as metav1.Time is written."""
    try:
        moment = datetime.fromisoformat(time)
    except ValueError as error:
        raise EntriesError(str(error)) from error
    if moment.tzinfo is None:
        raise EntriesError(f'parsing time "{time}": no offset')
    return timestamp(moment.astimezone(UTC))


def encode(managed: Managed) -> list[JsonObject]:
    """Write managedFields: appliers first, then by time, manager, version, subresource."""

    def order(owner: Owner) -> tuple[str, ...]:
        time = managed.times.get(owner, "")
        version = managed.owners[owner].api_version
        return (owner.operation, time, owner.manager, version, owner.subresource)

    return [_entry(owner, managed) for owner in sorted(managed.owners, key=order)]


def _entry(owner: Owner, managed: Managed) -> JsonObject:
    owned = managed.owners[owner]
    entry: JsonObject = {"manager": owner.manager} if owner.manager else {}
    entry |= {"operation": owner.operation, "apiVersion": owned.api_version}
    time = managed.times.get(owner)
    if time:
        entry["time"] = time
    entry |= {"fieldsType": "FieldsV1", "fieldsV1": owned.fields.to_v1()}
    if owner.subresource:
        entry["subresource"] = owner.subresource
    return entry


def is_reset(entries: list[Any] | None) -> bool:
    """Whether a writer asks for managedFields to be forgotten: `[]` or `[{}]`."""
    return entries is not None and (not entries or (len(entries) == 1 and not entries[0]))


def cap(managed: Managed) -> None:
    """Merge the oldest updaters of each version into one `ancient-changes` while there are too many."""
    updaters = [owner for owner in managed.owners if owner.operation == UPDATE]
    excess = len(updaters) - _MOST_UPDATERS
    if excess <= 0:
        return
    updaters.sort(key=lambda owner: (managed.times.get(owner, ""), owner.identifier()))
    first: dict[str, Owner] = {}
    for owner in updaters:
        if excess <= 0:
            break
        owned = managed.owners[owner]
        if owned.api_version not in first:
            first[owned.api_version] = owner
            continue
        bucket = Owner(_BUCKET, UPDATE, owned.api_version, "")
        if bucket not in managed.owners:
            managed.owners[bucket] = managed.owners.pop(first[owned.api_version])
        merged = owned.fields.union(managed.owners[bucket].fields)
        managed.owners[bucket] = Owned(merged, owned.api_version)
        del managed.owners[owner]
        excess -= 1
        time = managed.times.get(owner)
        managed.times.pop(bucket, None)
        if time:
            managed.times[bucket] = time
