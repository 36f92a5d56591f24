"""JSON patches. What each case expects was measured on kube-apiserver 1.37.2."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from simcluster.errors import ApiError
from simcluster.patches import json_patch

WRONG = "error decoding patch: json: cannot"
OP = "handlers.jsonPatchOp"
OBJECT = {
    "kind": "ConfigMap",
    "metadata": {"labels": {"x/y": "1"}, "finalizers": ["a", "b"]},
    "data": {"a": "1", "b": "2"},
}


def patched(*operations: dict[str, Any]) -> dict[str, Any]:
    before = copy.deepcopy(OBJECT)
    result = json_patch.apply(OBJECT, json.dumps(operations).encode())
    assert before == OBJECT
    return result


@pytest.mark.parametrize(
    ("operation", "data"),
    [
        ({"op": "add", "path": "/data/c", "value": "3"}, {"a": "1", "b": "2", "c": "3"}),
        ({"op": "add", "path": "/data/c"}, {"a": "1", "b": "2", "c": None}),
        ({"op": "add", "path": "x/data/c", "value": "3"}, {"a": "1", "b": "2", "c": "3"}),
        ({"op": "add", "path": "/data/x~1y~01", "value": "3"}, {"a": "1", "b": "2", "x/y~1": "3"}),
        ({"op": "remove", "path": "/data/a"}, {"b": "2"}),
        ({"op": "replace", "path": "/data/a", "value": "9"}, {"a": "9", "b": "2"}),
        ({"op": "replace", "path": "/data/zz", "value": "9"}, {"a": "1", "b": "2", "zz": "9"}),
        ({"op": "move", "from": "/data/a", "path": "/data/q"}, {"b": "2", "q": "1"}),
        ({"op": "copy", "from": "/data/a", "path": "/data/q"}, {"a": "1", "b": "2", "q": "1"}),
        ({"op": "copy", "from": "/data/zz", "path": "/data/q"}, {"a": "1", "b": "2", "q": None}),
        ({"op": "test", "path": "/data/a", "value": "1"}, {"a": "1", "b": "2"}),
        ({"op": "test", "path": "/data", "value": {"b": "2", "a": "1"}}, {"a": "1", "b": "2"}),
        ({"op": "test", "path": "/data/zz", "value": None}, {"a": "1", "b": "2"}),
        ({"op": "test", "path": "/data/zz"}, {"a": "1", "b": "2"}),
    ],
)
def test_an_operation_on_maps_does_what_the_server_does(operation: Any, data: Any) -> None:
    assert patched(operation)["data"] == data


@pytest.mark.parametrize(
    ("operation", "finalizers"),
    [
        ({"op": "add", "path": "-", "value": "x"}, ["a", "b", "x"]),
        ({"op": "add", "path": "0", "value": "x"}, ["x", "a", "b"]),
        ({"op": "add", "path": "00", "value": "x"}, ["x", "a", "b"]),
        ({"op": "add", "path": "+1", "value": "x"}, ["a", "x", "b"]),
        ({"op": "add", "path": "2", "value": "x"}, ["a", "b", "x"]),
        ({"op": "add", "path": "-1", "value": "x"}, ["a", "b", "x"]),
        ({"op": "add", "path": "-3", "value": "x"}, ["x", "a", "b"]),
        ({"op": "replace", "path": "-1", "value": "x"}, ["a", "x"]),
        ({"op": "remove", "path": "-1"}, ["a"]),
        ({"op": "remove", "path": "0"}, ["b"]),
    ],
)
def test_an_operation_on_lists_counts_from_both_ends(operation: dict[str, Any], finalizers: Any) -> None:
    operation = operation | {"path": f"/metadata/finalizers/{operation['path']}"}
    assert patched(operation)["metadata"]["finalizers"] == finalizers


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "add", "path": "/nope/c", "value": "3"},
        {"op": "add", "path": "", "value": {}},
        {"op": "add", "path": "data", "value": {}},
        {"op": "add", "value": {}},
        {"op": "add", "path": "/data/a/b", "value": "x"},
        {"op": "add", "path": "/metadata/finalizers/3", "value": "x"},
        {"op": "add", "path": "/metadata/finalizers/-4", "value": "x"},
        {"op": "add", "path": "/metadata/finalizers/x", "value": "x"},
        {"op": "add", "path": "/metadata/finalizers/1e0", "value": "x"},
        {"op": "remove", "path": "/data/zz"},
        {"op": "remove", "path": "/metadata/finalizers/2"},
        {"op": "remove", "path": "/metadata/finalizers/-"},
        {"op": "remove", "path": ""},
        {"op": "replace", "path": "", "value": "x"},
        {"op": "replace", "path": "/zz/zz", "value": "x"},
        {"op": "replace", "path": "/metadata/finalizers/7", "value": "x"},
        {"op": "replace"},
        {"op": "move", "from": "/data/zz", "path": "/data/q"},
        {"op": "move", "from": "/data/a", "path": "/zz/q"},
        {"op": "move", "from": "/data/a"},
        {"op": "copy", "from": "/data/a", "path": "/metadata/finalizers/9"},
        {"op": "copy", "path": "/data/a"},
        {"op": "test", "path": "/data/a", "value": "2"},
        {"op": "test", "path": "/data/a"},
        {"op": "test", "path": "/data/zz", "value": "2"},
        {"op": "test", "path": "", "value": {}},
        {"op": "test", "path": "/metadata/finalizers/9", "value": "a"},
        {"op": "foo", "path": "/data/a"},
        {"path": "/data/a"},
    ],
)
def test_an_operation_that_fails_is_422_without_its_cause(operation: dict[str, Any]) -> None:
    with pytest.raises(ApiError) as caught:
        patched(operation)
    assert caught.value.status == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": "the server rejected our request due to an error in our request",
        "reason": "Invalid",
        "details": {},
        "code": 422,
    }


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("[", "invalid JSON patch"),
        ("", "invalid JSON patch"),
        ("[NaN]", "invalid JSON patch"),
        (
            '{"op":"add"}',
            f"{WRONG} unmarshal object into Go value of type []{OP}",
        ),
        (
            "5",
            f"{WRONG} unmarshal number into Go value of type []{OP}",
        ),
        (
            "[1]",
            f"{WRONG} unmarshal number into Go value of type {OP}",
        ),
        (
            '[{"op":"add","path":5}]',
            (f"{WRONG} unmarshal number into Go struct field jsonPatchOp.path of type string"),
        ),
    ],
)
def test_a_body_that_is_no_patch_is_400(body: str, message: str) -> None:
    with pytest.raises(ApiError) as caught:
        json_patch.apply(OBJECT, body.encode())
    assert (caught.value.code, str(caught.value)) == (400, message)


def test_more_than_ten_thousand_operations_are_too_many() -> None:
    body = json.dumps([{"op": "test", "path": "/data/a", "value": "1"}] * 10_001).encode()
    with pytest.raises(ApiError) as caught:
        json_patch.apply(OBJECT, body)
    assert caught.value.code == 413
    assert str(caught.value) == (
        "Request entity too large: The allowed maximum operations in a JSON patch is 10000, got 10001"
    )


def test_a_null_body_and_no_operations_change_nothing() -> None:
    assert json_patch.apply(OBJECT, b"null") == OBJECT
    assert patched() == OBJECT


def test_the_whole_object_can_be_replaced_by_an_object_only() -> None:
    assert patched({"op": "replace", "path": "", "value": {"kind": "X"}}) == {"kind": "X"}
    with pytest.raises(ApiError) as caught:
        patched({"op": "replace", "path": "", "value": []})
    assert caught.value.code == 422
    assert str(caught.value).startswith(
        ' "" is invalid: patch: Invalid value: "[]": couldn\'t get version/kind;'
    )


def test_operations_see_what_earlier_ones_did_and_values_stay_their_own() -> None:
    result = patched(
        {"op": "copy", "from": "/metadata", "path": "/copied"},
        {"op": "add", "path": "/metadata/finalizers/-", "value": "x"},
    )
    assert result["copied"]["finalizers"] == ["a", "b"]
    assert result["metadata"]["finalizers"] == ["a", "b", "x"]


@pytest.mark.parametrize(("found", "value"), [(1, True), (1, 1.0), (0, False), ("1", 1)])
def test_a_test_tells_types_apart(found: Any, value: Any) -> None:
    body = json.dumps([{"op": "test", "path": "/n", "value": value}]).encode()
    with pytest.raises(ApiError):
        json_patch.apply({"n": found}, body)
