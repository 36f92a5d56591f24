"""Paths of resources, and discovery documents of both kinds."""

from __future__ import annotations

import pytest

from controllers.adapters.kube.resources import (
    Discovery,
    Resource,
    group_versions,
    parse_aggregated,
    parse_resource_list,
)
from gitops.errors import Refused
from gitops.objects import GroupKind

DEPLOYMENTS = Resource("apps", "v1", "Deployment", "deployments", namespaced=True)
NODES = Resource("", "v1", "Node", "nodes", namespaced=False)


@pytest.mark.parametrize(
    ("resource", "arguments", "path"),
    [
        (DEPLOYMENTS, ("shop", "web"), "/apis/apps/v1/namespaces/shop/deployments/web"),
        (DEPLOYMENTS, ("shop",), "/apis/apps/v1/namespaces/shop/deployments"),
        (DEPLOYMENTS, (), "/apis/apps/v1/deployments"),
        (DEPLOYMENTS, ("shop", "web", "scale"), "/apis/apps/v1/namespaces/shop/deployments/web/scale"),
        (NODES, ("", "n1"), "/api/v1/nodes/n1"),
        (NODES, ("ignored", "system:node"), "/api/v1/nodes/system:node"),
        (NODES, ("", "a b?c#d"), "/api/v1/nodes/a%20b%3Fc%23d"),
    ],
)
def test_path(resource: Resource, arguments: tuple[str, ...], path: str) -> None:
    """Cluster-scoped kinds have no namespace in their path, whatever is given; names are quoted."""
    assert resource.path(*arguments) == path


@pytest.mark.parametrize(
    ("namespace", "name"),
    [("shop", ".."), ("shop", "."), ("shop", "a/b"), ("..", "a"), ("shop", "%2e%2e"), ("", "a")],
)
def test_a_name_cannot_address_something_else(namespace: str, name: str) -> None:
    with pytest.raises(Refused):
        DEPLOYMENTS.path(namespace, name)


AGGREGATED = {
    "kind": "APIGroupDiscoveryList",
    "items": [
        {
            "metadata": {"name": "autoscaling"},
            "versions": [
                {
                    "version": "v2",
                    "freshness": "Current",
                    "resources": [
                        {
                            "resource": "horizontalpodautoscalers",
                            "responseKind": {
                                "group": "autoscaling",
                                "version": "v2",
                                "kind": "HorizontalPodAutoscaler",
                            },
                            "scope": "Namespaced",
                            "verbs": ["get", "list", "watch"],
                            "subresources": [{"subresource": "status"}],
                        }
                    ],
                },
                {
                    "version": "v1",
                    "freshness": "Stale",
                    "resources": [
                        {
                            "resource": "horizontalpodautoscalers",
                            "responseKind": {"kind": "HorizontalPodAutoscaler"},
                            "scope": "Namespaced",
                        },
                        {"resource": "odd", "responseKind": None, "scope": "Cluster"},
                    ],
                },
            ],
        },
        {
            "metadata": {"creationTimestamp": None},
            "versions": [
                {
                    "version": "v1",
                    "resources": [
                        {
                            "resource": "nodes",
                            "responseKind": {"kind": "Node"},
                            "scope": "Cluster",
                            "verbs": ["get"],
                        }
                    ],
                }
            ],
        },
    ],
}


def test_aggregated_discovery_knows_versions_scopes_and_what_did_not_answer() -> None:
    found = parse_aggregated(AGGREGATED)
    exact = found.find("autoscaling/v1", "HorizontalPodAutoscaler")
    preferred = found.preferred(GroupKind("autoscaling", "HorizontalPodAutoscaler"))
    assert exact is not None
    assert exact.version == "v1"
    assert preferred is not None
    assert (preferred.version, preferred.namespaced) == ("v2", True)
    assert preferred.verbs == {"get", "list", "watch"}
    assert preferred.api_version == "autoscaling/v2"
    node = found.find("v1", "Node")
    assert node == Resource("", "v1", "Node", "nodes", namespaced=False, verbs=frozenset({"get"}))
    assert found.unavailable == {"autoscaling/v1"}
    assert len(list(found)) == 3


def test_what_is_not_served_is_none() -> None:
    found = Discovery([NODES])
    assert found.find("v2", "Node") is None
    assert found.preferred(GroupKind("apps", "Node")) is None


def test_older_documents_put_the_preferred_version_first_and_leave_subresources_out() -> None:
    groups = {
        "kind": "APIGroupList",
        "groups": [
            {
                "name": "batch",
                "versions": [{"groupVersion": "batch/v1beta1"}, {"groupVersion": "batch/v1"}],
                "preferredVersion": {"groupVersion": "batch/v1"},
            }
        ],
    }
    assert group_versions(groups) == ["batch/v1", "batch/v1beta1"]
    assert group_versions({"kind": "APIVersions", "versions": ["v1"]}) == ["v1"]
    listed = {
        "groupVersion": "batch/v1",
        "resources": [
            {"name": "jobs", "kind": "Job", "namespaced": True, "verbs": ["get"]},
            {"name": "jobs/status", "kind": "Job", "namespaced": True, "verbs": ["get"]},
        ],
    }
    assert parse_resource_list(listed) == [
        Resource("batch", "v1", "Job", "jobs", namespaced=True, verbs=frozenset({"get"}))
    ]
