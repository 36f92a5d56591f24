"""Whose a live object is, from the marks that tools put on it."""

from __future__ import annotations

import pytest

from gitops.ownership import claimed_by


@pytest.mark.parametrize(
    ("labels", "annotations", "owner"),
    [
        ({"applyset.kubernetes.io/part-of": "applyset-x-v1"}, {}, "ApplySet applyset-x-v1"),
        (
            {"applyset.kubernetes.io/part-of": "x", "gitops-waves.io/environment": "staging"},
            {},
            "ApplySet x of environment staging",
        ),
        (
            {"app.kubernetes.io/managed-by": "Helm"},
            {"meta.helm.sh/release-name": "shop", "meta.helm.sh/release-namespace": "web"},
            "Helm release web/shop",
        ),
        (
            {"app.kubernetes.io/managed-by": "Helm"},
            {"meta.helm.sh/release-name": "shop"},
            "Helm release shop",
        ),
        ({}, {"argocd.argoproj.io/tracking-id": "shop:apps/Deployment:web/api"}, "Argo CD application shop"),
        ({"argocd.argoproj.io/instance": "shop"}, {}, "Argo CD application shop"),
        (
            {
                "kustomize.toolkit.fluxcd.io/name": "apps",
                "kustomize.toolkit.fluxcd.io/namespace": "flux-system",
            },
            {},
            "Flux Kustomization flux-system/apps",
        ),
        ({"helm.toolkit.fluxcd.io/name": "shop"}, {}, "Flux HelmRelease shop"),
        ({"kapp.k14s.io/app": "1700"}, {}, "kapp application 1700"),
        ({"pipecd.dev/managed-by": "piped", "pipecd.dev/application": "id"}, {}, "PipeCD application id"),
        ({}, {"pipecd.dev/managed-by": "piped"}, "the manager piped"),
        ({}, {"configmanagement.gke.io/managed": "enabled"}, "Config Sync"),
        ({}, {"config.k8s.io/owning-inventory": "inv"}, "the cli-utils inventory inv"),
        (
            {"addonmanager.kubernetes.io/mode": "Reconcile"},
            {},
            "the cluster's addon manager in mode Reconcile",
        ),
    ],
)
def test_marks_name_the_owner(labels: dict[str, str], annotations: dict[str, str], owner: str) -> None:
    assert claimed_by(labels, annotations) == owner


@pytest.mark.parametrize(
    ("labels", "annotations"),
    [
        ({}, {}),
        ({"app.kubernetes.io/instance": "shop", "app.kubernetes.io/managed-by": "Helm"}, {}),
        ({}, {"meta.helm.sh/release-name": "shop"}),
        ({"applyset.kubernetes.io/part-of": "ours"}, {}),
        ({}, {"configmanagement.gke.io/managed": "disabled"}),
    ],
)
def test_marks_that_claim_nothing(labels: dict[str, str], annotations: dict[str, str]) -> None:
    """Half a Helm mark, the recommended labels, and our own ApplySet are no claim of somebody else."""
    assert claimed_by(labels, annotations, ours="ours") is None


def test_only_the_controlling_owner_reference_claims() -> None:
    owner = {"kind": "ReplicaSet", "name": "web-1"}
    assert claimed_by({}, {}, [owner]) is None
    assert claimed_by({}, {}, [owner, {**owner, "controller": True}]) == "its controller ReplicaSet web-1"
