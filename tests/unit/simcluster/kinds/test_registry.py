"""Which kinds a cluster serves, and what is known of each."""

from __future__ import annotations

from typing import Any

import pytest

from simcluster.kinds.registry import Registry, builtin, version_order
from simcluster.kinds.types import List, Scalar, Struct, Type, resolved


def struct(type_: Type) -> Struct:
    found = resolved(type_)
    assert isinstance(found, Struct)
    return found


def field(type_: Type, *path: str) -> Scalar | Struct | List:
    found = resolved(type_)
    for name in path:
        found = resolved(struct(found).fields[name])
        if isinstance(found, List) and name != path[-1]:
            found = resolved(found.items)
    return found


def test_a_builtin_kind_is_found_by_path_and_by_name() -> None:
    registry = Registry()
    kind = registry.find("apps", "v1", "deployments")
    assert kind is not None
    assert kind is registry.of("apps/v1", "Deployment")
    assert (kind.api_version, kind.group_resource, kind.storage) == (
        "apps/v1",
        "deployments.apps",
        "apps/deployments",
    )
    assert kind.namespaced
    assert kind.short_names == ("deploy",)
    assert set(kind.subresources) == {"status", "scale"}
    scale = kind.subresources["scale"]
    assert (scale.group, scale.version, scale.kind) == ("autoscaling", "v1", "Scale")


@pytest.mark.parametrize(
    ("resource", "subresource", "expected"),
    [
        ("pods", "eviction", ("policy", "v1", "Eviction")),
        ("pods", "binding", ("", "v1", "Binding")),
        ("pods", "log", ("", "v1", "Pod")),
        ("serviceaccounts", "token", ("authentication.k8s.io", "v1", "TokenRequest")),
        ("namespaces", "finalize", ("", "v1", "Namespace")),
    ],
)
def test_a_subresource_tells_the_kind_of_its_bodies(
    resource: str, subresource: str, expected: tuple[str, str, str]
) -> None:
    kind = Registry().find("", "v1", resource)
    assert kind is not None
    found = kind.subresources[subresource]
    assert (found.group, found.version, found.kind) == expected


def test_versions_of_one_resource_and_both_groups_of_events_share_their_storage() -> None:
    registry = Registry()
    pairs = [
        (("v1", "Event"), ("events.k8s.io/v1", "Event")),
        (("autoscaling/v1", "HorizontalPodAutoscaler"), ("autoscaling/v2", "HorizontalPodAutoscaler")),
    ]
    for one, other in pairs:
        first, second = registry.of(*one), registry.of(*other)
        assert first is not None
        assert second is not None
        assert first is not second
        assert first.storage == second.storage


def test_every_builtin_type_can_be_built() -> None:
    table = builtin()
    for name in table.definitions:
        assert isinstance(table.types.look_up(name), Scalar | Struct | List)


def test_list_types_keys_and_patch_strategies_come_from_the_table() -> None:
    pod = Registry().of("v1", "Pod")
    assert pod is not None
    containers = field(pod.schema, "spec", "containers")
    assert isinstance(containers, List)
    assert (containers.topology, containers.keys, containers.merge_key) == ("map", ("name",), "name")
    ports = field(pod.schema, "spec", "containers", "ports")
    assert isinstance(ports, List)
    assert (ports.keys, ports.merge_key) == (("containerPort", "protocol"), "containerPort")
    assert struct(ports.items).defaults["protocol"] == "TCP"
    args = field(pod.schema, "spec", "containers", "args")
    assert isinstance(args, List)
    assert (args.topology, args.merges) == ("atomic", False)
    finalizers = field(pod.schema, "metadata", "finalizers")
    assert isinstance(finalizers, List)
    assert (finalizers.topology, finalizers.merges, finalizers.merge_key) == ("set", True, "")
    assert "volumes" in struct(field(pod.schema, "spec")).retain_keys
    assert struct(field(pod.schema, "spec", "nodeSelector")).atomic
    budget = Registry().of("policy/v1", "PodDisruptionBudget")
    assert budget is not None
    assert struct(field(budget.schema, "spec")).replace_keys == {"selector"}


def test_recursive_types_end() -> None:
    crd = Registry().of("apiextensions.k8s.io/v1", "CustomResourceDefinition")
    assert crd is not None
    schema = field(crd.schema, "spec", "versions", "schema", "openAPIV3Schema")
    assert field(schema, "not") is schema


def test_scalars_that_go_reads_by_methods_have_kinds_of_their_own() -> None:
    deployment = Registry().of("apps/v1", "Deployment")
    assert deployment is not None
    surge = field(deployment.schema, "spec", "strategy", "rollingUpdate", "maxSurge")
    assert isinstance(surge, Scalar)
    assert surge.kind == "int-or-string"
    limits = field(deployment.schema, "spec", "template", "spec", "containers", "resources", "limits")
    values = struct(limits).values
    assert values is not None
    quantity = resolved(values)
    assert isinstance(quantity, Scalar)
    assert quantity.kind == "quantity"


def test_a_crd_defines_its_served_versions(registry: Registry) -> None:
    kind = registry.find("example.com", "v1", "widgets")
    assert kind is not None
    assert kind.custom is not None
    assert (kind.list_kind, kind.singular, kind.storage) == ("WidgetList", "widget", "example.com/widgets")
    assert set(kind.subresources) == {"status", "scale"}
    assert kind.custom.has_status
    assert kind.custom.scale is not None
    assert kind.custom.scale.spec_replicas == ".spec.replicas"
    parts = field(kind.schema, "spec", "parts")
    assert isinstance(parts, List)
    assert (parts.topology, parts.keys) == ("map", ("name",))
    assert struct(field(kind.schema, "spec", "free")).open
    assert registry.find("example.com", "v1beta1", "widgets") is not None


def test_a_version_that_is_not_served_is_known_and_not_found(registry: Registry) -> None:
    assert registry.find("example.com", "v1alpha1", "widgets") is None
    assert registry.of("example.com/v1alpha1", "Widget") is None
    assert [kind.version for kind in registry.of_crd("widgets.example.com")] == ["v1", "v1beta1", "v1alpha1"]


def test_defining_a_crd_again_replaces_its_kinds(registry: Registry, crd: dict[str, Any]) -> None:
    before = registry.generation
    del crd["spec"]["versions"][1]
    registry.define(crd)
    assert registry.generation > before
    assert registry.find("example.com", "v1beta1", "widgets") is None
    assert registry.find("example.com", "v1", "widgets") is not None


def test_removing_a_crd_removes_its_kinds_and_its_group(registry: Registry) -> None:
    registry.remove("widgets.example.com")
    assert registry.find("example.com", "v1", "widgets") is None
    assert "example.com" not in dict(registry.groups())
    assert list(registry.custom()) == []


def test_removing_an_unknown_crd_changes_nothing(registry: Registry) -> None:
    before = registry.generation
    registry.remove("gadgets.example.com")
    assert registry.generation == before


def test_clusters_do_not_share_custom_kinds(registry: Registry) -> None:
    assert registry.of("example.com/v1", "Widget") is not None
    assert Registry().of("example.com/v1", "Widget") is None


def test_versions_are_ordered_as_kubernetes_prefers_them() -> None:
    versions = ["v1alpha1", "foo1", "v2", "v1beta2", "v10", "v11beta1", "v1"]
    assert sorted(versions, key=version_order) == [
        "v10",
        "v2",
        "v1",
        "v11beta1",
        "v1beta2",
        "v1alpha1",
        "foo1",
    ]
