"""Values for charts: how files of them are merged."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gitops.objects import Json, JsonObject
from gitops.render.values import merged

KEYS = st.sampled_from("abc")
LEAVES = st.none() | st.booleans() | st.integers(0, 3) | st.lists(st.integers(0, 3), max_size=2)
VALUES: st.SearchStrategy[JsonObject] = st.dictionaries(
    KEYS,
    st.recursive(LEAVES, lambda inner: st.dictionaries(KEYS, inner, max_size=3), max_leaves=6),
    max_size=3,
)


def test_mappings_are_merged_and_all_else_is_replaced() -> None:
    first: JsonObject = {"a": {"x": 1, "y": [1, 2]}, "b": {"x": 1}, "c": 1, "d": {"x": 1}}
    second: JsonObject = {"a": {"y": [3]}, "b": None, "c": {"x": 2}, "e": None}
    assert merged([first, second]) == {
        "a": {"x": 1, "y": [3]},
        "b": None,
        "c": {"x": 2},
        "d": {"x": 1},
        "e": None,
    }


@given(st.lists(VALUES, max_size=4))
def test_the_last_file_that_says_something_has_its_way(files: list[JsonObject]) -> None:
    """Seen from each place: what the last one says, unless that and what was before are mappings."""

    def looked_up(before: Json, now: Json) -> Json:
        if isinstance(before, dict) and isinstance(now, dict):
            keys = [*before, *(key for key in now if key not in before)]
            return {key: looked_up(before.get(key), now[key]) if key in now else before[key] for key in keys}
        return now

    expected: Json = {}
    for file in files:
        expected = looked_up(expected, file)
    assert merged(files) == expected


@given(VALUES, VALUES)
def test_merging_changes_neither(first: JsonObject, second: JsonObject) -> None:
    before = repr((first, second))
    merged([first, second])
    assert repr((first, second)) == before


@given(VALUES)
def test_nothing_and_the_same_again_change_nothing(values: JsonObject) -> None:
    assert merged([{}, values]) == merged([values, {}]) == merged([values, values]) == values
