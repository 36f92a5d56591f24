"""Immutable fields: replaced only where that is safe or asked for."""

from __future__ import annotations

import pytest

from gitops.errors import Location
from gitops.objects import Manifest
from gitops.plan import Refuse, Replace, on_immutable

IMMUTABLE = "spec.template: Invalid value: core.PodTemplateSpec{}: field is immutable"


def manifest(api_version: str, kind: str, recreate: str | None = None) -> Manifest:
    annotations = {} if recreate is None else {"gitops-waves.io/recreate": recreate}
    metadata = {"name": "a", "namespace": "n", "annotations": annotations}
    return Manifest({"apiVersion": api_version, "kind": kind, "metadata": metadata}, Location("a.yaml", 1))


def test_a_job_is_replaced_when_its_template_changes() -> None:
    assert on_immutable(manifest("batch/v1", "Job"), IMMUTABLE) == Replace(
        "a Job's template cannot be updated"
    )


def test_a_job_with_an_ordinary_mistake_is_not_deleted_for_it() -> None:
    """Any other cause means that the new object would be refused too."""
    causes = [IMMUTABLE, 'spec.template.spec.restartPolicy: Unsupported value: "Alway"']
    assert isinstance(on_immutable(manifest("batch/v1", "Job"), "; ".join(causes), causes), Refuse)
    assert on_immutable(manifest("batch/v1", "Job"), causes[1]) == Refuse(causes[1])


@pytest.mark.parametrize(
    "message",
    [
        IMMUTABLE,
        "spec: Forbidden: updates to statefulset spec for fields other than 'replicas' are forbidden",
        "spec: Forbidden: pod updates may not change fields other than `spec.containers[*].image`",
        "spec.clusterIPs[0]: Invalid value: []string(nil): may not change once set",
        "roleRef: Invalid value: rbac.RoleRef{}: cannot change roleRef",
        "spec: Forbidden: spec is immutable after creation except resources.requests",
        "parameters: Forbidden: updates to parameters are forbidden.",
    ],
)
def test_others_are_replaced_by_annotation_only(message: str) -> None:
    """The refusal says how to ask for it."""
    refused = on_immutable(manifest("apps/v1", "StatefulSet"), message)
    assert isinstance(refused, Refuse)
    assert refused.because.startswith(message)
    assert 'gitops-waves.io/recreate: "true"' in refused.because
    assert isinstance(on_immutable(manifest("apps/v1", "StatefulSet", "true"), message), Replace)
    assert isinstance(on_immutable(manifest("apps/v1", "StatefulSet", "false"), message), Refuse)


@pytest.mark.parametrize(
    ("api_version", "kind"), [("v1", "Namespace"), ("apiextensions.k8s.io/v1", "CustomResourceDefinition")]
)
def test_what_holds_other_objects_is_never_replaced(api_version: str, kind: str) -> None:
    assert isinstance(on_immutable(manifest(api_version, kind, "true"), IMMUTABLE), Refuse)


def test_a_job_of_another_group_is_no_job() -> None:
    assert isinstance(on_immutable(manifest("batch.example.com/v1", "Job"), IMMUTABLE), Refuse)
