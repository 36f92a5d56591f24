"""A Deployment's ReplicaSets over time: numbers, annotations, and which one has the present template."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from simcluster.behaviour import deployment_scale as scale
from simcluster.behaviour.meta import annotations_of, spec_of, status_of
from simcluster.values import JsonObject

HASH_LABEL = "pod-template-hash"
REVISION = "deployment.kubernetes.io/revision"
_HISTORY = "deployment.kubernetes.io/revision-history"
_HISTORY_MAX = 2000
_NOT_COPIED = frozenset(
    (
        "kubectl.kubernetes.io/last-applied-configuration",
        REVISION,
        _HISTORY,
        scale.DESIRED,
        scale.MAX,
        "deprecated.deployment.rollback.to",
    )
)


def writable(obj: JsonObject) -> JsonObject:
    """Copy an object as deep as a pass changes it; conditions are replaced, never changed."""
    metadata = dict(obj["metadata"])
    if metadata.get("annotations"):
        metadata["annotations"] = dict(metadata["annotations"])
    return {**obj, "metadata": metadata, "spec": dict(obj["spec"]), "status": dict(status_of(obj))}


def full(deployment: JsonObject, replica_sets: Sequence[JsonObject]) -> bool:
    """Tell whether there are more ReplicaSets than the history may hold, so that some could be cleaned up."""
    limit = spec_of(deployment).get("revisionHistoryLimit")
    return limit is not None and len(replica_sets) > limit + 1


def revision_of(replica_set: JsonObject) -> int:
    """Return the number of a ReplicaSet's revision, 0 where it has none that can be read."""
    text = annotations_of(replica_set).get(REVISION, "")
    return int(text) if text.isdigit() else 0


def without_hash(template: JsonObject) -> JsonObject:
    """Return a pod template to be compared: without the label that a ReplicaSet adds."""
    metadata = template.get("metadata") or {}
    kept = {key: value for key, value in (metadata.get("labels") or {}).items() if key != HASH_LABEL}
    rest = {key: value for key, value in metadata.items() if key not in ("labels", "creationTimestamp")}
    return {**template, "metadata": {**rest, "labels": kept}}


def annotate(deployment: JsonObject, replica_set: JsonObject, number: int) -> None:
    """Copy the Deployment's annotations and note the revision; an earlier one goes into the history."""
    found: dict[str, str] = replica_set["metadata"].setdefault("annotations", {})
    found.update({key: value for key, value in annotations_of(deployment).items() if key not in _NOT_COPIED})
    before = found.get(REVISION, "")
    if before and not before.isdigit():
        return
    if int(before or 0) >= number:
        return
    found[REVISION] = str(number)
    if before:
        history = [*filter(None, found.get(_HISTORY, "").split(",")), before]
        while len(",".join(history)) > _HISTORY_MAX:
            history.pop(0)
        found[_HISTORY] = ",".join(history)


def old_pods_run(new: JsonObject | None, old: Sequence[JsonObject], pods: Iterable[JsonObject]) -> bool:
    """Tell whether a Recreate must wait: old pods that have not ended are there, or counted."""
    if any(status_of(each).get("replicas") for each in old):
        return True
    ours = None if new is None else new["metadata"].get("uid")
    for pod in pods:
        owners = pod["metadata"].get("ownerReferences") or ()
        finished = status_of(pod).get("phase") in ("Failed", "Succeeded")
        if not finished and not any(each.get("controller") and each["uid"] == ours for each in owners):
            return True
    return False
