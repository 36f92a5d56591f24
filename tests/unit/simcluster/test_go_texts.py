"""Values as Go 1.26 prints them; each expectation is Go's own output."""

from __future__ import annotations

from typing import Any

import pytest

from simcluster.gotext import html_safe, json_text, number, plain, quoted, syntax, type_name


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1000000, "1000000"),
        (1.0, "1"),
        (1.5, "1.5"),
        (100000.0, "100000"),
        (1000000.0, "1e+06"),
        (123456789.5, "1.234567895e+08"),
        (1e21, "1e+21"),
        (0.0001, "0.0001"),
        (0.00001, "1e-05"),
        (1.5e-7, "1.5e-07"),
        (-2.5, "-2.5"),
        (0.0, "0"),
        (3e100, "3e+100"),
        (10.0, "10"),
        (1e20, "1e+20"),
    ],
)
def test_numbers(value: float, text: str) -> None:
    assert number(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ('a\x01é\u200b"\\\n\x7f', r'"a\x01é\u200b\"\\\n\x7f"'),
        ("😀", '"😀"'),
        ("<\u2028", r'"<\u2028"'),
        ("plain", '"plain"'),
        ("\U000e0001", r'"\U000e0001"'),
    ],
)
def test_quoted_texts(value: str, text: str) -> None:
    assert quoted(value) == text


def test_values_and_their_types() -> None:
    value = {"b": [1, "c", None, True], "a": {}}
    assert plain(value) == "map[a:map[] b:[1 c <nil> true]]"
    assert syntax(value) == (
        'map[string]interface {}{"a":map[string]interface {}{}, '
        '"b":[]interface {}{1, "c", interface {}(nil), true}}'
    )
    values: list[Any] = ["x", True, {}, [], None, 1]
    names = [type_name(each) for each in values]
    assert names == ["string", "bool", "map[string]interface {}", "[]interface {}", "<nil>", "int64"]


def test_json_is_sorted_and_safe_in_html() -> None:
    assert json_text({"b": "<&>", "a": ["é", 1]}) == r'{"a":["é",1],"b":"\u003c\u0026\u003e"}'
    assert html_safe("\u2028\u2029") == r"\u2028\u2029"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("web-1", '"web-1"'),
        ("a\0b", r'"a\x00b"'),
        ("a\ab", r'"a\ab"'),
        ("a\nb", r'"a\nb"'),
        ("a\x7fb", r'"a\x7fb"'),
        ("a\x80b", r'"a\u0080b"'),
        ("a\u200bb", r'"a\u200bb"'),
        ("a\U000e0001b", r'"a\U000e0001b"'),
        ("äb", '"äb"'),
        ('a"b', r'"a\"b"'),
        ("a\\b", r'"a\\b"'),
    ],
)
def test_text_is_quoted_as_a_server_was_seen_to_quote_names_in_paths(text: str, expected: str) -> None:
    assert quoted(text) == expected
