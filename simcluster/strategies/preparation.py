"""Objects on their way in: decoded form, defaults, admission, what the server fills in or resets."""

from __future__ import annotations

from simcluster.kinds.kind import Kind
from simcluster.strategies import filling, services, shapes, traits
from simcluster.strategies.admission import admit_create, admit_update
from simcluster.strategies.context import Context
from simcluster.values import JsonObject


def prepare_create(obj: JsonObject, kind: Kind, context: Context, *, dry_run: bool = False) -> JsonObject:
    """Return a new object as the server would validate it; `obj` stays as it is.

    `metadata.name`, `namespace` and `uid` must be settled before: a Job's selector is made from its uid.
    Raises `ApiError` for what admission (403) or the allocation of addresses (422) refuses.
    """
    if kind.custom is not None:
        return _prepare_custom(obj, None, kind)
    found = traits.of(kind.group, kind.kind)
    keeps_status = not found.status or found.born_with_status
    new = decoded(obj if keeps_status else {**obj, "status": None}, kind)
    if found.counted is not None:
        _set_generation(new, found.first_generation)
    if kind.kind == "Service" and not kind.group:
        services.allocate(new, context, dry_run=dry_run)
    admit_create(new, kind, context)
    fill = filling.CREATE.get((kind.group, kind.kind))
    if fill is not None:
        fill(new, context)
    return new


def prepare_update(
    new: JsonObject, old: JsonObject, kind: Kind, context: Context, *, dry_run: bool = False
) -> JsonObject:
    """Return `new` as the server would validate it against `old`; both stay as they are."""
    if kind.custom is not None:
        return _prepare_custom(new, old, kind)
    found = traits.of(kind.group, kind.kind)
    given = {**new, "status": old.get("status")} if found.status else new
    result = decoded(given, kind)
    if kind.kind == "Service" and not kind.group:
        services.reallocate(result, old, context, dry_run=dry_run)
    admit_update(result, old, kind)
    fill = filling.UPDATE.get((kind.group, kind.kind))
    if fill is not None:
        fill(result, old)
    _set_generation(result, generation(result, old, kind))
    return result


def prepare_status(new: JsonObject, old: JsonObject, kind: Kind) -> JsonObject:
    """Return what a write of `new` to the `status` subresource makes of `old`."""
    if kind.custom is not None:
        fields = new["metadata"].get("managedFields")
        metadata = {**old["metadata"], **({"managedFields": fields} if fields else {})}
        result = {**old, "metadata": metadata}
        if "status" in new:
            result["status"] = new["status"]
        else:
            result.pop("status", None)
        return result
    result = decoded(new, kind)
    for path in traits.of(kind.group, kind.kind).status_keeps:
        _keep(result, old, path)
    _set_generation(result, old["metadata"].get("generation"))
    fill = filling.STATUS.get((kind.group, kind.kind))
    if fill is not None:
        fill(result, old)
    return result


def generation(new: JsonObject, old: JsonObject | None, kind: Kind) -> int | None:
    """Return metadata.generation of `new`, which replaces `old`, or None for kinds that have none.

    Both are as `prepare_create` and `prepare_update` return them. Writes to `status` and other subresources
    leave the generation alone; that is the caller's to know.
    """
    if kind.custom is not None:
        fields: tuple[traits.Field, ...] = tuple(
            (key,) for key in {**new, **(old or {})} if key != "metadata"
        )
    else:
        counted = traits.of(kind.group, kind.kind).counted
        if counted is None:
            return None if old is None else old["metadata"].get("generation")
        fields = counted
    if old is None:
        return 1 if kind.custom is not None else traits.of(kind.group, kind.kind).first_generation or None
    before: int = old["metadata"].get("generation", 0)
    return before + any(_at(new, path) != _at(old, path) for path in fields)


def decoded(obj: JsonObject, kind: Kind) -> JsonObject:
    """Return a built-in object decoded, defaulted and encoded again, whatever of it is valid."""
    shape = shapes.of(kind.api_version, kind.kind)
    head = {"apiVersion": kind.api_version, "kind": kind.kind}
    return {**obj, **head} if shape is None else {**head, **shape.read(obj)}


def _prepare_custom(new: JsonObject, old: JsonObject | None, kind: Kind) -> JsonObject:
    result = {**new, "metadata": shapes.object_meta().read(new.get("metadata") or {})}
    if kind.custom is not None and kind.custom.has_status:
        result.pop("status", None)
        if old is not None and "status" in old:
            result["status"] = old["status"]
    _set_generation(result, generation(result, old, kind))
    return result


def _set_generation(obj: JsonObject, value: int | None) -> None:
    if value:
        obj["metadata"]["generation"] = value
    else:
        obj["metadata"].pop("generation", None)


def _at(obj: JsonObject, path: traits.Field) -> object:
    value: object = obj
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value or None


def _keep(new: JsonObject, old: JsonObject, path: traits.Field) -> None:
    """Give `new` the value that `old` has at a path of one or two fields."""
    *parents, name = path
    target, source = new, old
    for parent in parents:
        target, source = target[parent], source[parent]
    managed = target.get("metadata", {}).get("managedFields") if name == "metadata" else None
    if name in source:
        target[name] = source[name]
    else:
        target.pop(name, None)
    if managed is not None:
        target["metadata"] = {**target["metadata"], "managedFields": managed}
