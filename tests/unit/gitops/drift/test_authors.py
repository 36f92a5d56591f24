"""Whose a changed field is, through maps, keyed lists, sets and wholes."""

from __future__ import annotations

from typing import Any

import pytest

from gitops.drift import author_of, names, newest_author


def entry(
    manager: str, fields: dict[str, Any], time: str = "2026-03-01T12:00:00Z", **more: str
) -> dict[str, Any]:
    """One entry of managedFields."""
    return {"manager": manager, "operation": "Update", "time": time, "fieldsV1": fields, **more}


MAIN = 'k:{"name":"main"}'
LIVE: dict[str, Any] = {
    "metadata": {
        "finalizers": ["a", "b"],
        "managedFields": [
            entry("gitops-waves", {"f:spec": {"f:replicas": {}}}, operation="Apply"),
            entry("scaler", {"f:spec": {"f:replicas": {}}}, "2026-03-01T13:00:00Z", subresource="scale"),
            entry("older-scaler", {"f:spec": {"f:replicas": {}}}, "2026-03-01T11:00:00Z"),
            entry("setter", {"f:spec": {"f:containers": {MAIN: {"f:image": {}, "f:args": {}}}}}),
            entry("adder", {"f:spec": {"f:containers": {'k:{"name":"side"}': {".": {}, "f:name": {}}}}}),
            entry("holder", {"f:metadata": {"f:finalizers": {'v:"b"': {}}}}),
            entry("odd", {"f:spec": {"f:a/b~c": {}}}),
            entry("gone", {"f:spec": {"f:containers": {'k:{"name":"gone"}': {"f:image": {}}}}}),
            entry("status", {"f:status": {}}, "2026-03-01T19:00:00Z", subresource="status"),
            entry("last", {"f:spec": {"f:paused": {}}}, "2026-03-01T18:00:00Z"),
        ],
    },
    "spec": {
        "replicas": 3,
        "a/b~c": 1,
        "containers": [{"name": "side"}, {"name": "main", "image": "x", "args": ["--a"]}],
    },
}


@pytest.mark.parametrize(
    ("pointer", "manager", "certain"),
    [
        ("/spec/replicas", "scaler", True),
        ("/spec/containers/1/image", "setter", True),
        ("/spec/containers/1/args/0", "setter", True),
        ("/spec/containers/0", "adder", True),
        ("/metadata/finalizers/1", "holder", True),
        ("/spec/a~1b~0c", "odd", True),
        ("/spec/minReadySeconds", "last", False),
        ("/metadata/labels/team", "last", False),
    ],
)
def test_a_field_has_its_author(pointer: str, manager: str, *, certain: bool) -> None:
    author = author_of(LIVE, pointer)
    assert (author.owner.manager, author.certain) == (manager, certain)


def test_what_only_we_hold_was_applied_under_our_name() -> None:
    ours = entry("gitops-waves", {"f:data": {"f:colour": {}}}, operation="Apply")
    author = author_of({"metadata": {"managedFields": [ours]}, "data": {"colour": "red"}}, "/data/colour")
    assert (author.owner.manager, author.owner.operation, author.certain) == ("gitops-waves", "Apply", True)


def test_authors_are_told_with_how_they_wrote_and_how_sure_that_is() -> None:
    assert str(author_of(LIVE, "/spec/replicas")) == "scaler (Update of scale)"
    assert str(newest_author(LIVE)) == "perhaps last (Update)"
    assert str(newest_author({"metadata": {}})) == "somebody"
    assert names([author_of(LIVE, "/spec/replicas"), newest_author({}), newest_author(LIVE)]) == (
        "last",
        "scaler",
    )
