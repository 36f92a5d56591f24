"""Continue tokens: what was written is read again, anything else is refused in the words of a real server."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simcluster.api import continuing
from simcluster.api.continuing import Token
from simcluster.errors import ApiError

_V = "meta.k8s.io/v1"
_HEAD = "invalid continue token: continue key is not valid: "
_FIELD = "json: cannot unmarshal {} into Go struct field continueToken.{}"


def _token(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


@given(
    revision=st.integers(1, 2**63 - 1), name=st.from_regex(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?", fullmatch=True)
)
def test_a_token_says_where_to_go_on(revision: int, name: str) -> None:
    found = continuing.read(continuing.written(revision, f"/space/{name}"))
    assert found == Token(revision, f"/space/{name}\0")


def test_names_of_fields_are_read_without_regard_to_case() -> None:
    assert continuing.read(_token({"V": _V, "RV": -1, "Start": "a", "x": 1})) == Token(-1, "/a")


@pytest.mark.parametrize(
    ("value", "because"),
    [
        ({}, "server does not recognize this encoded version "),
        (None, "server does not recognize this encoded version "),
        ({"v": "x"}, "server does not recognize this encoded version x"),
        (1, "json: cannot unmarshal number into Go value of type storage.continueToken"),
        ([], "json: cannot unmarshal array into Go value of type storage.continueToken"),
        ({"v": 1}, _FIELD.format("number", "v of type string")),
        ({"v": _V, "rv": "1", "start": "a"}, _FIELD.format("string", "rv of type int64")),
        ({"v": _V, "rv": 1.5, "start": "a"}, _FIELD.format("number 1.5", "rv of type int64")),
        ({"v": _V, "rv": 1, "start": 1}, _FIELD.format("number", "start of type string")),
        ({"v": _V, "start": "a"}, f"incorrect encoded start resourceVersion (version {_V})"),
        ({"v": _V, "rv": 1, "start": ""}, f"encoded start key empty (version {_V})"),
        ({"v": _V, "rv": 1, "start": "../a"}, "../a"),
        ({"v": _V, "rv": 1, "start": "a/"}, "a/"),
    ],
)
def test_other_json_is_refused(value: Any, because: str) -> None:
    with pytest.raises(ApiError) as caught:
        continuing.read(_token(value))
    assert (caught.value.code, str(caught.value)) == (400, _HEAD + because)


@pytest.mark.parametrize(
    ("text", "because"),
    [
        ("nonsense", r"invalid character '\u009e' looking for beginning of value"),
        ("Ww", "unexpected end of JSON input"),
        ("a", "illegal base64 data at input byte 0"),
        ("aaaaa", "illegal base64 data at input byte 4"),
        ("aaa+", "illegal base64 data at input byte 3"),
        ("e30=", "illegal base64 data at input byte 3"),
        ("Iv8i", "incorrect encoded key"),
    ],
)
def test_other_text_is_refused(text: str, because: str) -> None:
    with pytest.raises(ApiError) as caught:
        continuing.read(text)
    assert str(caught.value) == _HEAD + because
