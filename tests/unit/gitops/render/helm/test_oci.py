"""What a chart's manifest may say."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops.errors import InvalidInput, Location
from gitops.render.helm.oci import MOST_CHART_BYTES, Layer, chart_layer

AT = Location("environments/shop/web/application.yaml", 5, 12)
DIGEST = "sha256:" + "0123456789abcdef" * 4
CHART = {
    "mediaType": "application/vnd.cncf.helm.chart.content.v1.tar+gzip",
    "digest": DIGEST,
    "size": 1000,
}
CONFIG = {"mediaType": "application/vnd.cncf.helm.config.v1+json", "digest": DIGEST, "size": 2}
PROVENANCE = {**CHART, "mediaType": "application/vnd.cncf.helm.chart.provenance.v1.prov"}
MANIFEST = {"schemaVersion": 2, "config": CONFIG, "layers": [CHART]}


@pytest.mark.parametrize("layers", [[CHART], [CHART, PROVENANCE], [PROVENANCE, CHART]])
def test_the_charts_layer_is_found(layers: list[Any]) -> None:
    manifest = {**MANIFEST, "mediaType": "application/vnd.oci.image.manifest.v1+json", "layers": layers}
    assert chart_layer(json.dumps(manifest).encode(), AT) == Layer(DIGEST, 1000)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"schemaVersion": 1}, "no OCI manifest"),
        ({"mediaType": "application/vnd.oci.image.index.v1+json"}, "index of several"),
        ({"manifests": []}, "index of several"),
        ({"mediaType": "application/vnd.docker.distribution.manifest.v2+json"}, "no Helm chart"),
        ({"config": {**CONFIG, "mediaType": "application/vnd.oci.image.config.v1+json"}}, "no Helm chart"),
        ({"config": None}, "no Helm chart"),
        ({"layers": []}, "must have one layer"),
        ({"layers": None}, "must have one layer"),
        ({"layers": [CHART, CHART]}, "must have one layer"),
        ({"layers": [CHART, None]}, "must have one layer"),
        ({"layers": [CHART, {**CHART, "mediaType": "application/x"}]}, "must have one layer"),
        ({"layers": [{**CHART, "mediaType": "application/tar+gzip"}]}, "must have one layer"),
        ({"layers": [{**CHART, "digest": "sha256:../../../etc/passwd"}]}, "no sha256 digest"),
        ({"layers": [{**CHART, "digest": None}]}, "no sha256 digest"),
        ({"layers": [{**CHART, "size": MOST_CHART_BYTES + 1}]}, "must have 1 byte to 16 MiB"),
        ({"layers": [{**CHART, "size": -1}]}, "must have"),
        ({"layers": [{**CHART, "size": True}]}, "must have"),
        ({"layers": [{**CHART, "size": "9"}]}, "must have"),
    ],
)
def test_a_manifest_of_something_else_is_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        chart_layer(json.dumps({**MANIFEST, **changes}).encode(), AT)


@given(
    st.binary() | st.recursive(st.none() | st.text(), st.lists).map(lambda value: json.dumps(value).encode())
)
def test_no_bytes_make_it_fail_otherwise(manifest: bytes) -> None:
    with pytest.raises(InvalidInput, match="no OCI manifest"):
        chart_layer(manifest, AT)
