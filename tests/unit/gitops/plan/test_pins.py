"""What Git tells charts about a cluster, held against the cluster."""

from __future__ import annotations

import pytest

from gitops.errors import Location
from gitops.plan import Pins

SERVED = {("apps/v1", "Deployment"), ("v1", "Pod")}
AT = Location("clusters/eu.yaml", 3, 4)


@pytest.mark.parametrize(
    ("version", "minor", "warned"),
    [
        ("1.37.2", 37, 0),
        ("v1.37", 37, 0),
        ("1.3.7", 37, 1),
        ("1.36.9", 37, 1),
        ("2.37.0", 37, 1),
        ("1.36.0", 0, 0),
    ],
)
def test_another_minor_version_is_warned_of(version: str, minor: int, warned: int) -> None:
    """Not where the cluster's is not to be had."""
    found = Pins(version, (), AT).warnings(minor, SERVED)
    assert len(found) == warned
    for one in found:
        assert str(one).startswith("clusters/eu.yaml:3:4: charts are told Kubernetes")
        assert version in one.message
        assert f"1.{minor}" in one.message


def test_api_versions_that_are_not_served_are_warned_of() -> None:
    pins = Pins(
        "1.37.0", ("apps/v1", "apps/v1/Deployment", "v1", "v1/Pod", "apps/v1/Pod", "x.example/v1"), AT
    )
    assert [one.message.split(",")[0] for one in pins.warnings(37, SERVED)] == [
        "spec.apiVersions has apps/v1/Pod",
        "spec.apiVersions has x.example/v1",
    ]
