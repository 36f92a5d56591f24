"""A cache in memory keeps what was used last, and stays within its limit."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from controllers.recent import Recent

KEYS = st.sampled_from("abcd")


def test_what_was_used_longest_ago_goes_first() -> None:
    recent = Recent[str, int](2)
    recent.keep("a", 1)
    recent.keep("b", 2)
    assert recent.get("a") == 1
    recent.keep("c", 3)
    assert [recent.get(key) for key in "abc"] == [1, None, 3]


def test_what_is_larger_than_the_limit_is_not_kept() -> None:
    """It empties nothing for good: the next ones are kept again."""
    recent = Recent[str, int](10)
    recent.keep("a", 1, 11)
    assert (recent.get("a"), recent.held) == (None, 0)
    recent.keep("b", 2, 10)
    assert (recent.get("b"), recent.held) == (2, 10)


@given(st.lists(st.tuples(KEYS, st.integers(0, 9))))
def test_sizes_are_counted_once(kept: list[tuple[str, int]]) -> None:
    """A value that takes another's place has its own size, and the limit holds after each."""
    recent = Recent[str, int](12)
    for key, size in kept:
        recent.keep(key, size, size)
        sizes = [found for each in "abcd" if (found := recent.get(each)) is not None]
        assert recent.held == sum(sizes) <= 12
        assert recent.get(key) == size
