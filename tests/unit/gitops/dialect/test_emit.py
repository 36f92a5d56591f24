"""YAML that we write is read back as the same value, as Kubernetes reads it."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from gitops.dialect import parse
from gitops.dialect.emit import emit

TRICKY = [
    "y",
    "on",
    "1e3",
    "0o17",
    "0x1F",
    "1_000",
    "12:30:45",
    "2020-01-01",
    "~",
    "",
    "<<",
    "=",
    "null",
    ".inf",
]
TRICKY += [
    "a: b",
    "# x",
    "- a",
    "a\nb",
    "a\n\n",
    " x\ny ",
    "x \ny",
    "\ttab\n",
    "a\rb",
    "---\nb",
    "é",
    "\u2028",
]
TRICKY += ["\x85", "\ufeff", "\x1b[31m", "!tag", "&a", "*a", "%d", "@", "`", "'", '"', "{", "[", "a: |\n  b"]
TEXTS = st.one_of(st.text(st.characters(exclude_categories=["Cs"]), max_size=12), st.sampled_from(TRICKY))
SCALARS = st.one_of(
    TEXTS,
    st.integers(-(2**63), 2**64 - 1),
    st.booleans(),
    st.none(),
    st.floats(allow_nan=False, allow_infinity=False),
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXTS, inner, max_size=3)),
    max_leaves=8,
)


def read(text: str) -> list[Any]:
    return [document.value for document in parse(text.encode(), "it.yaml")]


@given(values=st.lists(st.dictionaries(TEXTS, VALUES, min_size=1, max_size=3), min_size=1, max_size=3))
@settings(deadline=None)
def test_what_is_written_is_read_as_the_same_json(values: list[dict[str, Any]]) -> None:
    assert read(emit(values)) == [read(json.dumps(value))[0] for value in values]


@pytest.mark.parametrize("text", TRICKY)
def test_text_stays_text_for_yaml_1_1_too(text: str) -> None:
    """People pipe it into other tools."""
    assert yaml.safe_load(emit([{"a": text, text: ["b"]}])) == {"a": text, text: ["b"]}
    assert read(emit([{"a": text, text: ["b"]}])) == [{"a": text, text: ["b"]}]


def test_what_stands_twice_is_written_twice() -> None:
    """No anchors: readers bound what aliases may repeat."""
    shared = {"x": [1]}
    assert emit([{"a": shared, "b": shared}]) == "---\na:\n  x:\n  - 1\nb:\n  x:\n  - 1\n"
