"""Unknown and duplicate fields are told in the server's words and order."""

from __future__ import annotations

from typing import Any

from simcluster.kinds.decoding import decode
from simcluster.kinds.kind import Kind
from simcluster.kinds.strict import refusal, unknown_fields

Json = Any


def texts(*paths: str) -> list[str]:
    return [f'unknown field "{path}"' for path in paths]


def test_unknown_fields_of_builtin_kinds_come_in_the_order_of_the_document(deployment: Kind) -> None:
    container = {
        "junk": 1,
        "ports": [{"containerPort": 80, "zzz": 1}],
        "resources": {"limits": {"cpu": 1}, "xx": 1},
    }
    spec = {"template": {"spec": {"containers": [container]}}, "foo": 1, "Replicas": 3}
    metadata = {"junk": 2, "labels": {"any": "key"}, "ownerReferences": [{"q": 1}]}
    found = unknown_fields({"metadata": metadata, "spec": spec, "junk": 1}, deployment)
    inside = "spec.template.spec.containers[0]"
    assert found == texts(
        "metadata.junk",
        "metadata.ownerReferences[0].q",
        f"{inside}.junk",
        f"{inside}.ports[0].zzz",
        f"{inside}.resources.xx",
        "spec.foo",
        "spec.Replicas",
        "junk",
    )


def test_unknown_fields_of_custom_kinds_come_with_metadata_first_and_embedded_metadata_last(
    widget: Kind,
) -> None:
    spec = {
        "junk": 1,
        "parts": [{"name": "a", "q": 1}, {"name": "b", "q": 1}],
        "free": {"known": {"b": 1}, "other": 1},
        "emb": {"apiVersion": "v1", "kind": "P", "metadata": {"name": "a", "zz": 1}},
    }
    found = unknown_fields({"metadata": {"junk": 1}, "junk": 1, "spec": spec}, widget)
    assert found == texts(
        "metadata.junk",
        "junk",
        "spec.free.known.b",
        "spec.junk",
        "spec.parts[0].q",
        "spec.parts[1].q",
        "spec.emb.metadata.zz",
    )


def test_a_known_object_has_nothing_to_tell(config_map: Kind) -> None:
    assert (
        unknown_fields({"kind": "ConfigMap", "metadata": {"name": "x"}, "data": {"any": "key"}}, config_map)
        == []
    )


def test_duplicates_of_a_json_body_stand_among_the_unknown_fields(config_map: Kind) -> None:
    body = (
        b'{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"x","name":"y","zz":3},'
        b'"zoo":1,"zoo":2,"data":{"a":"1","a":"2"}}'
    )
    obj, duplicates = decode(body, "application/json", config_map)
    assert obj["metadata"]["name"] == "y"
    found = unknown_fields(obj, config_map, duplicates)
    assert str(refusal(obj, config_map, found)) == (
        'ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error:'
        ' duplicate field "metadata.name", unknown field "metadata.zz", unknown field "zoo",'
        ' duplicate field "data.a"'
    )


def test_duplicates_of_a_yaml_body_come_first_and_together(config_map: Kind) -> None:
    body = b"kind: ConfigMap\napiVersion: v1\nmetadata: {name: x, name: z}\nfoo: 1\nfoo: 2\n"
    obj, duplicates = decode(body, "application/yaml", config_map)
    found = unknown_fields(obj, config_map, duplicates)
    assert found[0] == 'line 3: key "name" already set in map'
    assert str(refusal(obj, config_map, found)) == (
        'ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error:'
        ' yaml: unmarshal errors:\n  line 3: key "name" already set in map\n'
        '  line 5: key "foo" already set in map, unknown field "foo"'
    )


def test_duplicates_of_custom_kinds_come_before_unknown_fields(widget: Kind) -> None:
    body = (
        b'{"apiVersion":"example.com/v1","kind":"Widget","metadata":{"name":"x","name":"y"},'
        b'"spec":{"size":1,"size":2,"junk":3}}'
    )
    obj, duplicates = decode(body, "application/json", widget)
    assert unknown_fields(obj, widget, duplicates) == [
        'duplicate field "metadata.name"',
        'duplicate field "spec.size"',
        'unknown field "spec.junk"',
    ]


def test_at_most_a_hundred_are_told(config_map: Kind) -> None:
    assert len(unknown_fields({f"f{number}": 1 for number in range(150)}, config_map)) == 100
