"""Places, limits and secrecy of `gitops.dialect`."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops.dialect import Document, Limits, parse
from gitops.errors import InvalidInput

TEXT = """\
# a comment
---
apiVersion: v1
spec:
  list:
    - name: a
      value: 1
    - {name: b, value: 2}
  empty:
---
second: [x,
  y]
"""


def problems(data: bytes, limits: Limits = Limits()) -> list[str]:  # noqa: B008 - frozen
    with pytest.raises(InvalidInput) as raised:
        parse(data, "f.yaml", limits)
    return [str(problem) for problem in raised.value.problems]


@pytest.fixture(scope="module")
def documents() -> tuple[Document, ...]:
    return parse(TEXT.encode(), "f.yaml")


@pytest.mark.parametrize(
    ("index", "pointer", "place"),
    [
        (0, (), (3, 1)),
        (0, ("apiVersion",), (3, 13)),
        (0, ("spec", "list", 0), (6, 7)),
        (0, ("spec", "list", 0, "value"), (7, 14)),
        (0, ("spec", "list", 1, "name"), (8, 14)),
        (0, ("spec", "empty"), (9, 9)),
        (1, ("second", 1), (12, 3)),
        (0, ("spec", "list", 7), (6, 5)),
        (0, ("spec", "nothing", "below"), (5, 3)),
    ],
)
def test_a_value_has_its_place(
    documents: tuple[Document, ...], index: int, pointer: tuple[str | int, ...], place: tuple[int, int]
) -> None:
    """What is missing has the place of its nearest parent."""
    assert documents[index].at(*pointer) == place


def test_a_key_has_its_own_place(documents: tuple[Document, ...]) -> None:
    assert documents[0].key_at("spec", "list", 1, "value") == (8, 17)
    assert str(documents[0].locate_key("spec", "empty")) == "f.yaml:9:3"


def test_documents_know_their_index_and_line(documents: tuple[Document, ...]) -> None:
    assert [(document.index, document.line) for document in documents] == [(0, 3), (1, 11)]


def test_a_value_made_by_an_alias_has_the_place_where_it_is_written() -> None:
    (document,) = parse(b"a: &x {b: 1}\nc: *x\n", "f.yaml")
    assert document.at("c", "b") == (1, 11)


def test_twenty_mebibytes_are_refused_unread() -> None:
    data = b"a: " + b"x" * (20 << 20)
    assert problems(data) == [f"f.yaml: the file has {len(data)} bytes, more than the 3145728 that are read"]


def test_an_alias_bomb_is_refused_before_it_grows() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    started = time.process_time()
    (problem,) = problems("\n".join(lines).encode())
    assert problem.endswith("more than 250000 values in one file, aliases included")
    assert time.process_time() - started < 2


def test_merge_keys_count_as_aliases() -> None:
    lines = ["a0: &a0 {k0: [x, x, x, x, x, x, x, x, x]}"]
    lines += [f"a{n}: &a{n} {{<<: *a{n - 1}, k{n}: [*a{n - 1}, *a{n - 1}, *a{n - 1}]}}" for n in range(1, 20)]
    assert "aliases included" in problems("\n".join(lines).encode())[0]


@pytest.mark.parametrize(
    ("data", "limits", "message"),
    [
        (b"[[[1]]]", Limits(depth=2), "f.yaml:1:3: nested deeper than 2 levels"),
        (b"{a: {b: {c: 1}}}", Limits(depth=2), "f.yaml:1:9: nested deeper than 2 levels"),
        (b"a: &x 1\nb: *x\nc: *x\n", Limits(aliases=1), "f.yaml:3:4: more than 1 aliases in one file"),
        (
            b"a: 1\n---\nb: 2\n---\nc: 3\n",
            Limits(documents=2),
            "f.yaml:5:1: more than 2 documents in one file",
        ),
        (
            b"a: 1\n---\nb: 2\n",
            Limits(nodes=4),
            "f.yaml:3:1: more than 4 values in one file, aliases included",
        ),
    ],
)
def test_limits(data: bytes, limits: Limits, message: str) -> None:
    assert message in problems(data, limits)


def test_aliases_may_not_multiply_text() -> None:
    """Objects are written out in full, so a long text with many aliases would fill the memory."""
    data = b"a: &a " + b"x" * 1_000_000 + b"\nb: [" + b"*a," * 9_000 + b"]\n"
    assert problems(data) == ["f.yaml:2:17: aliases repeat more than 4194304 characters in one file"]


def test_a_text_that_is_merged_counts_as_repeated() -> None:
    data = b"a: &a {k: xxxx}\nb: {<<: *a}\nc: [*a]\n"
    assert "aliases repeat more than 9 characters" in problems(data, Limits(repeated=9))[0]
    assert len(parse(data, "f.yaml", Limits(repeated=10))) == 1


def test_a_long_stream_of_json_values_is_cut_in_one_go() -> None:
    """A value is not padded before its turn: the paddings of 3 MB would take terabytes."""
    found = problems(b"{}" * 1_500_000)
    assert found[0] == "f.yaml:1:2001: more than 1000 documents in one file"
    assert len(found) == 100


def test_places_in_a_stream_of_json_values() -> None:
    values = parse(b'{"a":1} {"b":2}\n\n  {"c":\n3}', "f.json")
    assert [(one.value, one.line) for one in values] == [({"a": 1}, 1), ({"b": 2}, 1), ({"c": 3}, 3)]
    assert [one.at(key) for one, key in zip(values, "abc", strict=True)] == [(1, 6), (1, 14), (4, 1)]


def test_a_number_of_thousands_of_digits_is_text_as_for_kubectl() -> None:
    (found,) = parse(b"a: " + b"9" * 5_000, "f.yaml")
    assert found.value == {"a": "9" * 5_000}


@pytest.mark.parametrize("opening", [b"[", b'{"a":', b"- "])
def test_hostile_depth_ends_at_the_limit(opening: bytes) -> None:
    assert "nested deeper than 64 levels" in problems(opening * 100_000)[0]


def test_bad_encoding_is_located() -> None:
    assert problems(b"a: b\nc: \xff\n") == ["f.yaml:2:4: not UTF-8 text"]


def test_every_broken_document_is_reported() -> None:
    found = problems(b"a: [\n---\nb: c\n---\nd: e: f\n---\ng: 1\ng: 2\n")
    assert [line.split(": ")[0] for line in found] == ["f.yaml:2:1", "f.yaml:5:5", "f.yaml:8:1"]


@pytest.mark.parametrize(
    "text",
    [
        "password: *hunter2",
        "password: !hunter2 x",
        "password: !!int hunter2",
        "password: hunter2: x",
        "password: @hunter2",
        'password: "hunter2\\q"',
        "password: !hunter2!x y",
        "password: [hunter2",
        "password: 'hunter2",
        "password: %hunter2",
    ],
)
def test_no_message_quotes_a_value(text: str) -> None:
    """The value may be a Secret's."""
    assert "hunter2" not in "\n".join(problems(text.encode()))


JSON: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(1 << 63), (1 << 63) - 1)
    | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(st.text(max_size=5), JSON, min_size=1, max_size=4))
def test_json_is_read_as_json(value: dict[str, Any]) -> None:
    """Whatever escapes and surrogate pairs it is written with."""
    (document,) = parse(json.dumps(value).encode(), "f.json")
    assert document.value == value
