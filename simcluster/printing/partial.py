"""PartialObjectMetadata of meta.k8s.io: an object's metadata and nothing else."""

from __future__ import annotations

from simcluster.values import JsonObject

V1 = "meta.k8s.io/v1"
_DROPPED = {
    "DaemonSet": "deprecated.daemonset.template.generation",
    "HorizontalPodAutoscaler": "autoscaling.alpha.kubernetes.io/",
}


def partial(obj: JsonObject, api_version: str = V1) -> JsonObject:
    """Show the metadata of `obj`; `api_version` is what the client asked for (v1 or v1beta1).

    Annotations that stand for a field of the server's internal form are not metadata there, and not here.
    """
    metadata = obj.get("metadata") or {}
    dropped = _DROPPED.get(obj.get("kind", ""))
    if dropped and metadata.get("annotations"):
        metadata = _without_annotations(metadata, dropped)
    return {"kind": "PartialObjectMetadata", "apiVersion": api_version, "metadata": metadata}


def _without_annotations(metadata: JsonObject, prefix: str) -> JsonObject:
    kept = {key: value for key, value in metadata["annotations"].items() if not key.startswith(prefix)}
    rest = {key: value for key, value in metadata.items() if key != "annotations"}
    return {**rest, "annotations": kept} if kept else rest
