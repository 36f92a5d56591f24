"""JSON pointers."""

from __future__ import annotations

import jsonpointer
from hypothesis import given
from hypothesis import strategies as st

from gitops.pointers import pointer_to, steps_of


@given(st.lists(st.text()))
def test_a_place_is_read_as_it_was_written_by_us_and_by_others(steps: list[str]) -> None:
    pointer = pointer_to(*steps)
    assert steps_of(pointer) == tuple(steps)
    assert jsonpointer.JsonPointer(pointer).parts == steps


def test_an_element_of_a_list_is_named_by_its_index() -> None:
    assert pointer_to("spec", "containers", 0, "a/b~c") == "/spec/containers/0/a~1b~0c"
