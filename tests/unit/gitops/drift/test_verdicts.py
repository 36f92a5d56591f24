"""What one look at an object's metadata says, for every way in which it can differ from what was applied."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import Any

import pytest

from gitops.drift import Sight, Verdict, judge
from gitops.fields import fields_hash
from gitops.inventory import Entry
from gitops.objects import ObjectKey
from gitops.ownership import PART_OF

APPLYSET = "applyset-ours-v1"
OURS = {
    "manager": "gitops-waves",
    "operation": "Apply",
    "time": "2026-03-01T12:00:00Z",
    "fieldsV1": {"f:data": {"f:colour": {}}},
}
METADATA: dict[str, Any] = {
    "uid": "u1",
    "resourceVersion": "7",
    "generation": 3,
    "labels": {PART_OF: APPLYSET},
    "managedFields": [OURS],
}
ENTRY = Entry(
    ObjectKey("", "ConfigMap", "shop", "web"),
    "v1",
    digest="d",
    fields=fields_hash(METADATA),
    uid="u1",
    generation=3,
)


def seen(**changes: Any) -> Sight:
    """The object with other metadata; None removes."""
    changed = {**METADATA, **changes}
    return Sight.of({key: value for key, value in changed.items() if value is not None})


def taken() -> list[dict[str, Any]]:
    """Our entry after somebody took a field."""
    return [{**OURS, "fieldsV1": {"f:data": {}}}]


@pytest.mark.parametrize(
    ("sight", "verdict", "word"),
    [
        (seen(), Verdict.INTACT, "as it was applied"),
        (seen(resourceVersion="8"), Verdict.INTACT, "as it was applied"),
        (seen(labels={PART_OF: APPLYSET, "theirs": "x"}), Verdict.INTACT, "as it was applied"),
        (seen(managedFields=[OURS, {"manager": "x", "operation": "Update"}]), Verdict.INTACT, "as it was"),
        (seen(generation=2), Verdict.INTACT, "as it was applied"),
        (seen(managedFields=taken(), generation=2), Verdict.INTACT, "as it was applied"),
        (None, Verdict.GONE, "not there"),
        (seen(uid="u2"), Verdict.RECREATED, "created it again"),
        (seen(uid="u2", labels=None), Verdict.RECREATED, "created it again"),
        (seen(deletionTimestamp="2026-03-01T12:00:00Z"), Verdict.TERMINATING, "being deleted"),
        (seen(labels={PART_OF: "applyset-theirs-v1"}), Verdict.NOT_OURS, "applyset-theirs-v1"),
        (seen(managedFields=taken()), Verdict.SUSPICIOUS, "changed hands"),
        (seen(managedFields=None), Verdict.SUSPICIOUS, "recorded as ours"),
        (seen(managedFields=[]), Verdict.SUSPICIOUS, "recorded as ours"),
        (seen(generation=4), Verdict.SUSPICIOUS, "its spec changed"),
        (
            seen(managedFields=[{**OURS, "time": "2026-03-01T12:00:09Z"}]),
            Verdict.REAPPLIED,
            "under our name",
        ),
    ],
)
def test_a_sight_has_its_verdict(sight: Sight | None, verdict: Verdict, word: str) -> None:
    judged = judge(ENTRY, sight, APPLYSET, applied_at="2026-03-01T12:00:00Z")
    assert judged.verdict is verdict
    assert word in judged.because


def test_the_time_of_an_apply_says_nothing_where_our_own_is_not_known() -> None:
    other = [{**OURS, "time": "2026-03-01T12:00:09Z"}]
    assert judge(ENTRY, seen(managedFields=other), APPLYSET).verdict is Verdict.INTACT


def test_an_entry_that_was_never_confirmed_needs_a_closer_look() -> None:
    unconfirmed = replace(ENTRY, digest="", fields="", uid="", generation=0)
    assert judge(unconfirmed, seen(), APPLYSET).verdict is Verdict.UNRECORDED
    assert judge(unconfirmed, None, APPLYSET).verdict is Verdict.GONE


def test_an_object_with_fields_too_deep_to_read_is_looked_at() -> None:
    """One such object must not end the watch of its whole kind."""
    deep: dict[str, Any] = {}
    for _ in range(sys.getrecursionlimit()):
        deep = {"f:a": deep}
    sight = seen(managedFields=[{**OURS, "fieldsV1": {"f:data": deep}}])
    assert judge(ENTRY, sight, APPLYSET).verdict is Verdict.SUSPICIOUS
    assert (sight.uid, sight.resource_version) == ("u1", "7")
