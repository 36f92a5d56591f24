"""A registry with one custom kind that uses most of what a structural schema can say."""

from __future__ import annotations

from typing import Any

import pytest

from simcluster.kinds.kind import Kind
from simcluster.kinds.registry import Registry

SPEC: dict[str, Any] = {
    "type": "object",
    "required": ["size", "color"],
    "properties": {
        "size": {"type": "integer", "minimum": 1, "maximum": 10, "format": "int32"},
        "color": {"type": "string", "enum": ["red", "green"], "default": "red"},
        "name": {"type": "string", "pattern": "^[a-z]+$", "minLength": 2, "maxLength": 5},
        "replicas": {"type": "integer", "default": 1},
        "port": {"x-kubernetes-int-or-string": True},
        "tags": {
            "type": "array",
            "items": {"type": "string"},
            "x-kubernetes-list-type": "set",
            "maxItems": 3,
        },
        "parts": {
            "type": "array",
            "minItems": 1,
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["name"],
            "items": {
                "type": "object",
                "required": ["name"],
                "properties": {
                    "name": {"type": "string"},
                    "count": {"type": "integer", "default": 2},
                    "note": {"type": "string", "nullable": True},
                },
            },
        },
        "free": {
            "type": "object",
            "x-kubernetes-preserve-unknown-fields": True,
            "properties": {"known": {"type": "object", "properties": {"a": {"type": "string"}}}},
        },
        "labels": {
            "type": "object",
            "additionalProperties": {"type": "string"},
            "maxProperties": 2,
            "minProperties": 1,
        },
        "when": {"type": "string", "format": "date-time"},
        "nested": {
            "type": "object",
            "default": {"x": {}},
            "properties": {
                "x": {
                    "type": "object",
                    "properties": {
                        "y": {"type": "integer", "default": 5},
                        "z": {"type": "string", "nullable": True, "default": "q"},
                    },
                }
            },
        },
        "emb": {
            "type": "object",
            "x-kubernetes-embedded-resource": True,
            "x-kubernetes-preserve-unknown-fields": True,
        },
        "any": {"x-kubernetes-preserve-unknown-fields": True},
        "one": {
            "type": "object",
            "properties": {"a": {"type": "string"}, "b": {"type": "string"}},
            "oneOf": [{"required": ["a"]}, {"required": ["b"]}],
        },
        "not": {"type": "string", "not": {"enum": ["bad"]}},
        "anyof": {"type": "string", "anyOf": [{"pattern": "^a"}, {"pattern": "^b"}]},
        "allof": {"type": "string", "allOf": [{"pattern": "^a"}, {"pattern": "b$"}]},
    },
}


def widget_crd() -> dict[str, Any]:
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "widgets.example.com"},
        "spec": {
            "group": "example.com",
            "scope": "Namespaced",
            "names": {
                "plural": "widgets",
                "kind": "Widget",
                "shortNames": ["wd"],
                "categories": ["all", "toys"],
            },
            "versions": [
                {
                    "name": "v1",
                    "served": True,
                    "storage": True,
                    "subresources": {
                        "status": {},
                        "scale": {
                            "specReplicasPath": ".spec.replicas",
                            "statusReplicasPath": ".status.replicas",
                        },
                    },
                    "schema": {
                        "openAPIV3Schema": {
                            "type": "object",
                            "description": "A widget.",
                            "required": ["spec"],
                            "properties": {
                                "spec": SPEC,
                                "status": {
                                    "type": "object",
                                    "properties": {"replicas": {"type": "integer"}},
                                },
                            },
                        }
                    },
                },
                {"name": "v1beta1", "served": True, "storage": False, "schema": {}},
                {"name": "v1alpha1", "served": False, "storage": False, "schema": {}},
            ],
        },
    }


@pytest.fixture
def crd() -> dict[str, Any]:
    return widget_crd()


@pytest.fixture
def registry(crd: dict[str, Any]) -> Registry:
    found = Registry()
    found.define(crd)
    return found


def _kind(registry: Registry, api_version: str, name: str) -> Kind:
    found = registry.of(api_version, name)
    assert found is not None
    return found


@pytest.fixture
def widget(registry: Registry) -> Kind:
    return _kind(registry, "example.com/v1", "Widget")


@pytest.fixture
def deployment(registry: Registry) -> Kind:
    return _kind(registry, "apps/v1", "Deployment")


@pytest.fixture
def config_map(registry: Registry) -> Kind:
    return _kind(registry, "v1", "ConfigMap")
