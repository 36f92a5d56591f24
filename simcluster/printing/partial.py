"""PartialObjectMetadata of meta.k8s.io: an object's metadata and nothing else."""

from __future__ import annotations

from collections.abc import Iterable

from simcluster.errors import JsonObject

V1 = "meta.k8s.io/v1"


def partial(obj: JsonObject, api_version: str = V1) -> JsonObject:
    """Show the metadata of `obj`; `api_version` is what the client asked for (v1 or v1beta1)."""
    return {"kind": "PartialObjectMetadata", "apiVersion": api_version, "metadata": obj.get("metadata") or {}}


def partial_list(
    objects: Iterable[JsonObject], list_metadata: JsonObject, api_version: str = V1
) -> JsonObject:
    """Show the metadata of each object, under the list's own `list_metadata` (resourceVersion, continue)."""
    return {
        "kind": "PartialObjectMetadataList",
        "apiVersion": api_version,
        "metadata": list_metadata,
        "items": [partial(obj, api_version) for obj in objects],
    }
