"""Values under their types: what is wrong with them, what they claim, how they merge, compare and shrink."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simcluster.fields.compare import compare
from simcluster.fields.merge import merge
from simcluster.fields.remove import reconciled, with_named_fields, without
from simcluster.fields.sets import FieldSet
from simcluster.fields.shapes import ANY, same
from simcluster.fields.typed import TypedError, check, field_set
from simcluster.kinds.types import List, Ref, Scalar, Struct

TEXT = Scalar("string")
NUMBER = Scalar("integer")
PORT = Struct(
    fields={"port": NUMBER, "protocol": TEXT, "name": TEXT, "labels": Struct(values=TEXT)},
    defaults={"protocol": "TCP"},
)
THING = Struct(
    fields={
        "name": TEXT,
        "size": NUMBER,
        "on": Scalar("boolean"),
        "time": Scalar("string", "date-time"),
        "cpu": Scalar("quantity"),
        "target": Scalar("int-or-string"),
        "map": Struct(values=TEXT),
        "atom": Struct(fields={"a": TEXT}, atomic=True),
        "free": Struct(open=True),
        "any": ANY,
        "plain": List(TEXT),
        "tags": List(TEXT, "set"),
        "ports": List(PORT, "map", ("port", "protocol")),
        "deep": Struct(fields={"x": TEXT, "y": Struct(fields={"z": TEXT})}),
    }
)


def problem(value: dict[str, Any], *, duplicates: bool = False) -> str:
    try:
        check(value, THING, duplicates=duplicates)
    except TypedError as error:
        return str(error)
    return ""


def claims(value: dict[str, Any]) -> dict[str, Any]:
    check(value, THING)
    return field_set(value, THING).to_v1()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"size": "x"}, ".size: expected numeric (int or float), got string"),
        ({"size": True}, ".size: expected numeric (int or float), got bool"),
        ({"size": {}}, ".size: expected numeric (int or float), got map[string]interface {}"),
        ({"size": []}, ".size: expected numeric (int or float), got []interface {}"),
        ({"name": 5}, ".name: expected string, got &value.valueUnstructured{Value:5}"),
        (
            {"name": {"b": [1, "c", None, 1.5], "a": True}},
            (
                ".name: expected string, got &value.valueUnstructured{Value:map[string]interface {}"
                '{"a":true, "b":[]interface {}{1, "c", interface {}(nil), 1.5}}}'
            ),
        ),
        ({"on": "x"}, ".on: expected boolean, got &{x}"),
        ({"time": {}}, ".time: expected any scalar, got &{map[]}"),
        ({"cpu": [1]}, ".cpu: expected any scalar, got &{[1]}"),
        ({"map": [1, None]}, ".map: expected map, got &{[1 <nil>]}"),
        ({"plain": {"b": 1, "a": [True]}}, ".plain: expected list, got &{map[a:[true] b:1]}"),
        ({"plain": ["a", 1]}, ".plain[1]: expected string, got &value.valueUnstructured{Value:1}"),
        ({"other": 1}, ".other: field not declared in schema"),
        ({"deep": {"y": {"q": 1}}}, ".deep.y.q: field not declared in schema"),
        ({"tags": ["a", "a"]}, '.tags: duplicate entries for key [="a"]'),
        (
            {"ports": [{"port": 80}, {"port": 80, "protocol": "TCP"}]},
            '.ports: duplicate entries for key [port=80,protocol="TCP"]',
        ),
        (
            {"ports": [{"port": 80, "name": 1}]},
            '.ports[port=80,protocol="TCP"].name: expected string, got &value.valueUnstructured{Value:1}',
        ),
        ({"ports": [None]}, ".ports: element 0: associative list with keys may not have a null element"),
        ({"ports": [5]}, ".ports: element 0: associative list with keys may not have non-map elements"),
        ({"tags": [{}]}, ".tags: element 0: associative list without keys has an element that's a map type"),
        ({"tags": ["a", []]}, ".tags: element 1: not supported: associative list with lists as elements"),
        (
            {"tags": [None]},
            ".tags: element 0: associative list without keys has an element that's an explicit null",
        ),
        (
            {"size": "x", "on": 5},
            (
                "errors:\n  .on: expected boolean, got &{5}\n"
                "  .size: expected numeric (int or float), got string"
            ),
        ),
    ],
)
def test_a_value_of_another_type_is_refused_in_the_servers_words(value: dict[str, Any], text: str) -> None:
    assert problem(value) == text


def test_an_item_without_any_key_is_refused() -> None:
    listed = Struct(fields={"items": List(Struct(fields={"id": TEXT, "n": NUMBER}), "map", ("id", "kind"))})
    with pytest.raises(TypedError) as refused:
        check({"items": [{"n": 1}]}, listed)
    assert str(refused.value) == (
        '.items: element 0: associative list with keys has an element that omits all key fields ["id" "kind"]'
        " (and doesn't have default values for any key fields)"
    )


@pytest.mark.parametrize(
    "value",
    [
        {"name": None, "map": None, "plain": None, "ports": None},  # null is of every type
        {"size": 1.5, "target": {"a": 1}, "any": [1], "free": {"a": {"b": []}}},
        {"map": {}, "plain": [], "tags": []},
    ],
)
def test_what_the_server_takes_is_taken(value: dict[str, Any]) -> None:
    assert problem(value) == ""


def test_live_objects_may_have_duplicates() -> None:
    assert problem({"tags": ["a", "a"], "ports": [{"port": 1}, {"port": 1}]}, duplicates=True) == ""


@pytest.mark.parametrize(
    ("value", "fields"),
    [
        ({"name": "x", "size": None}, {"f:name": {}, "f:size": {}}),
        ({"deep": {"y": {"z": "1"}}}, {"f:deep": {"f:y": {"f:z": {}}}}),
        ({"deep": {}, "map": None}, {"f:deep": {}, "f:map": {}}),
        ({"map": {"a": "1"}}, {"f:map": {"f:a": {}}}),
        ({"atom": {"a": "1"}, "plain": []}, {"f:atom": {}, "f:plain": {}}),
        ({"tags": [], "ports": []}, {}),  # an empty list of parts claims nothing
        ({"tags": ["b", "a"]}, {"f:tags": {'v:"a"': {}, 'v:"b"': {}}}),
        (
            {"ports": [{"port": 80}]},
            {"f:ports": {'k:{"port":80,"protocol":"TCP"}': {".": {}, "f:port": {}}}},
        ),
        ({"free": {"a": {"b": 1}, "l": [1]}}, {"f:free": {"f:a": {".": {}, "f:b": {}}, "f:l": {}}}),
        ({"any": {"a": 1}, "target": 1}, {"f:any": {"f:a": {}}, "f:target": {}}),
    ],
)
def test_an_apply_claims_what_it_says(value: dict[str, Any], fields: dict[str, Any]) -> None:
    assert claims(value) == fields


@pytest.mark.parametrize(
    ("live", "config", "merged"),
    [
        ({"map": {"a": "1"}}, {"map": {"b": "2"}}, {"map": {"a": "1", "b": "2"}}),
        ({"map": {"a": "1"}}, {"map": {}}, {"map": {"a": "1"}}),
        ({"map": {"a": "1"}}, {"map": None}, {"map": {"a": "1"}}),
        ({"map": {}}, {"map": None}, {"map": None}),
        ({"name": "x"}, {"name": None}, {"name": None}),
        ({"atom": {"a": "1"}}, {"atom": {}}, {"atom": {}}),
        ({"plain": ["a"]}, {"plain": ["b"]}, {"plain": ["b"]}),
        ({"free": {"a": {"b": 1}}}, {"free": {"a": {"c": 2}}}, {"free": {"a": {"b": 1, "c": 2}}}),
        ({"free": {"a": [1]}}, {"free": {"a": [2]}}, {"free": {"a": [2]}}),
        ({"free": {"a": {"b": 1}}}, {"free": {"a": "s"}}, {"free": {"a": "s"}}),
        ({"free": {"a": "s"}}, {"free": {"a": {"b": 1}}}, {"free": {"a": {"b": 1}}}),
        ({"ports": [{"port": 1}]}, {"ports": []}, {"ports": [{"port": 1}]}),
        (
            {"ports": [{"port": 1, "name": "a", "protocol": "TCP"}]},
            {"ports": [{"port": 1, "labels": {"l": "1"}}]},
            {"ports": [{"port": 1, "name": "a", "protocol": "TCP", "labels": {"l": "1"}}]},
        ),
    ],
)
def test_a_configuration_is_laid_over_the_live_object(
    live: dict[str, Any], config: dict[str, Any], merged: dict[str, Any]
) -> None:
    assert merge(live, config, THING) == merged


@pytest.mark.parametrize(
    ("live", "config", "merged"),
    [
        ("abc", "b", "abc"),
        ("abc", "cb", "acb"),
        ("abc", "dab", "dabc"),
        ("abc", "xcya", "bxcya"),
        ("ab", "cd", "abcd"),
        ("abcd", "dcba", "dcba"),
        ("abcd", "bxd", "abcxd"),
    ],
)
def test_shared_items_come_in_the_order_of_the_configuration(live: str, config: str, merged: str) -> None:
    assert merge({"tags": list(live)}, {"tags": list(config)}, THING) == {"tags": list(merged)}


def test_items_that_cannot_be_told_apart_are_replaced_together() -> None:
    live = {"ports": [{"port": 1, "name": "a"}, {"port": 1, "name": "b"}, {"port": 2}]}
    assert merge(live, {"ports": [{"port": 1}]}, THING) == {"ports": [{"port": 1}, {"port": 2}]}
    assert merge(live, {"ports": [{"port": 3}]}, THING) == {"ports": [*live["ports"], {"port": 3}]}


@pytest.mark.parametrize(
    ("old", "new", "added", "modified", "removed"),
    [
        ({"name": "a"}, {"name": "b"}, {}, {"f:name": {}}, {}),
        ({"map": {"a": "1"}}, {"map": {"b": "1"}}, {"f:map": {"f:b": {}}}, {}, {"f:map": {"f:a": {}}}),
        ({}, {"map": {"b": "1"}}, {"f:map": {".": {}, "f:b": {}}}, {}, {}),
        ({"map": None}, {"map": {"b": "1"}}, {"f:map": {"f:b": {}}}, {}, {}),
        ({"map": {}}, {"map": None}, {}, {"f:map": {}}, {}),
        ({"map": {"a": "1"}}, {"map": {}}, {}, {}, {"f:map": {"f:a": {}}}),
        ({"atom": {"a": "1"}}, {"atom": {"a": "2"}}, {}, {"f:atom": {}}, {}),
        ({"tags": ["a", "b"]}, {"tags": ["b", "a"]}, {}, {}, {}),
        ({"plain": ["a", "b"]}, {"plain": ["b", "a"]}, {}, {"f:plain": {}}, {}),
        ({"free": {"a": 1}}, {"free": {"a": True}}, {}, {"f:free": {"f:a": {}}}, {}),
        ({"free": {"a": 1}}, {"free": {"a": 1.0}}, {}, {}, {}),
        (
            {"free": {"a": "s"}},
            {"free": {"a": {"b": 1}}},
            {"f:free": {"f:a": {"f:b": {}}}},
            {"f:free": {"f:a": {}}},
            {},
        ),
        (
            {"free": {"a": {"b": 1}}},
            {"free": {"a": [1]}},
            {},
            {"f:free": {"f:a": {}}},
            {"f:free": {"f:a": {"f:b": {}}}},
        ),
        (
            {"ports": [{"port": 1}, {"port": 2}]},
            {"ports": [{"port": 2, "name": "x"}]},
            {"f:ports": {'k:{"port":2,"protocol":"TCP"}': {"f:name": {}}}},
            {},
            {"f:ports": {'k:{"port":1,"protocol":"TCP"}': {".": {}, "f:port": {}}}},
        ),
        # More than one item under one key counts as one value.
        (
            {"tags": ["a"]},
            {"tags": ["a", "a"]},
            {"f:tags": {'v:"a"': {}}},
            {},
            {"f:tags": {'v:"a"': {}}},
        ),
        (
            {"ports": [{"port": 1}, {"port": 1, "name": "x"}]},
            {"ports": [{"port": 1}, {"port": 1, "name": "y"}]},
            {},
            {"f:ports": {'k:{"port":1,"protocol":"TCP"}': {}}},
            {},
        ),
    ],
)
def test_differences_are_paths_added_modified_and_removed(
    old: dict[str, Any],
    new: dict[str, Any],
    added: dict[str, Any],
    modified: dict[str, Any],
    removed: dict[str, Any],
) -> None:
    found = compare(old, new, THING)
    assert [each.to_v1() for each in found] == [added, modified, removed]


def test_removing_the_last_part_leaves_null_unless_the_field_goes_too() -> None:
    value = {"map": {"a": "1"}, "name": "x"}
    assert without(value, FieldSet.fields("map.a"), THING) == {"map": None, "name": "x"}
    named = with_named_fields(FieldSet.fields("map.a"), THING)
    assert named == FieldSet.fields("map", "map.a")
    assert without(value, named, THING) == {"name": "x"}
    assert value == {"map": {"a": "1"}, "name": "x"}


def test_items_are_removed_by_their_keys() -> None:
    value = {"ports": [{"port": 1, "name": "a"}, {"port": 2}], "tags": ["a", "b"]}
    item = ("f:ports", 'k:{"port":1,"protocol":"TCP"}')
    assert without(value, FieldSet.of((*item, "f:name")), THING)["ports"] == [{"port": 1}, {"port": 2}]
    assert without(value, FieldSet.of(item, ("f:tags", 'v:"b"')), THING) == {
        "ports": [{"port": 2}],
        "tags": ["a"],
    }


def test_a_set_below_what_became_atomic_shrinks_to_its_root() -> None:
    found = FieldSet.from_v1({"f:atom": {"f:a": {}}, "f:plain": {'v:"x"': {}}, "f:map": {"f:a": {}}})
    assert reconciled(found, THING).to_v1() == {"f:atom": {}, "f:map": {"f:a": {}}, "f:plain": {}}
    fine = FieldSet.from_v1({"f:atom": {}, "f:free": {"f:a": {"f:b": {}}}, "f:gone": {"f:a": {}}})
    assert reconciled(fine, THING) is fine


def test_recursive_types_are_followed() -> None:
    types: dict[str, Any] = {}
    node = Ref("node", lambda name: types[name])
    types["node"] = Struct(fields={"name": TEXT, "inner": node, "list": List(node, "map", ("name",))})
    whole = types["node"]
    value = {"inner": {"inner": {"name": "x"}}, "list": [{"name": "a", "list": [{"name": "b"}]}]}
    check(value, whole)
    assert field_set(value, whole).to_v1() == {
        "f:inner": {"f:inner": {"f:name": {}}},
        "f:list": {
            'k:{"name":"a"}': {
                ".": {},
                "f:list": {'k:{"name":"b"}': {".": {}, "f:name": {}}},
                "f:name": {},
            }
        },
    }


LEAVES = st.none() | st.booleans() | st.integers(0, 2) | st.sampled_from(["", "a"])
JSON: st.SearchStrategy[Any] = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
)
THINGS = st.fixed_dictionaries(
    {},
    optional={
        "name": st.sampled_from(["a", "b"]) | st.none(),
        "map": st.dictionaries(st.sampled_from("ab"), st.sampled_from("12"), max_size=2) | st.none(),
        "free": st.dictionaries(st.sampled_from("ab"), JSON, max_size=2),
        "plain": st.lists(st.sampled_from("ab"), max_size=2),
        "tags": st.lists(st.sampled_from("abcd"), max_size=4, unique=True),
        "ports": st.lists(
            st.fixed_dictionaries({"port": st.integers(1, 3)}, optional={"name": st.sampled_from("xy")}),
            max_size=3,
            unique_by=lambda item: int(item["port"]),
        ),
    },
)


@given(THINGS, THINGS)
def test_an_apply_takes_effect_and_a_second_one_does_nothing(
    live: dict[str, Any], config: dict[str, Any]
) -> None:
    once = merge(live, config, THING)
    assert same(merge(once, config, THING), once)
    # Null and empty leave parts alone; all other values of the configuration hold afterwards.
    left = compare(config, once, THING).modified
    assert not field_set(config, THING).leaves().intersection(left) or _has_null_or_empty(config)


@given(THINGS, THINGS)
def test_what_one_way_adds_the_other_way_removes(one: dict[str, Any], other: dict[str, Any]) -> None:
    there, back = compare(one, other, THING), compare(other, one, THING)
    assert there.added == back.removed
    assert there.removed == back.added
    assert there.modified == back.modified


@given(THINGS)
def test_an_object_is_like_itself_and_without_its_claims_nothing_is_left(value: dict[str, Any]) -> None:
    assert not any(compare(value, dict(value), THING))
    claimed = with_named_fields(field_set(value, THING), THING)
    rest = without(value, claimed, THING)
    assert not [key for key, each in rest.items() if each]


def _has_null_or_empty(value: Any) -> bool:
    if isinstance(value, dict):
        return not value or any(map(_has_null_or_empty, value.values()))
    return value is None or value == []
