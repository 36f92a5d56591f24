"""What a chart's reference and its manifest may say."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops.errors import InvalidInput, Location
from gitops.render.oci import MOST_CHART_BYTES, ChartReference, Layer, chart_layer, is_remote, reference

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


@pytest.mark.parametrize(
    ("written", "host", "path"),
    [
        ("oci://registry.example/team/web", "registry.example", "team/web"),
        ("oci://localhost:5000/web", "localhost:5000", "web"),
        ("oci://127.0.0.1:5000/a/b__c/d-e.f:1.2.3", "127.0.0.1:5000", "a/b__c/d-e.f"),
    ],
)
def test_a_reference_names_host_path_and_digest(written: str, host: str, path: str) -> None:
    found = reference(f"{written}@{DIGEST}", AT)
    assert found == ChartReference(host, path, DIGEST)
    assert reference(str(found), AT) == found


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("oci://registry.example/web", "add @sha256:"),
        ("oci://registry.example/web:1.2.3", "a tag can be moved"),
        (f"oci://registry.example/web@{DIGEST[:-1]}", "no digest"),
        (f"oci://registry.example/web@{DIGEST.upper()}", "no digest"),
        (f"oci://registry.example/web@sha512:{DIGEST[7:] * 2}", "no digest"),
        (f"oci://registry.example/web@{DIGEST}@{DIGEST}", "no digest"),
        (f"oci://user:pass@registry.example/web@{DIGEST}", "without a user"),
        (f"oci://registry.example@evil.example/web@{DIGEST}", "no digest|no name"),
        (f"oci:///web@{DIGEST}", "no registry"),
        (f"oci://Registry.example/web@{DIGEST}", "lower case"),
        (f"oci://registry.example:0/web@{DIGEST}", "no registry"),
        (f"oci://registry.example:99999999/web@{DIGEST}", "no registry"),
        (f"oci://registry.example@{DIGEST}", "no name"),
        (f"oci://registry.example/../../v2/x@{DIGEST}", "no name"),
        (f"oci://registry.example/web/@{DIGEST}", "no name"),
        (f"oci://registry.example/Web@{DIGEST}", "no name"),
        (f"oci://registry.example/web?x=y@{DIGEST}", "no name"),
        (f"oci://registry.example/web%2f@{DIGEST}", "no name"),
        (f"oci://registry.example/web\n@{DIGEST}", "no name"),
        (f"oci://registry.example/{'a' * 256}@{DIGEST}", "no name"),
        (f"oci://registry.example/web:@{DIGEST}", "no tag"),
        (f"oci://registry.example/web:a:b@{DIGEST}", "no tag"),
        (f"OCI://registry.example/web@{DIGEST}", "is written oci://"),
        (f"oci://registry.example/{'a/' * 1000}@{DIGEST}", "1000 characters"),
    ],
)
def test_another_reference_is_refused_where_it_is_written(written: str, said: str) -> None:
    assert is_remote(written)
    with pytest.raises(InvalidInput, match=said) as raised:
        reference(written, AT)
    assert {problem.location for problem in raised.value.problems} == {AT}
    assert "pass" not in str(raised.value)


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
