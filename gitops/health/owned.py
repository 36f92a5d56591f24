"""Whose Pods are these: the ones of a workload's newest template, and of no other. Judges nothing."""

from __future__ import annotations

from dataclasses import dataclass

from gitops.health.live import MalformedError, controller_uid, moment, name_of, text, whole
from gitops.objects import GroupKind, JsonObject, split_api_version

REVISION = "deployment.kubernetes.io/revision"
REVISION_HASH = "controller-revision-hash"
TEMPLATE_GENERATION = "deprecated.daemonset.template.generation"
POD_TEMPLATE_GENERATION = "pod-template-generation"

DEPLOYMENT = GroupKind("apps", "Deployment")
STATEFUL_SET = GroupKind("apps", "StatefulSet")
DAEMON_SET = GroupKind("apps", "DaemonSet")
JOB = GroupKind("batch", "Job")
POD = GroupKind("", "Pod")
DIRECT_OWNERS = {JOB, GroupKind("apps", "ReplicaSet"), GroupKind("", "ReplicationController")}


@dataclass(frozen=True, slots=True)
class Related:
    """What was seen in the workload's namespace; not preselected, in no promised order."""

    replica_sets: tuple[JsonObject, ...] = ()
    pods: tuple[JsonObject, ...] = ()
    events: tuple[JsonObject, ...] = ()


def group_kind(obj: JsonObject) -> GroupKind:
    """Return the kind of a live object."""
    group, _ = split_api_version(text(obj, "apiVersion"))
    return GroupKind(group, text(obj, "kind"))


def own_pods(
    workload: JsonObject, related: Related, *, applied_generation: int | None = None
) -> tuple[JsonObject, ...]:
    """Return the Pods of the workload's newest template, by name.

    Empty until the workload's controller has observed the newest generation (and at least
    `applied_generation`): before that nobody can tell which Pods those are. What cannot be read is left out.
    """
    try:
        if not is_observed(workload, applied_generation):
            return ()
        chosen = _choose(workload, related)
    except MalformedError:
        return ()
    return tuple(chosen)


def newest_replica_set(workload: JsonObject, related: Related) -> JsonObject | None:
    """Return the ReplicaSet of a Deployment's newest template: the one with the Deployment's own revision."""
    try:
        if group_kind(workload) != DEPLOYMENT:
            return None
        revision = text(workload, "metadata", "annotations", REVISION)
        candidates = controlled_by(workload, related.replica_sets)
    except MalformedError:
        return None
    return next(
        (one for one in candidates if revision and _mark(one, "annotations", REVISION) == revision), None
    )


def controlled_by(owner: JsonObject, candidates: tuple[JsonObject, ...]) -> list[JsonObject]:
    """Return the candidates that this very object controls, uid for uid, by name; not those unreadable."""
    uid = text(owner, "metadata", "uid")
    return sorted((one for one in candidates if uid and _controller(one) == uid), key=name_of)


def _controller(obj: JsonObject) -> str:
    try:
        name_of(obj)  # what has no readable name cannot be reported on either
        return controller_uid(obj)
    except MalformedError:
        return ""


def _mark(obj: JsonObject, where: str, key: str) -> str:
    """Return a label or an annotation; empty where it is absent or unreadable."""
    try:
        return text(obj, "metadata", where, key)
    except MalformedError:
        return ""


def is_observed(workload: JsonObject, applied_generation: int | None) -> bool:
    """Tell whether the workload's status and revision speak of its newest generation, and of our apply."""
    generation = whole(workload, "metadata", "generation")
    observed = whole(workload, "status", "observedGeneration")
    if applied_generation is not None and generation is not None and generation < applied_generation:
        return False
    if group_kind(workload) in {DEPLOYMENT, STATEFUL_SET, DAEMON_SET}:
        return generation is not None and observed == generation
    return True


def _choose(workload: JsonObject, related: Related) -> list[JsonObject]:
    kind = group_kind(workload)
    if kind == POD:
        name_of(workload)  # raises where nothing could be reported by name
        return [workload]
    if kind == DEPLOYMENT:
        newest = newest_replica_set(workload, related)
        return controlled_by(newest, related.pods) if newest else []
    mine = controlled_by(workload, related.pods)
    if kind == STATEFUL_SET:
        revision = text(workload, "status", "updateRevision")
        return [pod for pod in mine if revision and _mark(pod, "labels", REVISION_HASH) == revision]
    if kind == DAEMON_SET:
        return _newest_of_daemon_set(workload, mine)
    return mine if kind in DIRECT_OWNERS else []


def _newest_of_daemon_set(workload: JsonObject, mine: list[JsonObject]) -> list[JsonObject]:
    """Select by template generation, the only trace of the newest template outside ControllerRevisions.

    A template that comes back keeps its old Pods, with their old generation but the same hash as the new
    ones; so the hash of the Pods that match speaks for the rest. Without the generation, the hash of the
    youngest Pod does.
    """
    generation = text(workload, "metadata", "annotations", TEMPLATE_GENERATION)
    if generation:
        known = [pod for pod in mine if _mark(pod, "labels", POD_TEMPLATE_GENERATION) == generation]
    else:
        dated = [(born, name_of(pod), pod) for pod in mine if (born := _born(pod))]
        known = [max(dated, key=lambda entry: entry[:2])[2]] if dated else []
    hashes = {_mark(pod, "labels", REVISION_HASH) for pod in known} - {""}
    names = {name_of(pod) for pod in known}
    return [pod for pod in mine if name_of(pod) in names or _mark(pod, "labels", REVISION_HASH) in hashes]


def _born(pod: JsonObject) -> float | None:
    born = moment(pod, "metadata", "creationTimestamp")
    return born.timestamp() if born else None
