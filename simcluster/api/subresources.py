"""Subresources that are verbs: bind a Pod to a Node, evict it, finalize a Namespace."""

from __future__ import annotations

import json
from typing import TypeAlias

from simcluster.api import deleting, metadata
from simcluster.api.core import Core
from simcluster.api.options import DeleteOptions, Result, WriteOptions
from simcluster.errors import ApiError, bad_request, conflict, no_such_path
from simcluster.fields.managed import Writer
from simcluster.fields.managed import update as update_fields
from simcluster.kinds.kind import Kind
from simcluster.kinds.typed import read
from simcluster.patches.refusals import internal
from simcluster.selectors import matches
from simcluster.strategies.validation.formats import dns_subdomain
from simcluster.values import JsonObject

Place: TypeAlias = tuple[str, str]

_TOPOLOGY = ("topology.kubernetes.io/region", "topology.kubernetes.io/zone")
_TARGETS = '"Node", "<empty>"'
_EVICTION = "Cannot evict pod as it would violate the pod's disruption budget."


def create(
    core: Core, kind: Kind, place: Place, name: str, body: JsonObject, options: WriteOptions
) -> Result:
    """POST a body to the subresource `name` of the object at `place`; `ApiError` 404 for any other."""
    if kind.storage == "pods" and name == "binding":
        _check_place(body, kind, place, "Binding")
        _check_target(body.get("target") or {})
        return _bind(core, kind, place, body, options)
    if kind.storage == "pods" and name == "eviction":
        _check_place(body, kind, place, "Eviction")
        return _evict(core, kind, place, body, options)
    raise no_such_path()


def _check_place(body: JsonObject, kind: Kind, place: Place, name: str) -> None:
    own = metadata.place(body, kind, place[0])
    if own.get("name", "") != place[1]:
        raise bad_request(f"name in URL does not match name in {name} object")


def _check_target(target: JsonObject) -> None:
    """Let a Pod be bound to Nodes only. The server's refusals have no status of their own."""
    kind, name = target.get("kind", ""), target.get("name", "")
    causes = []
    if kind not in ("", "Node"):
        said = f"Unsupported value: {json.dumps(kind)}: supported values: {_TARGETS}"
        causes.append(f"target.kind: {said}")
    if name:
        faults = dns_subdomain(name)
        causes += [f"target.name: Invalid value: {json.dumps(name)}: {fault}" for fault in faults]
    else:
        causes.append("target.name: Required value")
    if causes:
        raise internal(causes[0] if len(causes) == 1 else f"[{', '.join(causes)}]")


def finalize(core: Core, kind: Kind, place: Place, body: JsonObject, options: WriteOptions) -> Result:
    """Replace the finalizers in a Namespace's spec; without any, a deleted one goes."""
    body = read(body, kind)
    metadata.check_name(metadata.place(body, kind, place[0]), place[1])
    live = core.record(kind, *place)
    old = core.shown(kind, live)
    finalizers = (body.get("spec") or {}).get("finalizers") or []
    new = {**old, "metadata": {**old["metadata"]}, "spec": {"finalizers": finalizers} if finalizers else {}}
    writer = Writer(options.manager, kind.api_version, core.now, "finalize")
    tracked = update_fields(old, new, kind.schema, writer)
    freed = deleting.finish_if_freed(core, kind, live, tracked, dry_run=options.dry_run)
    return Result(freed or core.save(kind, tracked, live, dry_run=options.dry_run))


def _bind(core: Core, kind: Kind, place: Place, body: JsonObject, options: WriteOptions) -> Result:
    live = core.record(kind, *place)
    pod = core.shown(kind, live)
    node = pod["spec"].get("nodeName")
    if "deletionTimestamp" in pod["metadata"]:
        because = f"pod {live.name} is being deleted, cannot be assigned to a host"
        raise conflict("pods/binding", "", live.name, because)
    if node:
        because = f'pod {live.name} is already assigned to node "{node}"'
        raise conflict("pods/binding", "", live.name, because)
    pod["spec"]["nodeName"] = body["target"]["name"]
    _take_topology(core, pod)
    annotations = (body.get("metadata") or {}).get("annotations")
    if annotations:
        pod["metadata"]["annotations"] = {**pod["metadata"].get("annotations", {}), **annotations}
    scheduled = {
        "type": "PodScheduled",
        "status": "True",
        "lastProbeTime": None,
        "lastTransitionTime": core.now,
    }
    status = pod["status"]
    others = [each for each in status.get("conditions") or () if each["type"] != "PodScheduled"]
    status["conditions"] = [*others, scheduled]
    core.save(kind, pod, live, dry_run=options.dry_run)
    return Result(_done(), created=True)


def _take_topology(core: Core, pod: JsonObject) -> None:
    """Give a Pod the labels that say where its Node is (admission plugin PodTopologyLabels)."""
    node = core.store.get("nodes", "", pod["spec"]["nodeName"])
    labels = {key: node.labels[key] for key in _TOPOLOGY if key in node.labels} if node else {}
    if labels:
        pod["metadata"]["labels"] = {**pod["metadata"].get("labels", {}), **labels}


def _evict(core: Core, kind: Kind, place: Place, body: JsonObject, options: WriteOptions) -> Result:
    pod = core.shown(kind, core.record(kind, *place))
    running = pod.get("status", {}).get("phase") not in ("Succeeded", "Failed", "Pending")
    if running and "deletionTimestamp" not in pod["metadata"]:
        _spend_budget(core, place[0], pod, options)
    wanted = body.get("deleteOptions") or {}
    preconditions = wanted.get("preconditions") or {}
    deletion = DeleteOptions(
        grace_period=wanted.get("gracePeriodSeconds"),
        uid=preconditions.get("uid"),
        resource_version=preconditions.get("resourceVersion"),
        dry_run=options.dry_run or bool(wanted.get("dryRun")),
    )
    deleting.delete(core, kind, place[0], place[1], deletion)
    return Result(_done(), created=True)


def _spend_budget(core: Core, namespace: str, pod: JsonObject, options: WriteOptions) -> None:
    """Take one disruption from the Pod's budget; raises `ApiError` 429 when none is left."""
    kind = core.registry.of("policy/v1", "PodDisruptionBudget")
    if kind is None:
        return
    labels = pod["metadata"].get("labels") or {}
    for record in core.store.items(kind.storage, namespace):
        budget = record.object()
        if not matches(budget["spec"].get("selector"), labels):
            continue
        status = budget.get("status") or {}
        allowed = status.get("disruptionsAllowed", 0)
        if allowed <= 0:
            raise _over_budget(record.name, status)
        budget["status"] = {**status, "disruptionsAllowed": allowed - 1}
        core.save(kind, budget, record, dry_run=options.dry_run)
        return


def _over_budget(name: str, status: JsonObject) -> ApiError:
    message = (
        f"The disruption budget {name} needs {status.get('desiredHealthy', 0)} healthy pods "
        f"and has {status.get('currentHealthy', 0)} currently"
    )
    details = {"causes": [{"reason": "DisruptionBudget", "message": message}]}
    return ApiError(429, "TooManyRequests", _EVICTION, details)


def _done() -> JsonObject:
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}
