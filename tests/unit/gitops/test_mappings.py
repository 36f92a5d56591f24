"""What differs between two mappings, and a mapping with changes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gitops.mappings import changed, differing


class Thing:
    """An object that equals all others of its kind: only its identity tells it from them."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Thing)

    def __hash__(self) -> int:
        return 0


THINGS = [Thing() for _ in range(4)]
NAMES = st.sampled_from("abcdefgh")
MAPPINGS = st.dictionaries(NAMES, st.sampled_from(THINGS))


@given(before=MAPPINGS, after=MAPPINGS)
def test_what_differs_is_another_object_or_there_on_one_side_only(
    before: dict[str, Thing], after: dict[str, Thing]
) -> None:
    """Whatever order the names are in; equal objects differ."""
    expected = sorted(name for name in {*before, *after} if before.get(name) is not after.get(name))
    assert list(differing(before, after)) == expected
    assert differing(after, dict(reversed(after.items()))) == ()


@given(before=MAPPINGS, changes=st.dictionaries(NAMES, st.none() | st.sampled_from(THINGS)))
def test_changes_leave_the_mapping_before_as_it_was_and_keep_the_order(
    before: dict[str, Thing], changes: dict[str, Thing | None]
) -> None:
    ordered = dict(sorted(before.items(), key=lambda item: item[0]))
    kept = dict(ordered)
    after = changed(ordered, changes)
    assert ordered == kept
    assert list(after) == sorted(after)
    for name in {*before, *changes}:
        assert after.get(name) is changes.get(name, before.get(name))
    assert set(differing(ordered, after)) <= changes.keys()


def test_without_changes_it_is_the_same_mapping() -> None:
    before = {"a": Thing()}
    assert changed(before, {}) is before
