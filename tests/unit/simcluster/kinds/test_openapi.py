"""OpenAPI documents hold what kubectl looks for."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from simcluster.kinds import openapi
from simcluster.kinds.registry import Registry

GVK = "x-kubernetes-group-version-kind"
DEPLOYMENT = {"group": "apps", "version": "v1", "kind": "Deployment"}
WIDGET = {"group": "example.com", "version": "v1", "kind": "Widget"}


def load(registry: Registry, group: str, version: str) -> dict[str, Any]:
    body = openapi.document(registry, group, version)
    assert body is not None
    found: dict[str, Any] = orjson.loads(body)
    return found


def references(value: Any) -> set[str]:
    if isinstance(value, dict):
        own = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
        return own.union(*map(references, value.values()))
    return set().union(*map(references, value)) if isinstance(value, list) else set()


def test_the_index_has_every_version_below_the_clusters_own_path(registry: Registry) -> None:
    found = openapi.index(registry, "/clusters/a")["paths"]
    assert {"api/v1", "apis/apps/v1", "apis/example.com/v1"} <= set(found)
    address = found["apis/apps/v1"]["serverRelativeURL"]
    assert address.startswith("/clusters/a/openapi/v3/apis/apps/v1?hash=")


def test_an_address_changes_with_the_document_and_only_then(registry: Registry, crd: dict[str, Any]) -> None:
    before = openapi.index(registry)["paths"]
    registry.define(crd)
    assert openapi.index(registry)["paths"] == before
    schema = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    schema["properties"]["spec"]["properties"]["more"] = {"type": "string"}
    registry.define(crd)
    after = openapi.index(registry)["paths"]
    assert {path for path in after if after[path] != before[path]} == {"apis/example.com/v1"}


def test_every_reference_of_every_document_is_defined(registry: Registry) -> None:
    for group, versions in registry.groups():
        for version in versions:
            document = load(registry, group, version)
            defined = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
            assert references(document) <= defined, (group, version)


def test_a_path_names_its_kind_for_explain() -> None:
    paths = load(Registry(), "apps", "v1")["paths"]
    assert paths["/apis/apps/v1/namespaces/{namespace}/deployments"]["get"][GVK] == DEPLOYMENT
    assert paths["/apis/apps/v1/deployments"]["get"]["x-kubernetes-action"] == "list"
    core = load(Registry(), "", "v1")["paths"]
    assert core["/api/v1/nodes/{name}"]["get"][GVK]["kind"] == "Node"


def test_a_patch_names_the_parameters_that_kubectl_needs() -> None:
    path = "/apis/apps/v1/namespaces/{namespace}/deployments/{name}"
    patch = load(Registry(), "apps", "v1")["paths"][path]["patch"]
    assert patch[GVK] == DEPLOYMENT
    assert {"dryRun", "fieldValidation", "fieldManager", "force"} <= {
        each["name"] for each in patch["parameters"]
    }
    assert all(each["in"] == "query" for each in patch["parameters"])


@pytest.mark.parametrize(
    ("group", "path", "strategic"),
    [
        ("apps", "/apis/apps/v1/namespaces/{namespace}/deployments/{name}", True),
        ("example.com", "/apis/example.com/v1/namespaces/{namespace}/widgets/{name}", False),
    ],
)
def test_only_builtin_kinds_take_strategic_merge_patches(
    registry: Registry,
    group: str,
    path: str,
    strategic: bool,  # noqa: FBT001 - a column of the table
) -> None:
    content = load(registry, group, "v1")["paths"][path]["patch"]["requestBody"]["content"]
    assert ("application/strategic-merge-patch+json" in content) is strategic
    assert "application/apply-patch+yaml" in content


def test_schemas_keep_what_merging_needs() -> None:
    schemas = load(Registry(), "apps", "v1")["components"]["schemas"]
    containers = schemas["io.k8s.api.core.v1.PodSpec"]["properties"]["containers"]
    assert containers == {
        "type": "array",
        "items": {"$ref": "#/components/schemas/io.k8s.api.core.v1.Container"},
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["name"],
        "x-kubernetes-patch-merge-key": "name",
        "x-kubernetes-patch-strategy": "merge",
    }
    strategy = schemas["io.k8s.api.apps.v1.DeploymentSpec"]["properties"]["strategy"]
    assert strategy == {
        "default": {},
        "allOf": [{"$ref": "#/components/schemas/io.k8s.api.apps.v1.DeploymentStrategy"}],
        "x-kubernetes-patch-strategy": "retainKeys",
    }


def test_the_tables_own_keys_stay_in_the_table() -> None:
    schemas = load(Registry(), "", "v1")["components"]["schemas"].values()
    assert not any({"omit", "fill", "named", "wire", "gvk"} & set(each) for each in schemas)


def test_a_custom_kind_keeps_its_descriptions_and_gains_object_fields(registry: Registry) -> None:
    schemas = load(registry, "example.com", "v1")["components"]["schemas"]
    widget = schemas["com.example.v1.Widget"]
    assert widget["description"] == "A widget."
    assert widget[GVK] == [WIDGET]
    assert widget["properties"]["metadata"]["allOf"][0]["$ref"].endswith("ObjectMeta")
    embedded = widget["properties"]["spec"]["properties"]["emb"]
    assert embedded["required"] == ["kind", "apiVersion"]
    items = schemas["com.example.v1.WidgetList"]["properties"]["items"]
    assert items["items"] == {"$ref": "#/components/schemas/com.example.v1.Widget"}


def test_what_is_not_served_has_no_document(registry: Registry) -> None:
    assert openapi.document(registry, "example.com", "v1alpha1") is None
    assert openapi.document(registry, "nobody.example", "v1") is None


def test_version_2_as_protobuf_is_a_document_without_definitions() -> None:
    assert openapi.v2_protobuf(Registry()) == (
        b"\x0a\x032.0" + b"\x12\x12" + b"\x0a\x0aKubernetes" + b"\x12\x041.37" + b"\x42\x00"
    )


def test_version_2_says_less_of_custom_kinds(registry: Registry) -> None:
    document = orjson.loads(openapi.v2(registry))
    assert document["swagger"] == "2.0"
    assert {each.split("/")[1] for each in references(document)} == {"definitions"}
    defined = {f"#/definitions/{name}" for name in document["definitions"]}
    assert references(document) <= defined
    spec = document["definitions"]["com.example.v1.Widget"]["properties"]["spec"]["properties"]
    assert spec["anyof"] == {"type": "string"}
    assert spec["free"] == {"x-kubernetes-preserve-unknown-fields": True}
    assert spec["port"] == {"x-kubernetes-int-or-string": True}
    assert spec["parts"]["items"]["properties"]["note"] == {}
    quantity = document["definitions"]["io.k8s.apimachinery.pkg.api.resource.Quantity"]
    assert quantity == {"type": "string"}
