"""What the API server says about a Secret loses every value and keeps what helps."""

from __future__ import annotations

import base64

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from controllers.adapters.kube.redaction import redact_secret

BODY = {
    "apiVersion": "v1",
    "kind": "Secret",
    "metadata": {"name": "db", "namespace": "shop", "annotations": {"note": "also-private"}},
    "data": {"password": base64.b64encode(b"hunter2!").decode()},
    "stringData": {"pin": 42, "flag": True, "nested": {"deep-key": ["v-in-list"]}},
}


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ('Secret "db" not found', 'Secret "db" not found'),
        ('unknown field "stringDatas"', 'unknown field "[redacted]"'),
        ('unknown field "metadata.annotations"', 'unknown field "metadata.annotations"'),
        ('data[password]: Invalid value: "aHVudGVyMiE="', 'data[password]: Invalid value: "[redacted]"'),
        ("bad value hunter2! there", "bad value [redacted] there"),
        (
            "expected string, got &value.valueUnstructured{Value:42}",
            "expected string, got &value.valueUnstructured{Value:[redacted]}",
        ),
        (
            '.data.x: got {Value:map[string]interface {}{"canary-key":"v"}}\n.data.y: other',
            ".data.x: got {Value:[redacted]}\n.data.y: other",
        ),
        (".data: expected map, got &{deep-key}", ".data: expected map, got &{[redacted]}"),
        ("cannot unmarshal number 42 into string", "cannot unmarshal number [redacted] into string"),
        ("got `v-in-list` and 'else'", 'got "[redacted]" and "[redacted]"'),
        ('annotations: "also-private"', 'annotations: "[redacted]"'),
        ('an escaped "a\\"b" quote', 'an escaped "[redacted]" quote'),
        ("illegal base64 data at input byte 4", "illegal base64 data at input byte 4"),
    ],
)
def test_redact_secret(message: str, expected: str) -> None:
    assert redact_secret(message, orjson.dumps(BODY)) == expected


def test_without_a_readable_body_everything_quoted_goes() -> None:
    for body in (None, b"{", b"[]", b'{"metadata": 1, "data": "x"}'):
        assert redact_secret('token "abc" refused', body) == 'token "[redacted]" refused'


@given(
    value=st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=6),
    around=st.tuples(
        st.sampled_from(["", '"', "`", "{Value:", "= "]), st.sampled_from(["", '"', "`", "}", "."])
    ),
)
def test_no_value_survives_however_it_is_echoed(value: str, around: tuple[str, str]) -> None:
    secret = "canary" + value
    message = f"Invalid: {around[0]}{secret}{around[1]} at the end"
    assert secret not in redact_secret(message, orjson.dumps({"kind": "Secret", "stringData": {"k": secret}}))
