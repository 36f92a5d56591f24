"""Delete: preconditions, grace, finalizers, who cleans up dependents. As registry/generic/registry/store.go.

An object goes at once, or is marked and goes when its last finalizer does; a Pod on a Node goes when its
kubelet deletes it again without grace; a Namespace when its content has gone.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from simcluster.api import namespaces, rules
from simcluster.api.core import Core
from simcluster.api.options import DeleteOptions, Result
from simcluster.clock import timestamp
from simcluster.errors import Cause, conflict, invalid
from simcluster.kinds.kind import Kind
from simcluster.store.records import Stored
from simcluster.values import JsonObject

ORPHAN = "orphan"
FOREGROUND = "foregroundDeletion"
CRD_FINALIZER = "customresourcecleanup.apiextensions.k8s.io"
CRDS = "apiextensions.k8s.io/customresourcedefinitions"
_CRD_ENDS = "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon"
_EVENTS = "events"
_PODS = "pods"
_POLICIES = ("Foreground", "Background", "Orphan")


def delete(core: Core, kind: Kind, namespace: str, name: str, options: DeleteOptions) -> Result:
    """Delete an object, or begin to; answers with it or a Status. Raises `ApiError` 403, 404, 409, 422."""
    check_options(options)
    namespaces.check_deletable(kind, name)
    record = core.record(kind, namespace, name)
    _check_preconditions(kind, record, options)
    obj = core.shown(kind, record)
    if kind.storage == namespaces.KIND:
        return _delete_namespace(core, kind, record, obj, options)
    if kind.storage == CRDS:
        return _delete_crd(core, kind, record, obj, options)
    return _Deletion(core, kind, record, options).run(obj)


def check_options(options: DeleteOptions) -> None:
    """Raise `ApiError` 422 for a propagation that is unknown, or said twice."""
    policy = options.propagation
    if policy is not None and policy not in _POLICIES:
        supported = ", ".join(f'"{each}"' for each in (*_POLICIES, "nil"))
        message = f'Unsupported value: "{policy}": supported values: {supported}'
        cause = Cause("propagationPolicy", "FieldValueNotSupported", message)
    elif policy is not None and options.orphan is not None:
        message = f'Invalid value: "{policy}": orphanDependents and deletionPropagation cannot be both set'
        cause = Cause("propagationPolicy", "FieldValueInvalid", message)
    else:
        return
    raise invalid("DeleteOptions", "meta.k8s.io", "", [cause])


def finish_if_freed(
    core: Core, kind: Kind, live: Stored, new: JsonObject, *, dry_run: bool
) -> JsonObject | None:
    """Delete `live` when the update `new` takes away the last thing that its deletion waited for.

    Returns the object as the update's answer, or None when the update is to be written.
    """
    own = new["metadata"]
    if "deletionTimestamp" not in own or own.get("finalizers"):
        return None
    if kind.storage == namespaces.KIND:
        waits = bool(new.get("spec", {}).get("finalizers"))
    elif kind.storage == CRDS:
        waits = False
    else:
        waits = own.get("deletionGracePeriodSeconds") != 0
    if waits:
        return None
    own["resourceVersion"] = str(core.erase(kind, live, dry_run=dry_run))
    return new


class _Deletion:
    """One DELETE of an object that is neither a namespace nor a CRD."""

    __slots__ = ("_core", "_kind", "_live", "_options")

    def __init__(self, core: Core, kind: Kind, live: Stored, options: DeleteOptions) -> None:
        self._core = core
        self._kind = kind
        self._live = live
        self._options = options

    def run(self, obj: JsonObject) -> Result:
        core, kind, dry_run = self._core, self._kind, self._options.dry_run
        own = obj["metadata"]
        graceful = kind.storage == _PODS and self._mark_graceful(obj)
        if graceful is None:
            return Result(obj)
        wanted = finalizers_for(kind, own.get("finalizers") or [], self._options)
        if not graceful and not wanted and not own.get("finalizers"):
            self._erase(self._live)
            return self._gone(obj)
        _set_finalizers(own, wanted)
        if not graceful and wanted:
            _mark(own, core.moment)
        if not graceful and not wanted:
            self._erase(self._live)
            return self._gone(obj)
        saved = core.save(kind, obj, self._live, dry_run=dry_run)
        if wanted or own.get("deletionGracePeriodSeconds"):
            return Result(saved)
        self._erase(core.record(kind, self._live.namespace, self._live.name))
        return self._gone(saved)

    def _mark_graceful(self, pod: JsonObject) -> bool | None:
        """Set when a Pod is to go. False: at once; None: it waits already, no longer than is asked now."""
        own, grace = pod["metadata"], self._options.grace_period
        if grace is not None and grace < 0:
            grace = 1
        if "deletionTimestamp" in own:
            current = own.get("deletionGracePeriodSeconds")
            if current is None:
                return False
            if grace is None or grace >= current:
                return None
            begun = datetime.fromisoformat(own["deletionTimestamp"]) - timedelta(seconds=current)
            own["deletionTimestamp"] = timestamp((begun + timedelta(seconds=grace)).astimezone(UTC))
            own["deletionGracePeriodSeconds"] = grace
            return True
        spec, phase = pod.get("spec", {}), pod.get("status", {}).get("phase")
        if grace is None:
            grace = spec.get("terminationGracePeriodSeconds") or 0
        if not spec.get("nodeName") or phase in ("Succeeded", "Failed"):
            grace = 0
        own["deletionTimestamp"] = timestamp(self._core.moment + timedelta(seconds=grace))
        own["deletionGracePeriodSeconds"] = grace
        _bump(own)
        return True

    def _erase(self, record: Stored) -> None:
        self._core.erase(self._kind, record, dry_run=self._options.dry_run)

    def _gone(self, obj: JsonObject) -> Result:
        if rules.returns_deleted(self._kind):
            obj["metadata"]["resourceVersion"] = str(self._core.store.revision)
            return Result(obj)
        return Result(_success(self._kind, self._live))


def finalizers_for(kind: Kind, present: list[str], options: DeleteOptions) -> list[str]:
    """Return the finalizers of an object under deletion, with the garbage collector's that are asked for."""
    if kind.storage == _EVENTS:  # the garbage collector does not look at them
        return []
    orphan, foreground = _collects(kind, present, options)
    kept = [each for each in present if each not in (ORPHAN, FOREGROUND)]
    return kept + [ORPHAN] * orphan + [FOREGROUND] * foreground


