"""CustomResourceDefinitions at work: names are accepted, kinds are served, and both end with the CRD.

The real server does this in controllers, some milliseconds after the write; here it is done when the write
returns.
"""

from __future__ import annotations

from functools import partial

from simcluster.api import deleting, rules, writing
from simcluster.api.core import Core
from simcluster.api.options import DeleteOptions, WriteOptions
from simcluster.errors import ApiError
from simcluster.kinds.kind import Kind
from simcluster.values import JsonObject

_SERVER = WriteOptions(manager="kube-apiserver", field_validation="Ignore")
_KEYS = ("plural", "singular", "shortNames", "kind", "listKind", "categories")


def settle(core: Core, kind: Kind, name: str) -> None:
    """Bring what is served in line with the CRD `name` as it is now (`kind` is that of CRDs)."""
    record = core.store.get(deleting.CRDS, "", name)
    if record is None:
        core.registry.remove(name)
        return
    crd = record.object()
    if "deletionTimestamp" in crd["metadata"]:
        _end(core, kind, crd)
        return
    status = crd.get("status") or {}
    wanted = _status(core, crd)
    if any(status.get(key) != value for key, value in wanted.items()):
        crd["status"] = {**status, **wanted}
        writing.update(core, kind, ("", name), crd, _SERVER, "status")
    if _is_true(wanted["conditions"], "Established"):
        _serve(core, crd)


def finish(core: Core, custom: Kind, crd_kind: Kind) -> None:
    """Let the CRD of a custom kind go, if it waits only for the last of its objects."""
    if custom.custom is None or core.store.items(custom.storage):
        return
    record = core.store.get(deleting.CRDS, "", custom.custom.crd_name)
    if record is None or b'"deletionTimestamp":' not in record.body:
        return
    crd = record.object()
    if "deletionTimestamp" in crd["metadata"]:
        _end(core, crd_kind, crd)


def _serve(core: Core, crd: JsonObject) -> None:
    """Serve the kinds of a CRD. Objects that are there read by its schemas from now on."""
    name = crd["metadata"]["name"]
    before = {kind.version: kind for kind in core.registry.of_crd(name)}
    core.registry.define(crd)
    for kind in core.registry.of_crd(name):
        old = before.get(kind.version)
        if old is None or kind.custom is None or old.custom is None:
            continue
        if kind.version == kind.custom.storage_version and kind.custom.validation != old.custom.validation:
            core.store.reshape(kind.storage, partial(_reread, kind))


def _reread(kind: Kind, obj: JsonObject) -> JsonObject:
    return rules.decode({**obj, "apiVersion": kind.api_version}, kind)


def _end(core: Core, kind: Kind, crd: JsonObject) -> None:
    """Delete the objects of a CRD that is being deleted; when none is left, the CRD itself."""
    name = crd["metadata"]["name"]
    kinds = core.registry.of_crd(name)
    if kinds:
        for record in list(core.store.items(kinds[0].storage)):
            deleting.delete(core, kinds[0], record.namespace, record.name, DeleteOptions())
        if core.store.items(kinds[0].storage):
            return
    record = core.record(kind, "", name)
    own = record.object()["metadata"]
    if [each for each in own.get("finalizers", ()) if each != deleting.CRD_FINALIZER]:
        return
    core.erase(kind, record, dry_run=False)
    core.registry.remove(name)


def _status(core: Core, crd: JsonObject) -> JsonObject:
    """Return the names and conditions that a CRD has now."""
    names = {key: value for key, value in crd["spec"]["names"].items() if key in _KEYS and value}
    status = crd.get("status") or {}
    taken = _conflict(core, crd)
    accepted = taken is None
    conditions = _condition(
        core,
        status.get("conditions") or [],
        {
            "type": "NamesAccepted",
            "status": "True" if accepted else "False",
            "reason": "NoConflicts" if taken is None else taken[0],
            "message": "no conflicts found" if taken is None else taken[1],
        },
    )
    if accepted and not _is_true(conditions, "Established"):
        conditions = _condition(
            core,
            conditions,
            {
                "type": "Established",
                "status": "True",
                "reason": "InitialNamesAccepted",
                "message": "the initial names have been accepted",
            },
        )
    elif not accepted and not any(each["type"] == "Established" for each in conditions):
        conditions = _condition(
            core,
            conditions,
            {
                "type": "Established",
                "status": "False",
                "reason": "NotAccepted",
                "message": "not all names are accepted",
            },
        )
    stored = [version["name"] for version in crd["spec"]["versions"] if version.get("storage")]
    before = status.get("storedVersions") or []
    return {
        "conditions": conditions,
        "acceptedNames": names if accepted else status.get("acceptedNames") or {"plural": "", "kind": ""},
        "storedVersions": before + [version for version in stored if version not in before],
    }


def _conflict(core: Core, crd: JsonObject) -> tuple[str, str] | None:
    """Return the reason and message of the last name that another CRD of the group has."""
    names, group = crd["spec"]["names"], crd["spec"]["group"]
    resources: set[str] = set()
    kinds: set[str] = set()
    for other in core.registry.custom():
        if other.group != group or other.custom is None or other.custom.crd_name == crd["metadata"]["name"]:
            continue
        resources |= {other.plural, other.singular, *other.short_names}
        kinds |= {other.kind, other.list_kind}
    wanted = [(names.get("plural"), "Plural", resources), (names.get("singular"), "Singular", resources)]
    wanted += [(short, "ShortNames", resources) for short in names.get("shortNames") or ()]
    wanted += [(names.get("kind"), "Kind", kinds), (names.get("listKind"), "ListKind", kinds)]
    found = [
        (f"{what}Conflict", f'"{name}" is already in use') for name, what, taken in wanted if name in taken
    ]
    return found[-1] if found else None


def _condition(core: Core, conditions: list[JsonObject], wanted: JsonObject) -> list[JsonObject]:
    """Return `conditions` with one set; its transition time changes with its status only."""
    made = []
    found = False
    for each in conditions:
        if each["type"] != wanted["type"]:
            made.append(each)
            continue
        found = True
        same = each["status"] == wanted["status"]
        made.append(
            {**each, **wanted, "lastTransitionTime": each["lastTransitionTime"] if same else core.now}
        )
    return made if found else [*made, {**wanted, "lastTransitionTime": core.now}]


def _is_true(conditions: list[JsonObject], name: str) -> bool:
    return any(each["type"] == name and each["status"] == "True" for each in conditions)


def check_open(core: Core, kind: Kind) -> None:
    """Refuse new objects of a kind whose CRD is being deleted; raises `ApiError` 405."""
    if kind.custom is None:
        return
    record = core.store.get(deleting.CRDS, "", kind.custom.crd_name)
    if record is not None and b'"deletionTimestamp":' in record.body:
        message = "create not allowed while custom resource definition is terminating"
        raise ApiError(405, "MethodNotAllowed", message, {"group": kind.group, "kind": kind.plural})
