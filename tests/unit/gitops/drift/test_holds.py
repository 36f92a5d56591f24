"""Whether a live object holds a manifest word for word: then no dry-run can change anything."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops.drift import holds

SCALARS = st.none() | st.booleans() | st.integers(0, 3) | st.sampled_from(["", "a", "b", "1"])
JSON = st.recursive(
    SCALARS,
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.sampled_from("abc"), below),
    max_leaves=8,
)
TEXTS = st.dictionaries(st.sampled_from("abc"), st.sampled_from(["", "x", "y"]))


def manifest_of(fields: dict[str, Any], labels: dict[str, str]) -> dict[str, Any]:
    return {"metadata": {"name": "web", "labels": labels}, **fields}


@given(st.dictionaries(st.sampled_from(["data", "spec", "rules"]), JSON), TEXTS)
def test_what_the_server_and_others_add_beside_our_fields_is_nothing_to_us(
    fields: dict[str, Any], labels: dict[str, str]
) -> None:
    manifest = manifest_of(fields, labels)
    live = copy.deepcopy(manifest)
    live["metadata"] |= {"uid": "u", "annotations": {"theirs": "x"}, "labels": {**labels, "theirs": "x"}}
    live["status"] = {"replicas": 1}
    assert holds(live, manifest)


@given(st.dictionaries(st.sampled_from(["data", "spec", "rules"]), JSON, min_size=1), JSON, st.data())
def test_a_field_that_is_another_or_missing_is_seen(
    fields: dict[str, Any], other: Any, data: st.DataObject
) -> None:
    manifest = manifest_of(fields, {})
    live = copy.deepcopy(manifest)
    name = data.draw(st.sampled_from(sorted(fields)))
    if data.draw(st.booleans()):
        live[name] = {"was": live[name], "is": other}
    else:
        del live[name]
    assert not holds(live, manifest)


@pytest.mark.parametrize(
    ("live", "manifest"),
    [
        ({"a": 1}, {"a": True}),
        ({"a": "1"}, {"a": 1}),
        ({"a": None}, {"a": {}}),
        ({"a": [1, 2]}, {"a": [1]}),
        # A selector is owned as a whole: what was added to it under our own name shows in its values only.
        ({"selector": {"app": "web", "tier": "x"}}, {"selector": {"app": "web"}}),
        ({"rules": [{"verbs": ["get"], "resourceNames": ["x"]}]}, {"rules": [{"verbs": ["get"]}]}),
        ({"metadata": {"labels": {"app": "other"}}}, {"metadata": {"labels": {"app": "web"}}}),
        ({"metadata": {}}, {"metadata": {"annotations": {"a": "b"}}}),
        ({"metadata": {"finalizers": ["a", "b"]}}, {"metadata": {"finalizers": ["a"]}}),
    ],
)
def test_what_only_a_dry_run_can_judge_is_not_held(live: dict[str, Any], manifest: dict[str, Any]) -> None:
    assert not holds(live, manifest)
