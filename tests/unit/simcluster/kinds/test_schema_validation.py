"""Custom objects are validated in the server's words; expectations are a real API server's answers."""

from __future__ import annotations

from typing import Any

import pytest

from simcluster.errors import Cause, invalid
from simcluster.kinds.kind import Kind
from simcluster.kinds.registry import Registry
from simcluster.kinds.validation import schema_errors

Json = Any


def message(spec: Json, kind: Kind) -> str:
    body = {"metadata": {"name": "x"}, "spec": {"size": 1, "color": "red", **spec}}
    errors = schema_errors(body, kind)
    start = 'Widget.example.com "x" is invalid: '
    return str(invalid("Widget", "example.com", "x", errors)).removeprefix(start) if errors else ""


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        (
            {"size": "x"},
            'spec.size: Invalid value: "string": spec.size in body must be of type integer: "string"',
        ),
        ({"size": 0}, "spec.size: Invalid value: 0: spec.size in body should be greater than or equal to 1"),
        ({"size": 11}, "spec.size: Invalid value: 11: spec.size in body should be less than or equal to 10"),
        ({"color": "blue"}, 'spec.color: Unsupported value: "blue": supported values: "red", "green"'),
        (
            {"color": 3},
            (
                '[spec.color: Invalid value: "integer": spec.color in body must be of type string: "integer",'
                ' spec.color: Unsupported value: 3: supported values: "red", "green"]'
            ),
        ),
        ({"name": "A"}, 'spec.name: Invalid value: "A": spec.name in body should be at least 2 chars long'),
        ({"name": "AB"}, "spec.name: Invalid value: \"AB\": spec.name in body should match '^[a-z]+$'"),
        ({"name": "abcdef"}, "spec.name: Too long: may not be more than 5 bytes"),
        (
            {"port": True},
            (
                'spec.port: Invalid value: "boolean": '
                'spec.port in body must be of type integer,string: "boolean"'
            ),
        ),
        ({"tags": ["a", "a"]}, 'spec.tags[1]: Duplicate value: "a"'),
        ({"tags": ["a", "b", "c", "d"]}, "spec.tags: Too many: 4: must have at most 3 items"),
        (
            {"tags": [None]},
            'spec.tags[0]: Invalid value: "null": spec.tags[0] in body must be of type string: "null"',
        ),
        ({"parts": []}, "spec.parts: Invalid value: 0: spec.parts in body should have at least 1 items"),
        ({"parts": [{"count": 3}]}, "spec.parts[0].name: Required value"),
        ({"parts": [{"name": "a"}, {"name": "a"}]}, 'spec.parts[1]: Duplicate value: {"name":"a"}'),
        (
            {"labels": {}},
            "spec.labels: Invalid value: 0: spec.labels in body should have at least 1 properties",
        ),
        (
            {"labels": {"a": 1}},
            (
                'spec.labels.a: Invalid value: "integer": '
                'spec.labels.a in body must be of type string: "integer"'
            ),
        ),
        ({"labels": {"a": "1", "b": "1", "c": "1"}}, "spec.labels: Too many: 3: must have at most 2 items"),
        ({"when": "x"}, 'spec.when: Invalid value: "x": spec.when in body must be of type date-time: "x"'),
        (
            {"when": 3},
            'spec.when: Invalid value: "int64": spec.when in body must be of type date-time: "int64"',
        ),
        ({"emb": {"a": 1}}, "[spec.emb.apiVersion: Required value, spec.emb.kind: Required value]"),
        (
            {"one": {}},
            (
                '[<nil>: Invalid value: "": "spec.one" must validate one and only one schema (oneOf).'
                " Found none valid, spec.one.a: Required value]"
            ),
        ),
        (
            {"one": {"a": "", "b": ""}},
            (
                '<nil>: Invalid value: "": "spec.one" must validate one and only one schema (oneOf).'
                " Found 2 valid alternatives"
            ),
        ),
        ({"not": "bad"}, '<nil>: Invalid value: "": "spec.not" must not validate the schema (not)'),
        (
            {"anyof": "c"},
            (
                '[<nil>: Invalid value: "": "spec.anyof" must validate at least one schema (anyOf),'
                " spec.anyof: Invalid value: \"c\": spec.anyof in body should match '^a']"
            ),
        ),
        (
            {"allof": "c"},
            (
                "[spec.allof: Invalid value: \"c\": spec.allof in body should match '^a',"
                " spec.allof: Invalid value: \"c\": spec.allof in body should match 'b$',"
                ' <nil>: Invalid value: "": "spec.allof" must validate all the schemas (allOf).'
                " None validated]"
            ),
        ),
        (
            {"size": 1.5},
            (
                '[spec.size: Invalid value: "float64": spec.size in body must be of type int32: "float64",'
                ' <nil>: Invalid value: "": '
                "Checked value must be of type integer with format int32 in spec.size]"
            ),
        ),
        (
            {"size": 3000000000},
            (
                '[<nil>: Invalid value: "": '
                "Checked value must be of type integer with format int32 in spec.size,"
                " spec.size: Invalid value: 3000000000: spec.size in body should be less than or equal to 10]"
            ),
        ),
    ],
)
def test_what_a_schema_refuses_is_told_as_the_server_tells_it(
    widget: Kind, spec: Json, expected: str
) -> None:
    assert message(spec, widget) == expected


@pytest.mark.parametrize(
    "spec",
    [
        {},
        {"size": 1.0},
        {"port": "x"},
        {"port": 3},
        {"any": [1, {"a": None}]},
        {"when": "2020-01-01T00:00:00.123+01:00"},
        {"parts": [{"name": "a", "note": None}, {"name": "b"}]},
        {"one": {"a": "x"}},
        {"allof": "ab"},
    ],
)
def test_what_a_schema_allows_has_no_errors(widget: Kind, spec: Json) -> None:
    assert message(spec, widget) == ""


def test_reasons_are_the_servers(widget: Kind) -> None:
    spec = {"size": "x", "name": "abcdef", "tags": ["a", "a", "b", "c"], "labels": {}, "parts": [{}]}
    found = schema_errors({"metadata": {}, "spec": spec}, widget)
    assert {(each.field, each.reason) for each in found} == {
        ("spec.color", "FieldValueRequired"),
        ("spec.size", "FieldValueTypeInvalid"),
        ("spec.name", "FieldValueTooLong"),
        ("spec.tags", "FieldValueTooMany"),
        ("spec.tags[1]", "FieldValueDuplicate"),
        ("spec.labels", "FieldValueInvalid"),
        ("spec.parts[0].name", "FieldValueRequired"),
    }


def test_where_a_crd_has_rules_a_blocking_error_says_that_they_were_not_looked_at(
    crd: dict[str, Json],
) -> None:
    schema = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    schema["properties"]["spec"]["x-kubernetes-validations"] = [{"rule": "self.size > 3"}]
    registry = Registry()
    registry.define(crd)
    kind = registry.of("example.com/v1", "Widget")
    assert kind is not None
    required = Cause("spec", "FieldValueRequired", "Required value")
    *others, last = schema_errors({"metadata": {}}, kind)
    assert others == [required]
    assert (last.field, last.reason) == ("<nil>", "FieldValueInvalid")
    assert last.message.startswith("Invalid value: null: some validation rules were not checked")
    assert len(schema_errors({"metadata": {}, "spec": {"size": 0, "color": "red"}}, kind)) == 1


def test_builtin_kinds_have_no_schema_errors(deployment: Kind) -> None:
    assert schema_errors({"spec": 3}, deployment) == []
