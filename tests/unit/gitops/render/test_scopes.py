"""The table of scopes says what an API server says in its discovery."""

from __future__ import annotations

from gitops.render.scopes import CLUSTER_SCOPED, KUBERNETES_GROUPS
from simcluster.kinds.builtin import builtin


def served() -> dict[tuple[str, str], bool]:
    """(group, kind) → namespaced, of everything that Kubernetes serves by itself."""
    return {
        (version.rpartition("/")[0], resource["kind"]): resource["namespaced"]
        for version, resources in builtin().resources.items()
        for resource in resources
        if "/" not in resource["name"]
    }


def test_cluster_scoped_kinds_are_those_of_the_server() -> None:
    assert {kind for kind, namespaced in served().items() if not namespaced} == CLUSTER_SCOPED


def test_groups_are_those_of_the_server() -> None:
    assert {group for group, _ in served()} == KUBERNETES_GROUPS
