"""Strategic merge patches. What each case expects was measured on kube-apiserver 1.37.2."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from simcluster.errors import ApiError
from simcluster.kinds.types import List, Scalar, Struct
from simcluster.patches import strategic

STRING = Scalar("string")
STRINGS = Struct(values=STRING)
ENV = List(Struct(fields={"name": STRING, "value": STRING}), "map", ("name",), merge_key="name", merges=True)
CONTAINER = Struct(fields={"name": STRING, "image": STRING, "env": ENV, "command": List(STRING)})
SCHEMA = Struct(
    fields={
        "apiVersion": STRING,
        "kind": STRING,
        "metadata": Struct(
            fields={"labels": STRINGS, "finalizers": List(STRING, "set", merges=True), "name": STRING}
        ),
        "data": STRINGS,
        "spec": Struct(
            fields={
                "containers": List(CONTAINER, "map", ("name",), merge_key="name", merges=True),
                "selector": Struct(fields={"matchLabels": STRINGS}),
                "strategy": Struct(fields={"type": STRING, "rollingUpdate": STRINGS}),
            }
        ),
    }
)
OBJECT = {
    "kind": "ConfigMap",
    "metadata": {"labels": {"x": "1"}, "finalizers": ["a", "b"]},
    "data": {"a": "1", "b": "2"},
    "spec": {
        "containers": [
            {"name": "x", "image": "x:1", "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]},
            {"name": "y", "image": "y:1", "command": ["a", "b"]},
        ],
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "1"}},
    },
}


def patched(patch: dict[str, Any]) -> dict[str, Any]:
    before = copy.deepcopy((OBJECT, patch))
    result = strategic.apply(OBJECT, patch, SCHEMA)
    assert (OBJECT, patch) == before
    return result


@pytest.mark.parametrize(
    ("patch", "expected"),
    [
        ({"a": None, "c": "3"}, {"b": "2", "c": "3"}),
        ({"$patch": "replace", "z": "1"}, {"z": "1"}),
        ({"$patch": "delete"}, {}),
        ({"$retainKeys": ["a"], "a": "9"}, {"a": "9"}),
        ({"z": None}, {"a": "1", "b": "2"}),
        ({"z": {"y": None}}, {"a": "1", "b": "2", "z": {}}),
        ({"a": {"$patch": "delete"}}, {"b": "2"}),
        ("x", "x"),
    ],
)
def test_maps_merge(patch: Any, expected: Any) -> None:
    assert patched({"data": patch})["data"] == expected


def test_null_removes_a_map() -> None:
    assert "data" not in patched({"data": None})


@pytest.mark.parametrize(
    ("patch", "expected"),
    [
        ({"finalizers": ["x"]}, ["x", "a", "b"]),
        ({"finalizers": []}, ["a", "b"]),
        ({"finalizers": ["b", "a"]}, ["b", "a"]),
        ({"finalizers": ["a", "a"]}, ["a", "b"]),
        ({"finalizers": ["b", "x"]}, ["a", "b", "x"]),
        ({"$deleteFromPrimitiveList/finalizers": ["a"]}, ["b"]),
        ({"$deleteFromPrimitiveList/finalizers": ["zz"], "finalizers": ["q"]}, ["q", "a", "b"]),
        ({"$deleteFromPrimitiveList/finalizers": "x"}, ["a", "b"]),
        ({"$setElementOrder/finalizers": ["b", "a"]}, ["b", "a"]),
        ({"$setElementOrder/finalizers": ["b", "x", "a"], "finalizers": ["x"]}, ["b", "x", "a"]),
        ({"$setElementOrder/finalizers": [], "finalizers": ["y", "z"]}, ["a", "b", "z", "y"]),
    ],
)
def test_lists_of_scalars_merge_as_sets_in_the_patchs_order(patch: Any, expected: Any) -> None:
    assert patched({"metadata": patch})["metadata"]["finalizers"] == expected


@pytest.mark.parametrize(
    ("patch", "expected"),
    [
        ([{"name": "y", "image": "y:2"}], ["x x:1", "y y:2"]),
        ([{"name": "z", "image": "z:1"}], ["z z:1", "x x:1", "y y:1"]),
        ([{"name": "x", "$patch": "delete"}], ["y y:1"]),
        ([{"name": "z", "image": "z:1"}, {"$patch": "replace"}], ["z z:1"]),
        ([{"name": "x", "$patch": "replace", "image": "x:2"}], []),
    ],
)
def test_lists_of_objects_merge_by_their_key(patch: Any, expected: Any) -> None:
    found = patched({"spec": {"containers": patch}})["spec"]["containers"]
    assert [f"{each['name']} {each['image']}" for each in found] == expected


def test_an_order_names_the_elements_by_their_key() -> None:
    order = [{"name": "y"}, {"name": "z"}, {"name": "x"}]
    patch = {"$setElementOrder/containers": order, "containers": [{"name": "z", "image": "z:1"}]}
    found = patched({"spec": patch})["spec"]["containers"]
    assert [each["name"] for each in found] == ["y", "z", "x"]


def test_elements_merge_inside_and_atomic_lists_are_replaced() -> None:
    env = [{"name": "A", "$patch": "delete"}, {"name": "B", "value": "3"}]
    patch = {"spec": {"containers": [{"name": "x", "env": env}, {"name": "y", "command": ["z"]}]}}
    first, second = patched(patch)["spec"]["containers"]
    assert first == {"name": "x", "image": "x:1", "env": [{"name": "B", "value": "3"}]}
    assert second == {"name": "y", "image": "y:1", "command": ["z"]}


def test_retain_keys_clears_what_it_does_not_list() -> None:
    patch = {"spec": {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}}}
    assert patched(patch)["spec"]["strategy"] == {"type": "Recreate"}


def test_the_selector_of_a_disruption_budget_is_replaced() -> None:
    obj = {"kind": "PodDisruptionBudget", "spec": {"selector": {"matchLabels": {"a": "b"}}}}
    patch = {"spec": {"selector": {"matchLabels": {"c": "d"}}}}
    assert strategic.apply(obj, patch, SCHEMA)["spec"]["selector"] == {"matchLabels": {"c": "d"}}
    merged = strategic.apply(obj | {"kind": "Other"}, patch, SCHEMA)
    assert merged["spec"]["selector"] == {"matchLabels": {"a": "b", "c": "d"}}


@pytest.mark.parametrize(
    ("patch", "code", "message"),
    [
        ({"data": {"$retainKeys": ["a"], "b": "9"}}, 400, "invalid patch format of retainKeys"),
        ({"data": {"$retainKeys": "a"}}, 400, "invalid patch format of retainKeys"),
        (
            {"metadata": {"$deleteFromPrimitiveList": ["x"]}},
            400,
            "invalid patch format of primitive list",
        ),
        ({"data": {"$patch": "foo"}}, 500, "unknown patch type: foo in map: map[$patch:foo]"),
        ({"$patch": None}, 500, "unknown patch type: %!s(<nil>) in map: map[$patch:<nil>]"),
        (
            {"metadata": {"$setElementOrder/finalizers": ["d"], "finalizers": ["x"]}},
            500,
            "The order in patch list:\n[x]\n doesn't match $setElementOrder list:\n[d]\n",
        ),
        (
            {"metadata": {"$setElementOrder/finalizers": "x"}},
            500,
            "expected a []interface {}, but received a string",
        ),
        (
            {"metadata": {"$setElementOrder/labels": ["x"]}},
            500,
            "expected a []interface {}, but received a map[string]interface {}",
        ),
        (
            {"metadata": {"$setElementOrder/foo": ["x"]}},
            500,
            'unable to find api field in struct ObjectMeta for the json field "foo"',
        ),
        (
            {"$setElementOrder/x": ["a"]},
            500,
            'unable to find api field in struct ConfigMap for the json field "x"',
        ),
        ({"metadata": {"finalizers": [1]}}, 500, "list element types are not identical: [[a b] [1]]"),
        ({"metadata": {"finalizers": [None]}}, 500, "list element types are not identical: [[a b] [<nil>]]"),
        (
            {"spec": {"containers": [{"image": "x"}]}},
            500,
            "map: map[image:x] does not contain declared merge key: name",
        ),
    ],
)
def test_a_patch_that_cannot_be_merged_gets_the_servers_words(patch: Any, code: int, message: str) -> None:
    with pytest.raises(ApiError) as caught:
        patched(patch)
    assert (caught.value.code, str(caught.value)) == (code, message)
    assert ("reason" in caught.value.status) is (code != 500)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("{", "invalid JSON patch"),
        ("[]", "json: cannot unmarshal array into Go value of type map[string]interface {}"),
        ("5", "json: cannot unmarshal number into Go value of type map[string]interface {}"),
    ],
)
def test_a_body_that_is_no_strategic_patch_is_400(body: str, message: str) -> None:
    with pytest.raises(ApiError) as caught:
        strategic.decode(body.encode())
    assert (caught.value.code, str(caught.value)) == (400, message)


def test_a_null_body_changes_nothing() -> None:
    assert patched(strategic.decode(b"null")) == OBJECT
