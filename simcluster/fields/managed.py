"""Server-Side Apply and the tracking of updates: what the API server does to `metadata.managedFields`.

Objects that come in are not changed. What comes out is new down to its metadata, and shares the rest.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from simcluster.errors import ApiError, bad_request
from simcluster.fields import last_applied
from simcluster.fields.conflicts import ApplyConflict, Conflict
from simcluster.fields.empty import empty, is_built_in, without_nulls
from simcluster.fields.entries import (
    APPLY,
    UPDATE,
    EntriesError,
    Managed,
    Owner,
    cap,
    decode,
    encode,
    is_reset,
)
from simcluster.fields.ownership import ConversionError, Ledger, Rules, Versions
from simcluster.fields.sets import EMPTY, FieldSet
from simcluster.fields.shapes import same
from simcluster.fields.typed import TypedError, check
from simcluster.kinds.types import Struct
from simcluster.values import JsonObject

__all__ = [
    "ApplyConflict",
    "Conflict",
    "Versions",
    "Writer",
    "apply",
    "keep_times",
    "object_type",
    "update",
]

_BEFORE = "before-first-apply"
_ENTRIES = "managedFields"


@dataclass(frozen=True, slots=True)
class Writer:
    """Who writes: the field manager, the version of the request, the time (RFC 3339), the subresource."""

    manager: str
    api_version: str
    time: str
    subresource: str = ""

    def owner(self, operation: str) -> Owner:
        """What the writer's entry is told apart by."""
        version = "" if operation == APPLY else self.api_version
        return Owner(self.manager or "unknown", operation, version, self.subresource)


def apply(  # noqa: PLR0913 - what an apply is made of
    live: JsonObject | None,
    config: JsonObject,
    schema: Struct,
    writer: Writer,
    *,
    force: bool,
    ignored: FieldSet = EMPTY,
    versions: Versions | None = None,
) -> JsonObject:
    """Return what a Server-Side Apply makes of the live object (None: it creates), managedFields included.

    `ignored` are the paths that this request resets (status, or everything else), which it does not come to
    own. `versions` says what other owners' versions are. An explicit null stays in the result.

    Raises `ApplyConflict`, and `ApiError` for what is no configuration of the kind, in the server's words.
    """
    managed = _of_live(live)
    _check_patch(config, writer)
    zero = empty(schema)
    old = _bare(live) if live is not None else zero
    rules = _rules(schema, writer, ignored, versions)
    _check_typed("patch", config, schema, duplicates=False)
    config = _bare(config)
    if rules.changeable:
        _check_typed("live", old, schema, duplicates=True)
    if not managed.owners and live is not None:
        _record_update(Ledger(rules, managed), managed, (zero, old), writer, _BEFORE)
    owner = writer.owner(APPLY)
    try:
        new, managed = _applied((old, config), rules, managed, owner, force=force)
    except ApplyConflict as refused:
        if writer.manager != last_applied.MANAGER:
            raise
        _check_migration(refused, last_applied.allowed(old, schema, writer.api_version))
        new, managed = _applied((old, config), rules, managed, owner, force=True)
    if live is None or not same(old, new):
        managed.times[owner] = writer.time
    if live is None:
        new = without_nulls(new, zero)
    if writer.manager == last_applied.MANAGER:
        new = last_applied.refreshed(new, config)
    return _with_entries(new, encode(managed))


def update(
    live: JsonObject | None,
    new: JsonObject,
    schema: Struct,
    writer: Writer,
    *,
    ignored: FieldSet = EMPTY,
    versions: Versions | None = None,
) -> JsonObject:
    """Return `new`, an update or patch of `live` (None: it creates), with managedFields kept up.

    `new` may say itself what managedFields shall be: `[]` or `[{}]` forgets, and an object without owners is
    not tracked again before an apply; what cannot be read leaves the live ones. Never refuses.
    """
    managed = _of_live_or_new(live, new, writer)
    bare = _bare(new)
    if not managed.owners and live is not None:
        return _with_entries(bare, [])
    try:
        check(bare, schema, duplicates=True)
    except TypedError:  # validation will refuse it
        return _with_entries(bare, _entries(live) or [])
    old = _bare(live) if live is not None else empty(schema)
    ledger = Ledger(_rules(schema, writer, ignored, versions), managed)
    try:
        _record_update(ledger, managed, (old, bare), writer, writer.manager)
    except ConversionError:
        return _with_entries(bare, _entries(live) or [])
    return _with_entries(bare, encode(managed))


def keep_times(live: JsonObject, new: JsonObject) -> JsonObject:
    """Return `new` with the times of the live managedFields, where nothing else tells the two apart.

    To be called last, on the object that would be stored: it keeps a write without effect from being one.
    `resourceVersion` is not looked at.
    """
    before, after = _entries(live), _entries(new)
    if not before or not after or before == after or len(before) != len(after):
        return new
    if [{**entry, "time": ""} for entry in before] != [{**entry, "time": ""} for entry in after]:
        return new
    return _with_entries(new, before) if same(_plain(live), _plain(new)) else new


