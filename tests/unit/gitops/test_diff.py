"""Differences between two states of an object: cases in tests/cases/diff, and what holds for all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from gitops.diff import diff, json_patch, live_digests, text

CASES = Path(__file__).parents[2] / "cases" / "diff"


def bodies(*fields: str) -> st.SearchStrategy[dict[str, Any]]:
    """Objects with these fields, some of them deeper too."""
    inner = [field for field in fields if field in ("name", "value", "x")]
    return st.dictionaries(
        st.sampled_from(fields),
        st.recursive(
            st.none() | st.booleans() | st.integers(0, 3) | st.sampled_from(["a", "b", "Secret"]),
            lambda below: (
                st.lists(below, max_size=3) | st.dictionaries(st.sampled_from(inner), below, max_size=3)
            ),
            max_leaves=10,
        ),
        max_size=4,
    )


BODIES = bodies("kind", "data", "spec", "env", "name", "value", "x")
# Without what tells that something is a secret: in one of two states only, that is a difference by itself.
PLAIN = bodies("data", "spec", "env", "value", "x")


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text()) if path.exists() else None


@pytest.mark.parametrize("case", sorted(path.name for path in CASES.iterdir()))
def test_case(case: str) -> None:
    """The difference of before.yaml (absent: no object) and after.yaml is expected.txt."""
    folder = CASES / case
    found = text(diff(read(folder / "before.yaml"), read(folder / "after.yaml")))
    assert f"{found}\n" == (folder / "expected.txt").read_text()
    assert "canary" not in found


@given(BODIES, BODIES)
def test_a_difference_is_empty_only_for_equal_objects(before: dict[str, Any], after: dict[str, Any]) -> None:
    """No change is missed, secrets included; none is invented."""
    assert diff(before, before) == ()
    if not diff(before, after):
        assert json.dumps(before, sort_keys=True) == json.dumps(after, sort_keys=True)


@given(BODIES, BODIES)
def test_changes_are_serialisable(before: dict[str, Any], after: dict[str, Any]) -> None:
    """Every change can be written as JSON and as one line of text."""
    changes = diff(before, after)
    json.dumps([change.as_json() for change in changes])
    assert len(text(changes).splitlines()) == len(changes)


def test_absent_and_null_differ() -> None:
    """A field that is null is there; one that is absent is not."""
    (change,) = diff({"spec": {}}, {"spec": {"a": None}})
    assert change.as_json() == {"path": "spec.a", "after": None}
    (change,) = diff({"spec": {"a": None}}, {"spec": {}})
    assert change.as_json() == {"path": "spec.a", "before": None}


def test_long_values_are_cut() -> None:
    assert len(text(diff({"data": {"a": "x"}}, {"data": {"a": "y" * 5000}}))) < 260


@given(PLAIN, PLAIN)
def test_live_digests_are_of_the_same_paths_as_the_patch(
    live: dict[str, Any], wanted: dict[str, Any]
) -> None:
    assert live_digests(live, wanted).keys() == {one.path for one in json_patch(live, wanted)}


def test_a_changed_secret_that_is_no_mapping_differs() -> None:
    before, after = {"kind": "Secret", "data": ["a"]}, {"kind": "Secret", "data": ["b"]}
    (change,) = diff(before, after)
    assert change.as_json() == {"path": "data", "before": "(redacted)", "after": "(redacted, changed)"}


def test_live_digests_tell_secrets_apart_and_nothing_from_null() -> None:
    def digest(value: Any) -> str:
        return live_digests({"kind": "Secret", "data": {"a": value}}, {"kind": "Secret", "data": {"a": "w"}})[
            "/data/a"
        ]

    assert digest("one") == digest("one") != digest("two")
    assert live_digests({"kind": "Secret", "data": {}}, {"kind": "Secret", "data": {"a": "w"}}) == {
        "/data/a": ""
    }
    assert digest(None) != ""
