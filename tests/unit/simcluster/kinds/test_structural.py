"""Custom objects gain their schema's defaults and lose what it does not know, as on a real API server."""

from __future__ import annotations

from typing import Any

import pytest

from simcluster.errors import ApiError
from simcluster.kinds.defaults import pruned, with_defaults
from simcluster.kinds.kind import Kind
from simcluster.kinds.registry import Registry

Json = Any


def make_widget(spec: Json = None, **fields: Json) -> dict[str, Json]:
    whole = {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "x"}}
    return {**whole, "spec": {"size": 1, **(spec or {})}, **fields}


DEFAULTS = {"color": "red", "nested": {"x": {"y": 5, "z": "q"}}, "replicas": 1, "size": 1}


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({}, {}),
        ({"color": None}, {}),
        ({"tags": None}, {}),
        ({"nested": None}, {}),
        ({"nested": {}}, {"nested": {}}),
        ({"nested": {"x": {"z": None, "y": None}}}, {"nested": {"x": {"y": 5, "z": None}}}),
        ({"any": {"a": None}}, {"any": {"a": None}}),
        ({"labels": {"a": None}}, {"labels": {}}),
        ({"parts": [{"name": "a", "note": None}]}, {"parts": [{"count": 2, "name": "a", "note": None}]}),
    ],
)
def test_defaults_fill_what_is_absent_and_nulls_that_may_not_be(
    widget: Kind, spec: dict[str, Json], expected: dict[str, Json]
) -> None:
    assert with_defaults(make_widget(spec), widget)["spec"] == DEFAULTS | expected


def test_defaults_are_copies(widget: Kind) -> None:
    first = with_defaults(make_widget(), widget)
    first["spec"]["nested"]["x"]["y"] = 6
    assert with_defaults(make_widget(), widget)["spec"] == DEFAULTS


def test_unknown_fields_fall_away_unless_the_schema_preserves_them(widget: Kind) -> None:
    spec = {
        "junk": 1,
        "parts": [{"name": "a", "junk": 1}],
        "free": {"a": 1, "known": {"a": "x", "b": 2}},
        "any": {"whatever": [1]},
    }
    found = pruned(make_widget(spec, junk={"a": 1}, status={"replicas": 1, "junk": 1}), widget)
    assert found == make_widget(
        {"parts": [{"name": "a"}], "free": {"a": 1, "known": {"a": "x"}}, "any": {"whatever": [1]}},
        status={"replicas": 1},
    )


def test_metadata_is_read_as_object_meta(widget: Kind) -> None:
    metadata = {"name": "x", "junk": 1, "labels": {}, "annotations": None, "creationTimestamp": None}
    assert pruned(make_widget(metadata=metadata), widget)["metadata"] == {"name": "x"}


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        ({"labels": {"a": 3}}, "number into Go struct field ObjectMeta.labels of type string"),
        ({"labels": []}, "array into Go struct field ObjectMeta.labels of type map[string]string"),
        ({"name": 3}, "number into Go struct field ObjectMeta.name of type string"),
        ("x", "string into Go value of type v1.ObjectMeta"),
    ],
)
def test_wrong_metadata_is_refused(widget: Kind, metadata: Json, expected: str) -> None:
    with pytest.raises(ApiError) as caught:
        pruned(make_widget(metadata=metadata), widget)
    start = 'Widget in version "v1" cannot be handled as a Widget: json: cannot unmarshal'
    assert (caught.value.code, str(caught.value)) == (400, f"{start} {expected}")


def test_embedded_objects_keep_their_fields_and_have_real_metadata(widget: Kind) -> None:
    embedded = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "junk": 1}, "spec": {"x": 1}}
    found = pruned(make_widget({"emb": embedded}), widget)["spec"]["emb"]
    assert found == {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": {"x": 1}}
    embedded["metadata"] = {"name": "_", "labels": {"a": 3}}
    with pytest.raises(ApiError) as caught:
        pruned(make_widget({"emb": embedded}), widget)
    assert str(caught.value).endswith(
        'spec.emb.metadata: Invalid value: {"labels":{"a":3},"name":"_"}:'
        " json: cannot unmarshal number into Go struct field ObjectMeta.labels of type string"
    )


def test_a_version_without_a_schema_keeps_only_what_every_object_has(registry: Registry) -> None:
    kind = registry.of("example.com/v1beta1", "Widget")
    assert kind is not None
    found = pruned({"apiVersion": "example.com/v1beta1", "kind": "Widget", "metadata": {}, "a": 1}, kind)
    assert found == {"apiVersion": "example.com/v1beta1", "kind": "Widget", "metadata": {}}
