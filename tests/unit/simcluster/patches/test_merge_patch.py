"""JSON merge patches. The errors and what becomes of nulls were measured on kube-apiserver 1.37.2."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simcluster.errors import ApiError
from simcluster.patches import merge_patch

WRONG = "error decoding patch: json: cannot"
MAP = "Go value of type map[string]interface {}"
SCALARS = st.none() | st.booleans() | st.integers() | st.text(max_size=3)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=12,
)
OBJECTS = st.dictionaries(st.sampled_from("abc"), JSON, max_size=3)


@pytest.mark.parametrize(
    ("obj", "patch", "expected"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
        ({"a": "foo"}, {"a": {"b": None, "c": 1}}, {"a": {"c": 1}}),
    ],
)
def test_the_cases_of_rfc_7386_hold(obj: Any, patch: Any, expected: Any) -> None:
    assert merge_patch.apply(obj, patch) == expected


def test_nulls_in_objects_of_a_list_go_and_those_of_the_list_stay() -> None:
    """The server's library does so, where RFC 7386 takes a list as it is."""
    assert merge_patch.apply({"a": [1]}, {"a": [{"b": None, "c": 1}, None]}) == {"a": [{"c": 1}, None]}


@given(OBJECTS, OBJECTS)
def test_a_patch_changes_neither_argument_and_settles(obj: Any, patch: Any) -> None:
    """The second time: a list in an object's place keeps its nulls, one in a list's place does not."""
    before = copy.deepcopy((obj, patch))
    twice = merge_patch.apply(merge_patch.apply(obj, patch), patch)
    assert (obj, patch) == before
    assert merge_patch.apply(twice, patch) == twice


@given(OBJECTS, OBJECTS)
def test_every_field_of_the_patch_has_its_say(obj: Any, patch: Any) -> None:
    result = merge_patch.apply(obj, patch)
    for key, value in patch.items():
        assert (key in result) is (value is not None)
    for key in obj.keys() - patch.keys():
        assert result[key] == obj[key]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("null", "Invalid JSON Patch"),
        ("{", "invalid JSON patch"),
        ("", "invalid JSON patch"),
        ('{"a":1} x', "invalid JSON patch"),
        ("data: {a: b}", "invalid JSON patch"),
        (
            "[]",
            f"{WRONG} unmarshal array into {MAP}",
        ),
        (
            '"x"',
            f"{WRONG} unmarshal string into {MAP}",
        ),
        (
            "5",
            f"{WRONG} unmarshal number into {MAP}",
        ),
    ],
)
def test_a_body_that_is_no_merge_patch_is_400(body: str, message: str) -> None:
    with pytest.raises(ApiError) as caught:
        merge_patch.decode(body.encode())
    assert (caught.value.code, str(caught.value)) == (400, message)
