"""Field sets are sets of paths, read and written as fieldsV1."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simcluster.fields.elements import ElementError, order, shown
from simcluster.fields.sets import EMPTY, FieldSet
from simcluster.fields.sets import shown as shown_path

Paths = frozenset[tuple[str, ...]]

_ELEMENTS = ("f:a", "f:b", 'k:{"name":"x"}', 'k:{"port":80}', 'v:"s"', "v:1", "i:0")
PATHS: st.SearchStrategy[Paths] = st.frozensets(
    st.lists(st.sampled_from(_ELEMENTS), min_size=1, max_size=4).map(tuple), max_size=12
)


def made(paths: Iterable[tuple[str, ...]]) -> FieldSet:
    return FieldSet.of(*sorted(paths))


def below(path: tuple[str, ...], others: Paths) -> bool:
    return any(path[: len(other)] == other for other in others)


@given(PATHS)
def test_a_set_holds_the_paths_it_was_made_of(paths: Paths) -> None:
    found = made(paths)
    assert frozenset(found) == paths
    assert len(found) == len(paths)
    assert bool(found) == bool(paths)
    assert all(found.has(path) for path in paths)
    assert not any(found.has((*path, "f:else")) for path in paths)


@given(PATHS)
def test_what_is_written_is_read_again(paths: Paths) -> None:
    found = made(paths)
    assert FieldSet.from_v1(found.to_v1()) == found
    assert hash(FieldSet.from_v1(found.to_v1())) == hash(found)


@given(PATHS, PATHS)
def test_union_difference_and_intersection_are_those_of_sets_of_paths(left: Paths, right: Paths) -> None:
    one, other = made(left), made(right)
    assert one.union(other) == made(left | right)
    assert one.difference(other) == made(left - right)
    assert one.intersection(other) == made(left & right)
    assert (frozenset(one), frozenset(other)) == (left, right)  # neither has changed


@given(PATHS, PATHS)
def test_a_recursive_difference_leaves_out_what_is_below_as_well(left: Paths, right: Paths) -> None:
    kept = {path for path in left if not below(path, right)}
    assert made(left).recursive_difference(made(right)) == made(kept)


@given(PATHS)
def test_leaves_have_no_other_path_below_them(paths: Paths) -> None:
    kept = {
        path
        for path in paths
        if not any(len(each) > len(path) and below(each, frozenset({path})) for each in paths)
    }
    assert made(paths).leaves() == made(kept)


@given(PATHS, PATHS, PATHS)
def test_sets_obey_the_laws_of_an_algebra(first: Paths, second: Paths, third: Paths) -> None:
    a, b, c = made(first), made(second), made(third)
    assert a.union(b) == b.union(a)
    assert a.union(b.union(c)) == a.union(b).union(c)
    assert a.intersection(b.union(c)) == a.intersection(b).union(a.intersection(c))
    assert a.difference(b).union(a.intersection(b)) == a
    assert a.union(EMPTY) == a.union(a) == a


def test_it_is_written_in_the_servers_order() -> None:
    """Fields by name, items by what their keys hold: numbers as numbers."""
    found = FieldSet.from_v1(
        {
            "f:spec": {
                "f:z": {},
                'k:{"port":443}': {"f:port": {}, ".": {}},
                'k:{"port":80}': {},
                'k:{"port":8080}': {},
                "f:a": {},
                'v:"b"': {},
                'v:"a"': {},
            },
            "f:metadata": {},
        }
    )
    written = found.to_v1()
    assert list(written) == ["f:metadata", "f:spec"]
    assert list(written["f:spec"]) == [
        "f:a",
        "f:z",
        'k:{"port":80}',
        'k:{"port":443}',
        'k:{"port":8080}',
        'v:"a"',
        'v:"b"',
    ]
    assert list(written["f:spec"]['k:{"port":443}']) == [".", "f:port"]


def test_paths_come_in_the_order_of_conflicts_what_is_in_the_set_before_what_is_below() -> None:
    found = FieldSet.from_v1({"f:a": {"f:x": {}}, "f:b": {".": {}, "f:y": {}}, "f:c": {}})
    assert [shown_path(path) for path in found] == [".b", ".c", ".a.x", ".b.y"]


@pytest.mark.parametrize(
    ("given", "written"),
    [
        ({"f:a": {".": {}}}, {"f:a": {}}),
        ({"f:a": {"x:new": {}}}, {"f:a": {}}),  # an element of a later version is dropped
        ({"x:new": {"f:a": {}}}, {}),
        ({".": {}, "f:a": None}, {"f:a": {}}),
        ({'k:{"b":1.0,"a":"x"}': {}}, {'k:{"a":"x","b":1}': {}}),
        ({"v:1.0": {}, "v:1": {}}, {"v:1": {}}),
        ({'v:"<&>"': {}}, {'v:"\\u003c\\u0026\\u003e"': {}}),
    ],
)
def test_one_set_has_one_form(given: dict[str, object], written: dict[str, object]) -> None:
    assert FieldSet.from_v1(given).to_v1() == written


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a", "key must be 2 characters long:"),
        ("fa", "missing colon: fa"),
        ("k:5", "expect { or n"),
        ("v:{", "Expecting property name"),
        ("i:x", "invalid literal"),
    ],
)
def test_malformed_elements_are_refused(text: str, message: str) -> None:
    with pytest.raises(ElementError, match=message):
        FieldSet.from_v1({text: {}})


@pytest.mark.parametrize(
    ("element", "text"),
    [
        ("f:spec", ".spec"),
        ('k:{"protocol":"TCP","containerPort":80}', '[containerPort=80,protocol="TCP"]'),
        ('v:"a"', '[="a"]'),
        ("v:1.5", "[=1.5]"),
        ("v:true", "[=true]"),
        ('k:{"a":null}', "[a=null]"),
        ("i:3", "[3]"),
    ],
)
def test_elements_are_shown_as_in_messages(element: str, text: str) -> None:
    assert shown(element) == text


def test_values_are_ordered_numbers_then_strings_then_booleans() -> None:
    values = ["v:true", 'v:"a"', "v:2", "v:10", "v:1.5", "v:false"]
    assert sorted(values, key=order) == ["v:1.5", "v:2", "v:10", 'v:"a"', "v:false", "v:true"]
