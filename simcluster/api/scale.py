"""The `scale` subresource: a Deployment, StatefulSet, … or custom object seen as a number of Pods.

Field ownership goes through: who owns the replicas of the object owns those of its Scale, and back.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from typing import Any, TypeAlias

from simcluster import gotext
from simcluster.api import metadata, rules
from simcluster.api.accepting import accept_applied, accept_patched, check_type, warning
from simcluster.api.core import Core
from simcluster.api.options import PatchKind, Result, WriteOptions
from simcluster.errors import Cause, bad_request, conflict, invalid
from simcluster.fields.managed import Writer, object_type
from simcluster.fields.managed import apply as apply_fields
from simcluster.fields.managed import update as update_fields
from simcluster.kinds.builtin import builtin
from simcluster.kinds.kind import Kind
from simcluster.kinds.types import Struct
from simcluster.patches import json_patch, merge_patch, strategic
from simcluster.store.records import Stored
from simcluster.strategies import prepare_update
from simcluster.values import JsonObject

Path: TypeAlias = tuple[str, ...]

_MODIFIED = "the object has been modified; please apply your changes to the latest version and try again"
_KIND = "Scale"
_VERSION = "autoscaling/v1"
_SUBRESOURCE = "scale"
_OWNED: JsonObject = {"f:spec": {"f:replicas": {}}}
_EXPRESSIONS = {
    "In": "{key} in ({values})",
    "NotIn": "{key} notin ({values})",
    "Exists": "{key}",
    "DoesNotExist": "!{key}",
}
_SHOWN = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")


def read(core: Core, kind: Kind, namespace: str, name: str) -> JsonObject:
    """Return the Scale of an object; raises `ApiError` 404."""
    return scale_of(core.shown(kind, core.record(kind, namespace, name)), kind)


def update(core: Core, kind: Kind, place: tuple[str, str], obj: JsonObject, options: WriteOptions) -> Result:
    """Set the number of replicas by a whole Scale. Raises `ApiError` 400, 404, 409 or 422."""
    scale = {**obj}
    check_type(scale, _as_kind(kind))
    metadata.check_name(metadata.place(scale, kind, place[0]), place[1])
    return _Scaling(core, kind, core.record(kind, *place), options).track(scale)


def patch(
    core: Core, kind: Kind, place: tuple[str, str], change: tuple[PatchKind, bytes], options: WriteOptions
) -> Result:
    """Set the number of replicas by a patch of the Scale. Raises `ApiError` 400, 404, 409 or 422."""
    live = core.record(kind, *place)
    old = scale_of(core.shown(kind, live), kind)
    patch_kind, body = change
    quoted = None
    if patch_kind is PatchKind.JSON:
        patched = json_patch.apply(old, body)
    elif patch_kind is PatchKind.MERGE:
        patched = merge_patch.apply(old, merge_patch.decode(body))
    else:
        given = strategic.decode(body)
        patched, quoted = strategic.apply(old, given, _schema(kind)), gotext.plain(given)
    new, found = accept_patched(patched, _as_kind(kind), options, quoted)
    with warning(found):
        metadata.check_name(metadata.place(new, kind, place[0]), place[1])
        return replace(_Scaling(core, kind, live, options).track(new), warnings=found)


def apply(
    core: Core, kind: Kind, place: tuple[str, str], config: JsonObject, options: WriteOptions
) -> Result:
    """Apply a Scale (Server-Side Apply). Raises `ApiError` 400, 404, 409 or 422."""
    live = core.record(kind, *place)
    if config.get("kind") != _KIND:
        raise bad_request(f"invalid object type: {object_type(config)}")
    return _Scaling(core, kind, live, options).apply(config)


def scale_of(obj: JsonObject, kind: Kind) -> JsonObject:
    """Return an object as a Scale, without owners."""
    spec, status, selector = _paths(kind)
    own = {key: obj["metadata"][key] for key in _SHOWN if key in obj["metadata"]}
    found = _at(obj, selector)
    text = found if isinstance(found, str) else _selector(found)
    shown: JsonObject = {"replicas": _at(obj, status) or 0, **({"selector": text} if text else {})}
    replicas = _at(obj, spec)
    return {
        "kind": "Scale",
        "apiVersion": _VERSION,
        "metadata": own,
        "spec": {"replicas": replicas} if replicas else {},
        "status": shown,
    }


class _Scaling:
    """One write of an object's Scale."""

    __slots__ = ("_core", "_kind", "_live", "_old", "_options", "_owners", "_path", "_scale")
    _owners: list[JsonObject]

    def __init__(self, core: Core, kind: Kind, live: Stored, options: WriteOptions) -> None:
        self._core = core
        self._kind = kind
        self._live = live
        self._options = options
        self._old = core.shown(kind, live)
        self._path = _paths(kind)[0]
        entries = self._old["metadata"].get("managedFields") or []
        # Of entries of one owner the last counts; an earlier write of a Scale may have left two.
        self._owners = list({(_identity(each), each.get("apiVersion")): each for each in entries}.values())
        self._scale = scale_of(self._old, kind)
        shown = [
            {**entry, "apiVersion": _VERSION, "fieldsV1": _OWNED}
            for entry in self._owners
            if _owns(entry, self._path)
        ]
        if shown:
            self._scale["metadata"]["managedFields"] = shown

    def track(self, new: JsonObject) -> Result:
        self._check(new)
        tracked = update_fields(self._scale, new, _schema(self._kind), self._writer())
        return self._save(tracked)

    def apply(self, config: JsonObject) -> Result:
        schema = _schema(self._kind)
        merged = apply_fields(self._scale, config, schema, self._writer(), force=self._options.force)
        merged = accept_applied(merged, config, _as_kind(self._kind))
        self._check(merged)
        return self._save(merged)

    def _writer(self) -> Writer:
        return Writer(self._options.manager, _VERSION, self._core.now, _SUBRESOURCE)

    def _check(self, scale: JsonObject) -> None:
        kind, live = self._kind, self._live
        wanted = metadata.requested_revision(scale["metadata"])
        if wanted not in (0, live.revision):
            raise conflict(kind.plural, kind.group, live.name, _MODIFIED)
        replicas = (scale.get("spec") or {}).get("replicas") or 0
        if replicas < 0:
            message = f"Invalid value: {replicas}: must be greater than or equal to 0"
            cause = Cause("spec.replicas", "FieldValueInvalid", message)
            raise invalid("Scale", "autoscaling", live.name, [cause])

    def _save(self, scale: JsonObject) -> Result:
        kind = self._kind
        new = deepcopy(self._old)
        _put(new, self._path, (scale.get("spec") or {}).get("replicas") or 0)
        owners = self._merged(scale["metadata"].get("managedFields") or [])
        if owners:
            new["metadata"]["managedFields"] = owners
        else:
            new["metadata"].pop("managedFields", None)
        prepared = prepare_update(new, self._old, kind, self._core)
        causes = rules.problems_of_change(prepared, self._old, kind)
        if causes:
            raise invalid(kind.kind, kind.group, self._live.name, causes)
        saved = self._core.save(kind, prepared, self._live, dry_run=self._options.dry_run)
        return Result(scale_of(saved, kind))

    def _merged(self, entries: list[JsonObject]) -> list[JsonObject]:
        """Return the object's owners, with what became of those of its Scale."""
        left = {_identity(entry): entry for entry in entries}
        merged = []
        for entry in self._owners:
            if not _owns(entry, self._path):
                merged.append(entry)
                continue
            # Measured: who owned by an update is not known again, and gets an entry of its own.
            if entry.get("operation") == "Apply" and left.pop(_identity(entry), None) is not None:
                merged.append(entry)
            elif fields := _without(entry["fieldsV1"], self._path):
                merged.append({**entry, "fieldsV1": fields})
        owned: JsonObject = {}
        _put(owned, tuple(f"f:{name}" for name in self._path), {})
        made = {"apiVersion": self._kind.api_version, "fieldsV1": owned}
        for entry in left.values():
            entry.pop("time", None)  # measured: the server forgets it on the way
            merged.append({**entry, **made})
        return sorted(merged, key=_order)