def object_type(config: JsonObject) -> str:
    """Write a body's kind as Go prints it: `apps/v1, Kind=Deployment`, `/v1, Kind=ConfigMap`, `/, Kind=`."""
    api_version = _text(config, "apiVersion")
    return f"{api_version if '/' in api_version else f'/{api_version}'}, Kind={_text(config, 'kind')}"


def _text(value: JsonObject, key: str) -> str:
    """Return a field as the server's accessors do: what is no text is none."""
    found = value.get(key)
    return found if isinstance(found, str) else ""


def _applied(
    objects: tuple[JsonObject, JsonObject], rules: Rules, managed: Managed, owner: Owner, *, force: bool
) -> tuple[JsonObject, Managed]:
    """Apply on a copy of the owners: a conflict must leave them as they were."""
    copy = Managed(dict(managed.owners), dict(managed.times))
    try:
        return Ledger(rules, copy).apply(*objects, owner, force=force), copy
    except ConversionError as error:
        raise _internal(str(error)) from error


def _record_update(
    ledger: Ledger, managed: Managed, objects: tuple[JsonObject, JsonObject], writer: Writer, manager: str
) -> None:
    owner = writer.owner(UPDATE)._replace(manager=manager or "unknown")
    if ledger.update(*objects, owner):
        managed.times[owner] = writer.time
    cap(managed)


def _rules(schema: Struct, writer: Writer, ignored: FieldSet, versions: Versions | None) -> Rules:
    return Rules(schema, writer.api_version, ignored, versions, changeable=not is_built_in(schema))


def _check_patch(config: JsonObject, writer: Writer) -> None:
    if config.get("apiVersion") != writer.api_version:
        raise bad_request(f"invalid object type: {object_type(config)}")
    metadata = config.get("metadata")
    if isinstance(metadata, dict) and metadata.get(_ENTRIES) is not None:
        raise bad_request("metadata.managedFields must be nil")


def _check_typed(what: str, value: JsonObject, schema: Struct, *, duplicates: bool) -> None:
    try:
        check(value, schema, duplicates=duplicates)
    except TypedError as error:
        metadata = value.get("metadata")
        found = metadata if isinstance(metadata, dict) else {}
        place = f"{_text(found, 'namespace')}/{_text(found, 'name')}; {object_type(value)}"
        raise _internal(f"failed to create typed {what} object ({place}): {error}") from None


def _check_migration(refused: ApplyConflict, allowed: FieldSet) -> None:
    """Raise what conflicts are left after those that the last-applied annotation allows."""
    if not allowed:
        raise refused
    left = [each for each in refused.conflicts if not allowed.has(each.path)]
    if left:
        raise ApplyConflict(left)


def _internal(message: str) -> ApiError:
    """An error without a reason, as the server answers for what it did not foresee."""
    error = ApiError(500, "", message)
    del error.status["reason"]
    return error


def _of_live(live: JsonObject | None) -> Managed:
    try:
        return decode(_entries(live), stored=True)
    except EntriesError as error:
        raise _internal(f"failed to decode managed fields: {error}") from error


def _of_live_or_new(live: JsonObject | None, new: JsonObject, writer: Writer) -> Managed:
    said, there = _entries(new), _entries(live)
    if not writer.subresource and said != there:
        if is_reset(said):
            return Managed()
        try:
            managed = decode(said, stored=False)
        except EntriesError:
            managed = Managed()
        if managed.owners:
            return managed
    try:
        return decode(there, stored=True)
    except EntriesError:
        return Managed()


def _entries(value: JsonObject | None) -> list[Any] | None:
    metadata = (value or {}).get("metadata")
    found = metadata.get(_ENTRIES) if isinstance(metadata, dict) else None
    return found if isinstance(found, list) else None


def _bare(value: JsonObject) -> JsonObject:
    metadata = value.get("metadata")
    if not isinstance(metadata, dict) or _ENTRIES not in metadata:
        return value
    return {**value, "metadata": {key: each for key, each in metadata.items() if key != _ENTRIES}}


def _plain(value: JsonObject) -> JsonObject:
    hidden = (_ENTRIES, "resourceVersion")
    metadata = {key: each for key, each in (value.get("metadata") or {}).items() if key not in hidden}
    return {**value, "metadata": metadata}


def _with_entries(bare: JsonObject, entries: list[JsonObject]) -> JsonObject:
    """Put the entries in place; the object and its metadata are new, and may be changed."""
    there = bare.get("metadata")
    metadata = (
        {key: each for key, each in there.items() if key != _ENTRIES} if isinstance(there, dict) else {}
    )
    return {**bare, "metadata": {**metadata, _ENTRIES: entries} if entries else metadata}
