"""PartialObjectMetadata: metadata and nothing else."""

from __future__ import annotations

from simcluster.printing import partial

OBJECT = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "uid": "u"}, "data": {"a": "Yg=="}}


def test_partial_shows_metadata_only() -> None:
    assert partial.partial(OBJECT) == {
        "kind": "PartialObjectMetadata",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": {"name": "s", "uid": "u"},
    }


def test_partial_is_of_the_version_asked_for() -> None:
    v1beta1 = "meta.k8s.io/v1beta1"
    assert partial.partial(OBJECT, v1beta1)["apiVersion"] == v1beta1
