"""How a chart in a registry is named."""

from __future__ import annotations

import pytest

from gitops.errors import InvalidInput, Location
from gitops.model.chart_references import ChartReference, is_remote, reference

AT = Location("environments/shop/web/application.yaml", 5, 12)
DIGEST = "sha256:" + "0123456789abcdef" * 4


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
