"""Discovery tells of built-in and custom kinds in the form of a real API server."""

from __future__ import annotations

from typing import Any

from simcluster.kinds import discovery
from simcluster.kinds.registry import Registry

VERBS = ["delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"]


def entry(document: dict[str, Any] | None, name: str) -> dict[str, Any]:
    assert document is not None
    return next(each for each in document["resources"] if each["name"] == name)


def test_version_says_that_it_is_a_simulation() -> None:
    found = discovery.version(Registry())
    assert (found["major"], found["minor"], found["gitVersion"]) == ("1", "37", "v1.37.2+simcluster")
    assert "simulation" in found["gitCommit"]


def test_the_core_group_is_announced_with_its_address() -> None:
    assert discovery.core_versions("127.0.0.1:1") == {
        "kind": "APIVersions",
        "versions": ["v1"],
        "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": "127.0.0.1:1"}],
    }


def test_groups_come_in_the_servers_order_with_the_preferred_version_first(registry: Registry) -> None:
    groups = discovery.group_list(registry)["groups"]
    names = [each["name"] for each in groups]
    assert names[:3] == ["apiregistration.k8s.io", "apps", "events.k8s.io"]
    assert names[-1] == "example.com"
    assert "" not in names
    autoscaling = discovery.group(registry, "autoscaling")
    assert autoscaling == {
        "kind": "APIGroup",
        "apiVersion": "v1",
        "name": "autoscaling",
        "versions": [
            {"groupVersion": "autoscaling/v2", "version": "v2"},
            {"groupVersion": "autoscaling/v1", "version": "v1"},
        ],
        "preferredVersion": {"groupVersion": "autoscaling/v2", "version": "v2"},
    }


def test_what_is_not_there_is_none(registry: Registry) -> None:
    assert discovery.group(registry, "nobody.example") is None
    assert discovery.group(registry, "") is None
    assert discovery.resource_list(registry, "apps", "v9") is None
    assert discovery.resource_list(registry, "example.com", "v1alpha1") is None


def test_resources_of_a_builtin_version_are_listed_with_their_subresources() -> None:
    found = discovery.resource_list(Registry(), "apps", "v1")
    assert found is not None
    assert {key: found[key] for key in ("kind", "apiVersion", "groupVersion")} == {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": "apps/v1",
    }
    assert entry(found, "deployments/scale") == {
        "name": "deployments/scale",
        "singularName": "",
        "namespaced": True,
        "group": "autoscaling",
        "version": "v1",
        "kind": "Scale",
        "verbs": ["get", "patch", "update"],
    }
    core = discovery.resource_list(Registry(), "", "v1")
    assert core is not None
    assert "apiVersion" not in core
    assert entry(core, "pods")["shortNames"] == ["po"]


def test_resources_of_a_custom_version_look_the_same(registry: Registry) -> None:
    found = discovery.resource_list(registry, "example.com", "v1")
    assert entry(found, "widgets") == {
        "name": "widgets",
        "singularName": "widget",
        "namespaced": True,
        "kind": "Widget",
        "verbs": VERBS,
        "shortNames": ["wd"],
        "categories": ["all", "toys"],
        "storageVersionHash": "gIwvi5rymmg=",
    }
    assert entry(found, "widgets/status")["kind"] == "Widget"
    assert entry(found, "widgets/scale")["group"] == "autoscaling"


def test_aggregated_discovery_holds_everything_at_once(registry: Registry) -> None:
    found = discovery.aggregated(registry, core=False)
    assert (found["kind"], found["apiVersion"]) == ("APIGroupDiscoveryList", "apidiscovery.k8s.io/v2")
    widgets = next(each for each in found["items"] if each["metadata"]["name"] == "example.com")
    assert [each["version"] for each in widgets["versions"]] == ["v1", "v1beta1"]
    assert widgets["versions"][0]["freshness"] == "Current"
    kind = {"group": "example.com", "version": "v1", "kind": "Widget"}
    (resource,) = widgets["versions"][0]["resources"]
    assert resource == {
        "resource": "widgets",
        "responseKind": kind,
        "scope": "Namespaced",
        "singularResource": "widget",
        "verbs": VERBS,
        "shortNames": ["wd"],
        "categories": ["all", "toys"],
        "subresources": [
            {"subresource": "status", "responseKind": kind, "verbs": ["get", "patch", "update"]},
            {
                "subresource": "scale",
                "responseKind": {"group": "autoscaling", "version": "v1", "kind": "Scale"},
                "verbs": ["get", "patch", "update"],
            },
        ],
    }


def test_aggregated_discovery_of_the_core_group_has_no_name() -> None:
    found = discovery.aggregated(Registry(), core=True)
    (core,) = found["items"]
    assert core["metadata"] == {}
    nodes = next(each for each in core["versions"][0]["resources"] if each["resource"] == "nodes")
    assert nodes["scope"] == "Cluster"
    # For resources of its own the real server leaves group and version out.
    assert nodes["responseKind"] == {"group": "", "version": "", "kind": "Node"}


def test_root_paths_name_every_version(registry: Registry) -> None:
    paths = discovery.root_paths(registry)["paths"]
    assert {"/api/v1", "/apis/apps/v1", "/apis/example.com/v1beta1", "/openapi/v3", "/version"} <= set(paths)
    assert paths == sorted(paths)
