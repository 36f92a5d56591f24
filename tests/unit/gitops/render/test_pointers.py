"""What is said of a JSON pointer that leads nowhere."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops.objects import Json
from gitops.render import expand
from gitops.render.pointers import missing

BODY: Json = {"spec": {"containers": [{"name": "a"}], "a/b": {"~": "hunter2"}}}


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/spek", 'the object has no "spek": did you mean "spec"?'),
        ("/spec/container", '/spec has no "container": did you mean "containers"?'),
        ("/spec/containers/1/name", "/spec/containers is a list of 1, counted from 0"),
        ("/spec/containers/-/name", "/spec/containers is a list of 1, counted from 0"),
        ("/spec/containers/0/image", '/spec/containers/0 has no "image"; known: name'),
        ("/spec/a~1b/~0/x", "/spec/a~1b/~0 is neither a mapping nor a list"),
        ("/spec/containers/0/name", ""),
        ("", ""),
    ],
)
def test_the_place_where_it_leaves_the_object_is_named(path: str, said: str) -> None:
    assert missing(BODY, path) == said


@given(st.text(st.sampled_from("/~01-aspec"), max_size=30))
def test_no_path_makes_it_fail_or_quote_a_value(path: str) -> None:
    assert "hunter2" not in missing(BODY, f"/{path}")


@given(st.text())
def test_any_text_can_be_written_with_the_escape(text: str) -> None:
    """`$${` is all that has to be known; nothing else is special."""
    assert expand(text.replace("${", "$${"), {}) == text