def _collects(kind: Kind, present: list[str], options: DeleteOptions) -> tuple[bool, bool]:
    """Say what becomes of dependents: (orphaned, deleted first). The request, finalizers, the kind decide."""
    if options.orphan is not None:
        return options.orphan, False
    if options.propagation is not None:
        return options.propagation == "Orphan", options.propagation == "Foreground"
    for each in present:
        if each in (ORPHAN, FOREGROUND):
            return each == ORPHAN, each == FOREGROUND
    return rules.traits_of(kind).orphans, False


def _delete_namespace(
    core: Core, kind: Kind, live: Stored, namespace: JsonObject, options: DeleteOptions
) -> Result:
    """Mark a namespace; the namespace controller deletes what is in it and finalizes it."""
    own = namespace["metadata"]
    if "deletionTimestamp" not in own:
        own["deletionTimestamp"] = timestamp(core.moment)
        namespace["status"] = {**namespace.get("status", {}), "phase": "Terminating"}
        _set_finalizers(own, finalizers_for(kind, own.get("finalizers") or [], options))
        if own.get("finalizers") or namespace.get("spec", {}).get("finalizers"):
            return Result(core.save(kind, namespace, live, dry_run=options.dry_run))
    elif own.get("finalizers") or namespace.get("spec", {}).get("finalizers"):
        return Result(namespace)
    core.erase(kind, live, dry_run=options.dry_run)
    return Result(namespace)


def _delete_crd(core: Core, kind: Kind, live: Stored, crd: JsonObject, options: DeleteOptions) -> Result:
    """Mark a CRD; it goes when no object of its kinds is left."""
    own = crd["metadata"]
    if "deletionTimestamp" not in own:
        own["deletionTimestamp"] = timestamp(core.moment)
        own["finalizers"] = [*own.get("finalizers", ()), CRD_FINALIZER]
        condition = {
            "type": "Terminating",
            "status": "True",
            "lastTransitionTime": timestamp(core.moment),
            "reason": "InstanceDeletionPending",
            "message": _CRD_ENDS,
        }
        status = crd.setdefault("status", {})
        status["conditions"] = [*(status.get("conditions") or ()), condition]
        crd = core.save(kind, crd, live, dry_run=options.dry_run)
    return Result(crd)


def _check_preconditions(kind: Kind, record: Stored, options: DeleteOptions) -> None:
    if options.uid is not None and options.uid != record.uid:
        because = (
            f"the UID in the precondition ({options.uid}) does not match the UID in record ({record.uid}). "
            "The object might have been deleted and then recreated"
        )
        raise conflict(kind.kind, kind.group, record.name, because)
    revision = str(record.revision)
    if options.resource_version is not None and options.resource_version != revision:
        because = (
            f"the ResourceVersion in the precondition ({options.resource_version}) does not match the "
            f"ResourceVersion in record ({revision}). The object might have been modified"
        )
        raise conflict(kind.kind, kind.group, record.name, because)


def _set_finalizers(own: JsonObject, finalizers: list[str]) -> None:
    if finalizers:
        own["finalizers"] = finalizers
    else:
        own.pop("finalizers", None)


def _mark(own: JsonObject, now: datetime) -> None:
    """Mark an object without grace of its own as being deleted."""
    marked = own.get("deletionTimestamp")
    if marked is None:
        _bump(own)
    if marked is None or datetime.fromisoformat(marked) > now:
        own["deletionTimestamp"] = timestamp(now)
    own["deletionGracePeriodSeconds"] = 0


def _bump(own: JsonObject) -> None:
    if own.get("generation"):
        own["generation"] += 1


def _success(kind: Kind, record: Stored) -> JsonObject:
    details = {"name": record.name, "group": kind.group, "kind": kind.plural, "uid": record.uid}
    if not kind.group:
        del details["group"]
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}
