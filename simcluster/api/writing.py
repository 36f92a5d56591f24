"""Create, update, patch and apply: one pipeline, from a decoded request to a record in the store.

The order of its checks is the server's (apiserver's endpoints/handlers, registry/generic): decode, name and
namespace, field ownership, admission, preconditions, what the kind fills in, validation, the write.
"""

from __future__ import annotations

from simcluster import gotext
from simcluster.api import deleting, metadata, namespaces, preconditions, rules
from simcluster.api.accepting import accept, accept_applied, accept_patched, warning
from simcluster.api.core import Core
from simcluster.api.options import PatchKind, Result, WriteOptions
from simcluster.errors import (
    Cause,
    bad_request,
    conflict,
    invalid,
    not_found,
    unsupported_media_type,
)
from simcluster.fields.managed import Writer, keep_times, object_type
from simcluster.fields.managed import apply as apply_fields
from simcluster.fields.managed import update as update_fields
from simcluster.kinds.kind import Kind
from simcluster.patches import json_patch, merge_patch, strategic
from simcluster.patches.refusals import internal
from simcluster.store.records import Stored
from simcluster.strategies import generated, prepare_create, prepare_status, prepare_update, warnings
from simcluster.values import JsonObject

_STATUS = "status"
_MODIFIED = "the object has been modified; please apply your changes to the latest version and try again"
# How often the server tries another suffix for generateName before it gives up (rest.Create).
_NAME_TRIES = 8


def create(core: Core, kind: Kind, namespace: str, obj: JsonObject, options: WriteOptions) -> Result:
    """Create an object. Raises `ApiError` 400, 403, 404 (no such namespace), 409 or 422."""
    new, found = accept(obj, kind, options)
    with warning(found):
        metadata.place(new, kind, namespace)
        return _create_tracked(core, kind, new, options, found)


def update(
    core: Core,
    kind: Kind,
    place: tuple[str, str],
    obj: JsonObject,
    options: WriteOptions,
    subresource: str = "",
) -> Result:
    """Replace the object at `place` (namespace, name), or its status; a few kinds are created where missing.

    Raises `ApiError` 400, 404, 409 or 422.
    """
    namespace, name = place
    new, found = accept(obj, kind, options)
    with warning(found):
        metadata.check_name(metadata.place(new, kind, namespace), name)
        live = core.store.get(kind.storage, namespace, name)
        if live is None:
            if subresource or not rules.traits_of(kind).create_on_update:
                raise not_found(kind.plural, kind.group, name)
            return _create_tracked(core, kind, new, options, found)
        preconditions.check_uid(kind, live, new["metadata"])
        return _Change(core, kind, live, options, subresource).track(new, found)


def patch(
    core: Core,
    kind: Kind,
    place: tuple[str, str],
    change: tuple[PatchKind, bytes],
    options: WriteOptions,
    subresource: str = "",
) -> Result:
    """Change the object at `place` by a JSON, merge or strategic merge patch.

    Raises `ApiError` 400, 404, 409, 415 (a strategic patch of a custom kind) or 422.
    """
    namespace, name = place
    live = core.record(kind, namespace, name)
    patched, quoted = _patched(core.shown(kind, live), kind, *change)
    new, found = accept_patched(patched, kind, options, quoted)
    with warning(found):
        metadata.check_name(metadata.place(new, kind, namespace), name)
        return _Change(core, kind, live, options, subresource).track(new, found)


def apply(
    core: Core,
    kind: Kind,
    place: tuple[str, str],
    config: JsonObject,
    options: WriteOptions,
    subresource: str = "",
) -> Result:
    """Server-Side Apply (KEP-555): own the fields of `config`, create the object where it is missing.

    Raises `ApiError` 400, 403, 404, 409 (a cause for each conflict), 422 or 500 (not of the kind's type).
    """
    namespace, name = place
    if config.get("kind") != kind.kind:
        raise bad_request(f"invalid object type: {object_type(config)}")
    live = core.store.get(kind.storage, namespace, name)
    if live is None and subresource:
        raise not_found(kind.plural, kind.group, name)
    old = None if live is None else core.shown(kind, live)
    merged = _applied(core, kind, (old, {**config}), options, subresource)
    named = metadata.place(merged, kind, namespace)
    metadata.check_name(named, name)
    if live is None:
        preconditions.check_no_uid(kind, named)
        named.pop("resourceVersion", None)
        return _insert(core, kind, accept_applied(merged, config, kind), options, ())
    if merged == old:
        return Result(merged, warnings=() if subresource else tuple(warnings(merged, kind, old)))
    new = accept_applied(merged, config, kind)
    return _Change(core, kind, live, options, subresource).finish(new, ())


