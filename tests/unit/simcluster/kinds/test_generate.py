"""The table is made from a server's documents and from Go types."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from simcluster.kinds.generate import compact, table, text
from simcluster.kinds.go_types import Sources

TYPES = """package v1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// A Thing is an example.
type Thing struct {
	metav1.TypeMeta `json:""`
	metav1.ObjectMeta `json:"metadata,omitempty" protobuf:"bytes,1,opt,name=metadata"`
	// Mode is of a named type.
	Mode Mode `json:"mode,omitempty" protobuf:"bytes,2"`
	Count *int32 `json:"count,omitempty"`
	Sizes []int32 `json:"sizes"`
	Port intstr.IntOrString `json:"port,omitempty"`
	Since metav1.Time `json:"since,omitempty"`
	Made metav1.Time `json:"made,omitempty,omitzero"`
	Reclaim apiv1.Policy `json:"reclaim,omitempty"`
	Inner `json:",inline" protobuf:"bytes,7,opt,name=inner"`
}

type Mode string

type Inner struct {
	Deep bool `json:"deep,omitempty" protobuf:"varint,1,opt,name=deep"`
}
"""
PROPERTIES: dict[str, Any] = {
    "metadata": {"$ref": "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta", "default": {}},
    "mode": {"type": "string"},
    "count": {"type": "integer"},
    "sizes": {"type": "array", "items": {"type": "integer"}},
    "port": {"$ref": "io.k8s.apimachinery.pkg.util.intstr.IntOrString"},
    "since": {"$ref": "io.k8s.apimachinery.pkg.apis.meta.v1.Time"},
    "made": {"$ref": "io.k8s.apimachinery.pkg.apis.meta.v1.Time"},
    "reclaim": {"type": "string"},
    "deep": {"type": "boolean"},
}
REFERENCE = "#/components/schemas/"


@pytest.fixture
def modules(tmp_path: Path) -> Path:
    folder = tmp_path / "api@v0.9.1" / "things" / "v1"
    folder.mkdir(parents=True)
    (folder / "types.go").write_text(TYPES)
    return tmp_path


def test_go_types_tell_what_openapi_does_not(modules: Path) -> None:
    found = Sources(modules, "v0.9.1").encoding("io.k8s.api.things.v1.Thing", PROPERTIES)
    assert found == {
        "omit": ["deep", "made", "mode", "reclaim"],
        "fill": {"port": 0, "since": None, "sizes": None},
        "named": {"mode": "v1.Mode", "reclaim": "v1.Policy"},
        "wire": {"1": "metadata", "2": "mode", "7": {"1": "deep"}},
    }


def test_a_type_without_sources_has_nothing_to_tell(modules: Path) -> None:
    assert Sources(modules, "v0.9.1").encoding("com.example.v1.Thing", PROPERTIES) == {}


def test_schemas_lose_their_descriptions_and_fields_of_that_name_stay() -> None:
    schema = {
        "type": "object",
        "description": "words",
        "properties": {
            "description": {"type": "string", "description": "words"},
            "b": {"default": {}, "allOf": [{"$ref": f"{REFERENCE}io.B"}]},
            "a": {"type": "array", "items": {"$ref": f"{REFERENCE}io.A"}},
        },
    }
    assert compact(schema) == {
        "type": "object",
        "properties": {
            "a": {"type": "array", "items": {"$ref": "io.A"}},
            "b": {"default": {}, "$ref": "io.B"},
            "description": {"type": "string"},
        },
    }


def test_the_table_gathers_discovery_and_schemas_one_a_line(modules: Path) -> None:
    gvk = {"group": "things", "version": "v1", "kind": "Thing"}
    schema = {
        "type": "object",
        "properties": {"mode": {"type": "string"}},
        "x-kubernetes-group-version-kind": [gvk],
    }
    resource = {
        "name": "things",
        "singularName": "thing",
        "namespaced": True,
        "kind": "Thing",
        "verbs": ["get"],
    }
    documents: dict[str, dict[str, Any]] = {
        "/version": {"gitVersion": "v1.9.1"},
        "/apis": {"groups": [{"name": "things", "versions": [{"version": "v1"}]}]},
        "/api/v1": {"resources": []},
        "/apis/things/v1": {"resources": [resource]},
        "/openapi/v3": {
            "paths": {"apis/things/v1": {"serverRelativeURL": "/openapi/v3/apis/things/v1?hash=1"}}
        },
        "/openapi/v3/apis/things/v1?hash=1": {
            "components": {"schemas": {"io.k8s.api.things.v1.Thing": schema}}
        },
    }
    found = table(documents.__getitem__, modules)
    written = text(found)
    assert json.loads(written) == json.loads(json.dumps(found))
    assert found["groups"] == [("", ["v1"]), ("things", ["v1"])]
    definition = found["definitions"]["io.k8s.api.things.v1.Thing"]
    assert definition["gvk"] == ["things", "v1", "Thing"]
    assert definition["omit"] == ["mode"]
    assert sum("io.k8s.api.things.v1.Thing" in line for line in written.splitlines()) == 1
