"""Secrets are sent as the API server stores them, so that we own what is there."""

from __future__ import annotations

from typing import Any

import pytest

from gitops.errors import Location
from gitops.model.targets import Target
from gitops.objects import Manifest
from gitops.plan import Scope, settle

SCOPE = Scope("production", "web", Target("east", "shop"))


def settled(**fields: Any) -> dict[str, Any]:
    """The body of a Secret as it will be sent."""
    body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "web"}, **fields}
    (manifest,) = settle([Manifest(body, Location("a.yaml"))], SCOPE, lambda *_: True).manifests
    return manifest.body


def test_texts_become_data_and_win_over_it() -> None:
    body = settled(data={"kept": "eA==", "both": "eA=="}, stringData={"both": "y", "umlaut": "ü"})
    assert body["data"] == {"kept": "eA==", "both": "eQ==", "umlaut": "w7w="}
    assert "stringData" not in body


@pytest.mark.parametrize("texts", [{"number": 7}, ["a"], "a"])
def test_what_is_no_text_is_left_for_the_server_to_refuse(texts: Any) -> None:
    assert settled(stringData=texts)["stringData"] == texts


def test_other_kinds_may_have_a_field_of_that_name() -> None:
    body = {"apiVersion": "x.io/v1", "kind": "Secret", "metadata": {"name": "web"}, "stringData": {"a": "b"}}
    (manifest,) = settle([Manifest(body, Location("a.yaml"))], SCOPE, lambda *_: True).manifests
    assert manifest.body["stringData"] == {"a": "b"}
