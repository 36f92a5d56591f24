"""Who claims a live object, read from its labels, annotations and owner references."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gitops.objects import JsonObject

PART_OF = "applyset.kubernetes.io/part-of"
ENVIRONMENT = "gitops-waves.io/environment"
MANAGED_BY = "app.kubernetes.io/managed-by"

# What to call the owner, the mark with its namespace ("" where there is none), the mark with its name.
_MARKS = (
    ("Argo CD application", "", "argocd.argoproj.io/instance"),
    ("Flux Kustomization", "kustomize.toolkit.fluxcd.io/namespace", "kustomize.toolkit.fluxcd.io/name"),
    ("Flux HelmRelease", "helm.toolkit.fluxcd.io/namespace", "helm.toolkit.fluxcd.io/name"),
    ("kapp application", "", "kapp.k14s.io/app"),
    ("PipeCD application", "", "pipecd.dev/application"),
    ("the manager", "", "pipecd.dev/managed-by"),
    ("the cli-utils inventory", "", "config.k8s.io/owning-inventory"),
    ("the cluster's addon manager in mode", "", "addonmanager.kubernetes.io/mode"),
)


def claimed_by(
    labels: Mapping[str, str],
    annotations: Mapping[str, str],
    owner_references: Sequence[JsonObject] = (),
    *,
    ours: str = "",
) -> str | None:
    """Name the owner of a live object as a noun phrase, or None where nobody claims it.

    `ours` is the ApplySet id that does not count as a claim. The marks are those that each tool
    documents: KEP-3659, `meta.helm.sh/*`, Argo CD's resource tracking, Flux' and Config Sync's labels,
    kapp's and PipeCD's labels, cli-utils' owning inventory. Argo CD's oldest tracking label,
    `app.kubernetes.io/instance`, is not a claim: every Helm chart sets it too.
    """
    for claim in (_apply_set(labels, ours), _tool(labels, annotations), _controller(owner_references)):
        if claim is not None:
            return claim
    return None


def _apply_set(labels: Mapping[str, str], ours: str) -> str | None:
    part_of = labels.get(PART_OF)
    if not part_of or part_of == ours:
        return None
    environment = labels.get(ENVIRONMENT)
    return f"ApplySet {part_of}" + (f" of environment {environment}" if environment else "")


def _tool(labels: Mapping[str, str], annotations: Mapping[str, str]) -> str | None:
    marks = {**labels, **annotations}
    if annotations.get("meta.helm.sh/release-name") and labels.get(MANAGED_BY) == "Helm":
        return "Helm release " + _place(
            annotations, "meta.helm.sh/release-namespace", "meta.helm.sh/release-name"
        )
    if argo := annotations.get("argocd.argoproj.io/tracking-id"):
        return f"Argo CD application {argo.partition(':')[0]}"
    if annotations.get("configmanagement.gke.io/managed") == "enabled":
        return "Config Sync"
    for what, namespace_mark, mark in _MARKS:
        if marks.get(mark):
            return f"{what} {_place(marks, namespace_mark, mark)}"
    return None


def _place(marks: Mapping[str, str], namespace_mark: str, mark: str) -> str:
    namespace = marks.get(namespace_mark)
    return f"{namespace}/{marks[mark]}" if namespace else marks[mark]


def _controller(owner_references: Sequence[JsonObject]) -> str | None:
    for reference in owner_references:
        if reference.get("controller") is True:
            return f"its controller {reference.get('kind')} {reference.get('name')}"
    return None
