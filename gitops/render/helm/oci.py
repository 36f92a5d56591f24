"""What a chart's manifest in an OCI registry says that there is to fetch.

OCI image specification 1.1; media types as Helm has them (HIP-0006).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import orjson

from gitops.errors import InvalidInput, Location, Problem
from gitops.model.chart_references import DIGEST

MOST_MANIFEST_BYTES = 256 << 10
MOST_CHART_BYTES = 16 << 20
"""Of a chart's archive, as it is packed."""

_CONFIG = "application/vnd.cncf.helm.config.v1+json"
_CHART = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
_PROVENANCE = "application/vnd.cncf.helm.chart.provenance.v1.prov"
_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_LISTS = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
ACCEPTED = ", ".join((_MANIFEST, *_LISTS))
"""Media types of what a digest may name; of lists only to say what they are."""


@dataclass(frozen=True, slots=True)
class Layer:
    """A blob of a manifest; `size` in bytes."""

    digest: str
    size: int


def digest_of(data: bytes) -> str:
    """Give the digest by which a registry names these bytes."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def chart_layer(manifest: bytes, at: Location) -> Layer:
    """Find the chart's archive in a manifest. Raises InvalidInput for what is no chart, or too large."""
    try:
        value = orjson.loads(manifest)
    except orjson.JSONDecodeError:
        value = None
    if not isinstance(value, dict) or value.get("schemaVersion") != 2:  # noqa: PLR2004 - the only version
        raise _invalid(at, "what this digest names is no OCI manifest")
    if value.get("mediaType") in _LISTS or "manifests" in value:
        raise _invalid(
            at, "this digest names an index of several manifests: take the digest of the chart's own"
        )
    config = value.get("config")
    kind = config.get("mediaType") if isinstance(config, dict) else None
    if value.get("mediaType", _MANIFEST) != _MANIFEST or kind != _CONFIG:
        raise _invalid(at, f"what this digest names is no Helm chart: its config must be {_CONFIG}")
    return _layer(value.get("layers"), at)


def _layer(layers: object, at: Location) -> Layer:
    listed = layers if isinstance(layers, list) else []
    found = [one for one in listed if isinstance(one, dict) and one.get("mediaType") == _CHART]
    others = [one for one in listed if not isinstance(one, dict) or one.get("mediaType") != _PROVENANCE]
    if len(found) != 1 or len(others) != 1:
        raise _invalid(at, f"this chart must have one layer, {_CHART}, and at most its provenance beside it")
    digest, size = found[0].get("digest"), found[0].get("size")
    if not isinstance(digest, str) or not DIGEST.fullmatch(digest):
        raise _invalid(at, "the chart's layer has no sha256 digest")
    if not isinstance(size, int) or isinstance(size, bool) or not 0 < size <= MOST_CHART_BYTES:
        raise _invalid(at, f"the chart's archive must have 1 byte to {MOST_CHART_BYTES >> 20} MiB")
    return Layer(digest, size)


def _invalid(at: Location, message: str) -> InvalidInput:
    return InvalidInput(Problem(at, message))
