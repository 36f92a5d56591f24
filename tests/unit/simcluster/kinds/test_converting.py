"""The converter of maps: numbers that wrap, words of its own."""

from __future__ import annotations

from typing import Any

import pytest

from simcluster.kinds import converting
from simcluster.kinds.types import List, Scalar, Struct

INT32 = Scalar("integer", "int32")
_FIELD = "into Go struct field S.spec.x of type"


@pytest.mark.parametrize(
    ("value", "held"),
    [
        (5, 5),
        (-1, -1),
        (2**31, -(2**31)),
        (2**40, 0),
        (2**32 + 7, 7),
        (1.0, 1),
        (1e30, 0),
        (1.5, 1.5),
        ("x", "x"),
    ],
)
def test_whole_numbers_wrap_around_in_their_type(value: Any, held: Any) -> None:
    schema = Struct(fields={"list": List(items=Struct(values=INT32))})
    assert converting.wrapped({"list": [{"a": value}], "other": 2**40}, schema) == {
        "list": [{"a": held}],
        "other": 2**40,
    }


@pytest.mark.parametrize(
    ("because", "words"),
    [
        (f"json: cannot unmarshal number 1 {_FIELD} string", "cannot convert int64 to string"),
        (f"json: cannot unmarshal number 1.5 {_FIELD} int32", "cannot convert float64 to int32"),
        (f"json: cannot unmarshal object {_FIELD} string", "unrecognized type: string"),
        (f"json: cannot unmarshal string {_FIELD} v1.ScaleSpec", "cannot restore struct from: string"),
        (f"json: cannot unmarshal string {_FIELD} map[string]string", "cannot restore map from string"),
        (f"json: cannot unmarshal string {_FIELD} []v1.Owner", "cannot restore slice from string"),
        (
            "illegal base64 data at input byte 0",
            "error decoding from json: illegal base64 data at input byte 0",
        ),
        ("quantities must match", "quantities must match"),
    ],
)
def test_refusals_have_words_of_their_own(because: str, words: str) -> None:
    assert converting.words(because) == words


def test_integers_beyond_64_bits_are_floats() -> None:
    found = converting.within_int64({"a": [2**63, 2**63 - 1, True]})
    assert found == {"a": [2.0**63, 2**63 - 1, True]}
    assert [type(each) for each in found["a"]] == [float, int, bool]
