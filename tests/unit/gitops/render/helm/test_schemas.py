"""References of a chart's schema: those inside it are fine, all others are refused with their place."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gitops.errors import Location
from gitops.render.helm.schemas import schema_problems

PATH = "charts/web/charts/db/values.schema.json"


def said(schema: Any) -> list[str]:
    return [str(problem) for problem in schema_problems({PATH: json.dumps(schema, indent=1).encode()})]


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "http://127.0.0.1/x.json"},
        {"$ref": "file:///etc/passwd"},
        {"$ref": "other.json"},
        {"$ref": "/etc/passwd"},
        {"$ref": " #/definitions/x"},
        {"properties": {"a": {"items": [{"$id": "file:///etc/", "$ref": "passwd"}]}}},
        {"$recursiveRef": "file:///etc/passwd"},
        {"$dynamicRef": "https://example.com/x#y"},
        {"definitions": {"unused": {"$ref": "https://example.com/x#y"}}},
    ],
)
def test_a_reference_out_of_the_schema_is_refused(schema: dict[str, Any]) -> None:
    [text] = said(schema)
    assert text.startswith(f"{PATH}:")
    assert "nothing is fetched for a schema" in text


@pytest.mark.parametrize("dialect", ["http://127.0.0.1/meta.json", "file:///x", "", "draft-07/schema#"])
def test_a_dialect_that_helm_would_fetch_is_refused(dialect: str) -> None:
    [text] = said({"$schema": dialect})
    assert "drafts 4, 6, 7, 2019-09 and 2020-12" in text


@pytest.mark.parametrize(
    "schema",
    [
        True,
        {"$schema": "http://json-schema.org/draft-07/schema#", "$ref": "#/definitions/a"},
        {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": "https://example.com/mine"},
        {"$ref": "#", "properties": {"$ref": {"type": "string"}}},
    ],
)
def test_a_schema_that_stays_within_itself_is_fine(schema: Any) -> None:
    assert said(schema) == []


def test_an_escaped_or_hidden_reference_is_found() -> None:
    """What a reader of the text would miss: escapes, and a key that stands there twice."""
    for text in (b'{"\\u0024ref": "\\u0068ttp://x"}', b'{"$ref": "http://x", "$ref": "#"}'):
        [problem] = schema_problems({PATH: text})
        assert "http://x" in problem.message


def test_the_place_is_that_of_the_reference() -> None:
    [problem] = schema_problems({PATH: b'{"a": 1,\n  "$ref": "x.json"}'})
    assert problem.location == Location(PATH, 2, 11)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"{", "is not JSON"),
        (b"$ref: http://x", "is not JSON"),
        (b'{"a": "\xff"}', "not UTF-8"),
        ('{"$ref": "http://x"}'.encode("utf-16"), "not UTF-8"),
        (b"[" * 100_000, "nested too deep"),
        (b"1" * 10_000, "huge numbers"),
    ],
)
def test_what_cannot_be_read_is_refused(data: bytes, words: str) -> None:
    [problem] = schema_problems({PATH: data})
    assert words in problem.message


def test_other_files_are_not_looked_at() -> None:
    assert schema_problems({"charts/web/files/my.schema.json": b"{", "values.schema.json/x": b"{"}) == ()