class _Change:
    """One write over a live object, through one endpoint."""

    __slots__ = ("_core", "_kind", "_live", "_old", "_options", "_subresource")

    def __init__(self, core: Core, kind: Kind, live: Stored, options: WriteOptions, subresource: str) -> None:
        self._core = core
        self._kind = kind
        self._live = live
        self._old = core.shown(kind, live)
        self._options = options
        self._subresource = subresource

    def track(self, new: JsonObject, found: tuple[str, ...]) -> Result:
        """Note who changed which fields, then go on with `finish`."""
        kind = self._kind
        new["metadata"]["uid"] = new["metadata"].get("uid") or self._live.uid
        found += metadata.without_double_owners(new["metadata"])
        writer = _writer(self._core, kind, self._options, self._subresource)
        ignored = rules.reset_fields(kind, self._subresource)
        tracked = update_fields(
            self._old, new, kind.schema, writer, ignored=ignored, versions=self._core.versions(kind)
        )
        return self.finish(tracked, found)

    def finish(self, new: JsonObject, found: tuple[str, ...]) -> Result:
        """Check preconditions, let the kind fill in and validate, and save; or delete what waited for it."""
        kind, old = self._kind, self._old
        self._check_revision(new["metadata"])
        metadata.keep_old(new["metadata"], old["metadata"])
        if self._subresource == _STATUS:
            prepared = prepare_status(new, old, kind)
        else:
            prepared = prepare_update(new, old, kind, self._core)
        causes = rules.problems_of_change(prepared, old, kind, self._subresource)
        if causes:
            raise invalid(kind.kind, kind.group, self._live.name, causes)
        dry_run = self._options.dry_run
        saved = deleting.finish_if_freed(self._core, kind, self._live, prepared, dry_run=dry_run)
        if saved is None:
            saved = self._core.save(kind, keep_times(old, prepared), self._live, dry_run=dry_run)
        told = () if self._subresource else warnings(prepared, kind, old)
        return Result(saved, warnings=(*found, *told))

    def _check_revision(self, new: JsonObject) -> None:
        kind, live = self._kind, self._live
        wanted = metadata.requested_revision(new)
        if wanted in (0, live.revision):
            if wanted or rules.traits_of(kind).unconditional_update:
                new["resourceVersion"] = str(live.revision)
                return
            cause = Cause(
                "metadata.resourceVersion",
                "FieldValueInvalid",
                "Invalid value: 0: must be specified for an update",
            )
            raise invalid(kind.plural, kind.group, live.name, [cause])
        raise conflict(kind.plural, kind.group, live.name, _MODIFIED)


def _create_tracked(
    core: Core, kind: Kind, new: JsonObject, options: WriteOptions, found: tuple[str, ...]
) -> Result:
    """Create an object that belongs to its writer, by an update."""
    metadata.wipe(new["metadata"])
    found += metadata.without_double_owners(new["metadata"])
    ignored = rules.reset_fields(kind, "")
    tracked = update_fields(None, new, kind.schema, _writer(core, kind, options), ignored=ignored)
    return _insert(core, kind, tracked, options, found)


def _insert(core: Core, kind: Kind, obj: JsonObject, options: WriteOptions, found: tuple[str, ...]) -> Result:
    """Create an object whose fields have their owners; tries other names when it asks for a generated one."""
    own = obj["metadata"]
    generates = not own.get("name") and own.get("generateName")
    there: Stored | None = None
    told: tuple[str, ...] = ()
    for _ in range(_NAME_TRIES):
        if generates:
            own["name"] = generated(own["generateName"], core.random)
        namespaces.check_open(core, kind, own.get("namespace", ""), own.get("name", ""))
        prepared = _prepared(core, kind, obj)
        told = (*found, *warnings(prepared, kind))
        there = core.store.get(kind.storage, own.get("namespace", ""), own["name"])
        if there is None:
            saved = core.save(kind, prepared, None, dry_run=options.dry_run)
            return Result(saved, created=True, warnings=told)
        if not generates:
            break
    with warning(told):
        raise preconditions.taken(kind, there, own["name"])


def _prepared(core: Core, kind: Kind, obj: JsonObject) -> JsonObject:
    own = obj["metadata"]
    revision = own.pop("resourceVersion", "")
    metadata.fill_new(own, core.random, core.now)
    prepared = prepare_create(obj, kind, core)
    causes = rules.problems_of_new(prepared, kind)
    if causes:
        raise invalid(kind.kind, kind.group, own.get("name", ""), causes)
    if revision.isdigit() and int(revision):
        raise internal("resourceVersion should not be set on objects to be created")
    return prepared


def _patched(
    old: JsonObject, kind: Kind, patch_kind: PatchKind, body: bytes
) -> tuple[JsonObject, str | None]:
    """Return the patched object, and how a refusal quotes the patch (None: by its result)."""
    if patch_kind is PatchKind.JSON:
        return json_patch.apply(old, body), None
    if patch_kind is PatchKind.MERGE:
        return merge_patch.apply(old, merge_patch.decode(body)), None
    if kind.custom is not None:
        raise unsupported_media_type(
            "the body of the request was in an unknown format - accepted media types include: "
            "application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml"
        )
    given = strategic.decode(body)
    return strategic.apply(old, given, kind.schema), gotext.plain(given)


def _applied(
    core: Core,
    kind: Kind,
    objects: tuple[JsonObject | None, JsonObject],
    options: WriteOptions,
    subresource: str,
) -> JsonObject:
    """Merge a configuration into the live object (None: there is none yet)."""
    live, config = objects
    writer = _writer(core, kind, options, subresource)
    ignored = rules.reset_fields(kind, subresource)
    return apply_fields(
        live,
        config,
        kind.schema,
        writer,
        force=options.force,
        ignored=ignored,
        versions=core.versions(kind),
    )


def _writer(core: Core, kind: Kind, options: WriteOptions, subresource: str = "") -> Writer:
    return Writer(options.manager, kind.api_version, core.now, subresource)