def _order(entry: JsonObject) -> tuple[str, str, str, str, str]:
    return (
        entry.get("operation", ""),
        entry.get("time", ""),
        entry.get("manager", ""),
        entry.get("apiVersion", ""),
        entry.get("subresource", ""),
    )


def _paths(kind: Kind) -> tuple[Path, Path, Path]:
    """Return where an object keeps its wanted and actual number of Pods, and their selector."""
    if kind.custom is None:
        return ("spec", "replicas"), ("status", "replicas"), ("spec", "selector")
    scale = kind.custom.scale
    if scale is None:
        return (), (), ()
    return _path(scale.spec_replicas), _path(scale.status_replicas), _path(scale.label_selector)


def _path(text: str) -> Path:
    return tuple(text.strip(".").split(".")) if text else ()


def _schema(kind: Kind) -> Struct:
    found = builtin().type_of("autoscaling", "v1", _KIND)
    return kind.schema if found is None else found


def _as_kind(kind: Kind) -> Kind:
    """Return a kind that stands for Scale where a body is held against its type."""
    return Kind(
        group="autoscaling",
        version="v1",
        kind="Scale",
        list_kind="",
        plural=kind.plural,
        singular="scale",
        namespaced=kind.namespaced,
        short_names=(),
        categories=(),
        verbs=frozenset(),
        subresources={},
        schema=_schema(kind),
        storage=kind.storage,
    )


def _selector(found: JsonObject | None) -> str:
    if not found:
        return ""
    if not {"matchLabels", "matchExpressions"} & set(found):  # a ReplicationController's
        found = {"matchLabels": found}
    terms = {key: f"{key}={value}" for key, value in (found.get("matchLabels") or {}).items()}
    for each in found.get("matchExpressions") or ():
        values = ",".join(sorted(each.get("values") or ()))
        terms[each["key"]] = _EXPRESSIONS[each["operator"]].format(key=each["key"], values=values)
    return ",".join(terms[key] for key in sorted(terms))


def _identity(entry: JsonObject) -> tuple[str, str, str]:
    return entry.get("manager", ""), entry.get("operation", ""), entry.get("subresource", "")


def _owns(entry: JsonObject, path: Path) -> bool:
    here = entry.get("fieldsV1", {})
    for name in path:
        here = here.get(f"f:{name}")
        if here is None:
            return False
    return True


def _without(fields: JsonObject, path: Path) -> JsonObject:
    """Return fieldsV1 less one path, and less what is empty then."""
    name, *rest = path
    key = f"f:{name}"
    below = _without(fields[key], tuple(rest)) if rest else {}
    others = {each: value for each, value in fields.items() if each != key}
    return {**others, key: below} if below else others


def _at(obj: JsonObject, path: Path) -> Any:  # noqa: ANN401 - any JSON may be there
    found: Any = obj if path else None
    for name in path:
        found = found.get(name) if isinstance(found, dict) else None
    return found


def _put(obj: JsonObject, path: Path, value: int | JsonObject) -> None:
    *parents, name = path
    for parent in parents:
        obj = obj.setdefault(parent, {})
    obj[name] = value
