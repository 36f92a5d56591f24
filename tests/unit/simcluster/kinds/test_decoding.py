"""Bodies are read, and refused, as a real API server does; expectations are its answers."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simcluster.errors import ApiError
from simcluster.kinds import json_syntax
from simcluster.kinds.decoding import decode, whole_numbers
from simcluster.kinds.kind import Kind

_JSON = "application/json"
_YAML = "application/yaml"
_UNRECOGNIZED = "the object provided is unrecognized (must be of type ConfigMap): "
_PARSE = f"{_UNRECOGNIZED}couldn't get version/kind; json parse error: "
_HEADER = (
    'struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }'
)
_UNMARSHAL = "json: cannot unmarshal"
_AS = "cannot be handled as a ConfigMap"
_REGISTERED = 'is registered for version "v2" in scheme "pkg/runtime/scheme.go:111"'
_NO_WIDGET = "the object provided is unrecognized (must be of type Widget)"
_START = "6b696e643a20436f6e6669674d61700a61706956657273696f6e3a207631 ..."


def refused(body: str | bytes, kind: Kind, content_type: str = _JSON) -> ApiError:
    with pytest.raises(ApiError) as caught:
        decode(body.encode() if isinstance(body, str) else body, content_type, kind)
    return caught.value


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("{", "unexpected end of JSON input ({)"),
        ("", "unexpected end of JSON input (<empty>)"),
        ('{"a":"b', 'unexpected end of JSON input ({"a":"b)'),
        ("[]", f"json: cannot unmarshal array into Go value of type {_HEADER} (5b5d)"),
        ('"x"', f"json: cannot unmarshal string into Go value of type {_HEADER} (227822)"),
        ("3", f"json: cannot unmarshal number into Go value of type {_HEADER} (33)"),
        (
            '{"kind":3,"apiVersion":"v1"}',
            f'{_UNMARSHAL} number into Go struct field .kind of type string ({{"kind":3,"apiVersion":"v1"}})',
        ),
        (
            '{"kind":"ConfigMap","apiVersion":"v1"} x',
            'invalid character \'x\' after top-level value ({"kind":"ConfigMap","apiVersio ...)',
        ),
        ('{"a":1,}', "invalid character '}' looking for beginning of object key string ({\"a\":1,})"),
        (
            '{"kind":"ConfigMap" "x":1}',
            'invalid character \'"\' after object key:value pair ({"kind":"ConfigMap" "x":1})',
        ),
        ('{"a":nul}', "invalid character '}' in literal null (expecting 'l') ({\"a\":nul})"),
        ('{"a":01}', "invalid character '1' after object key:value pair ({\"a\":01})"),
        ('{"a":-}', "invalid character '}' in numeric literal ({\"a\":-})"),
        ("{'a':1}", "invalid character '\\'' looking for beginning of object key string ({'a':1})"),
        ("hello", "invalid character 'h' looking for beginning of value (68656c6c6f)"),
    ],
)
def test_a_body_that_is_no_json_object_is_refused(config_map: Kind, body: str, expected: str) -> None:
    error = refused(body, config_map)
    assert (error.code, error.reason) == (400, "BadRequest")
    assert str(error) == _PARSE + expected


@pytest.mark.parametrize("body", ["null", "{}", '{"kind":"ConfigMap"}', '{"apiVersion":"v1"}'])
def test_a_builtin_kind_is_assumed_where_the_body_names_none(config_map: Kind, body: str) -> None:
    assert decode(body.encode(), _JSON, config_map) == ({"apiVersion": "v1", "kind": "ConfigMap"}, [])


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            '{"kind":"Pod","apiVersion":"v1"}',
            f'Pod in version "v1" {_AS}: converting (v1.Pod) to (core.ConfigMap): unknown conversion',
        ),
        (
            '{"kind":"ConfigMap","apiVersion":"v2"}',
            f'ConfigMap in version "v2" {_AS}: no kind "ConfigMap" {_REGISTERED}',
        ),
    ],
)
def test_a_body_of_another_kind_is_refused(config_map: Kind, body: str, expected: str) -> None:
    assert str(refused(body, config_map)) == expected


@pytest.mark.parametrize(
    ("body", "code", "expected"),
    [
        (
            "{}",
            400,
            f"{_NO_WIDGET}: Object 'Kind' is missing in '{{}}' ({{}})",
        ),
        (
            "null",
            400,
            f"{_NO_WIDGET}: Object 'Kind' is missing in 'null' (6e756c6c)",
        ),
        (
            '{"kind":"Widget"}',
            400,
            "the API version in the data () does not match the expected API version (example.com/v1)",
        ),
        (
            '{"apiVersion":"example.com/v1","kind":"Other"}',
            422,
            'Other.example.com "" is invalid: kind: Invalid value: "Other": must be Widget',
        ),
    ],
)
def test_a_custom_object_must_name_its_kind_and_version(
    widget: Kind, body: str, code: int, expected: str
) -> None:
    error = refused(body, widget)
    assert (error.code, str(error)) == (code, expected)


@pytest.mark.parametrize("content_type", ["text/plain", "", "application/xml"])
def test_other_media_types_are_refused(config_map: Kind, content_type: str) -> None:
    error = refused("{}", config_map, content_type)
    assert (error.code, error.reason) == (415, "UnsupportedMediaType")
    assert str(error) == (
        "the body of the request was in an unknown format - accepted media types include:"
        " application/json, application/yaml, application/vnd.kubernetes.protobuf"
    )


def test_parameters_of_the_media_type_do_not_matter(config_map: Kind) -> None:
    assert decode(b"{}", "application/json; charset=utf-8", config_map)[1] == []


@pytest.mark.parametrize("body", [b'{"data":{"a":"\xff"}}', b'{"data":{"a":"\\ud800"}}'])
def test_what_is_no_unicode_becomes_a_replacement_character(config_map: Kind, body: bytes) -> None:
    assert decode(body, _JSON, config_map)[0]["data"] == {"a": "�"}


def test_deep_nesting_is_refused_and_not_a_crash(config_map: Kind) -> None:
    assert refused('{"a":' * 200_000, config_map).code == 400
    assert refused("[" * 200_000, config_map, _YAML).code == 400
    assert refused("a: &a [*a]", config_map, _YAML).code == 400
    assert refused('{"a":' * 500 + "1" + "}" * 500, config_map).code == 400
    assert decode(b'{"a":"' + b"[" * 500 + b'"}', _JSON, config_map)[0]["a"] == "[" * 500


def test_a_number_that_no_float_holds_is_refused(config_map: Kind) -> None:
    assert refused('{"a":1e400}', config_map).code == 400


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{a: yes}", True),
        ("{a: n}", False),
        ("{a: 1e3}", 1000.0),
        ("{a: 0o7}", 7),
        ("{a: 010}", 8),
        ("{a: 08}", 8),
        ("{a: 0x10}", 16),
        ("{a: 0b11}", 3),
        ("{a: 1_000}", 1000),
        ("{a: ~}", None),
        ("{a: 12:30:45}", "12:30:45"),
        ("{a: 2020-01-01}", "2020-01-01"),
        ("{a: 0x}", "0x"),
        ("{a: '1'}", "1"),
        ("{a: !!str 5}", "5"),
        ("{<<: {a: b}, c: d}", "b"),
    ],
)
def test_yaml_words_mean_what_they_mean_to_the_server(config_map: Kind, text: str, expected: Any) -> None:
    assert decode(f"data: {text}".encode(), _YAML, config_map)[0]["data"]["a"] == expected


def test_yaml_keys_become_strings(config_map: Kind) -> None:
    found, _ = decode(b"data: {1: a, true: b, 1.5: c, 0x10: d, 1e3: e, .5: f, n: g}", _YAML, config_map)
    assert list(found["data"]) == ["1", "true", "1.5", "16", "1000", "0.5", "false"]


def test_only_the_first_yaml_document_counts(config_map: Kind) -> None:
    assert decode(b"kind: ConfigMap\n---\nkind: Foo\n", _YAML, config_map)[0]["kind"] == "ConfigMap"
    assert decode(b"", _YAML, config_map)[0]["kind"] == "ConfigMap"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("data:\n  a: b\n   c: d\n", "yaml: line 6: mapping values are not allowed in this context"),
        ("data: [\n", "yaml: line 4: did not find expected node content"),
        ("data:\n\ta: b\n", "yaml: line 5: found character that cannot start any token"),
        ("data: {null: c}", 'unsupported map key of type: %!s(<nil>), key: <nil>, value: "c"'),
    ],
)
def test_a_body_that_is_no_yaml_is_refused(config_map: Kind, text: str, expected: str) -> None:
    body = f"kind: ConfigMap\napiVersion: v1\nmetadata: {{name: x}}\n{text}"
    assert str(refused(body, config_map, _YAML)) == f"{_UNRECOGNIZED}{expected} ({_START})"


def test_aliases_cannot_grow_without_bound(config_map: Kind) -> None:
    layers = "\n".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 10)}]" for n in range(1, 9))
    assert "excessive aliasing" in str(refused(f"l0: &l0 [x]\n{layers}\n", config_map, _YAML))


def test_numbers_of_custom_objects_are_gos(widget: Kind) -> None:
    body = b'{"apiVersion":"example.com/v1","kind":"Widget","a":[1.0,1.5,99999999999999999999]}'
    found = decode(body, _JSON, widget)[0]["a"]
    assert found == [1, 1.5, 1e20]
    assert [type(each) for each in found] == [int, float, float]
    assert whole_numbers({"a": True}) == {"a": True}


@given(st.text(alphabet='{}[]:,"\\ \n019.-+eEutrfalsn\x01', max_size=40))
def test_exactly_the_texts_that_are_no_json_have_an_error(text: str) -> None:
    try:
        json.loads(text)
    except ValueError:
        assert json_syntax.error(text.encode())
    else:
        assert not json_syntax.error(text.encode())


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        (b"\x07", "'\\a'"),
        (b"\x01", "'\\x01'"),
        (b"\x7f", "'\\x7f'"),
        (b"\x9e", "'\\u009e'"),
        ("é".encode(), "'Ã'"),
        (b"'", "'\\''"),
    ],
)
def test_what_begins_no_value_is_quoted_byte_by_byte(text: bytes, quoted: str) -> None:
    """As encoding/json does, which takes every byte for a character."""
    assert json_syntax.error(text) == f"invalid character {quoted} looking for beginning of value"
