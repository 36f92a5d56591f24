"""The generator of `columns.json`: what it asks a server, and what it keeps."""

from __future__ import annotations

import json
from typing import Any

from simcluster.printing import generate


def column(name: str, description: str, priority: int = 0) -> dict[str, Any]:
    return {
        "name": name,
        "type": "string",
        "format": "",
        "description": description,
        "priority": priority,
    }


DEFAULT = [column("Name", "the name"), column("Created At", "the time")]
PODS = [column("Name", "the name"), column("Ready", "how many", 1)]
DOCUMENTS: dict[str, Any] = {
    "/apis": {"groups": [{"versions": [{"groupVersion": "apps/v1"}]}]},
    "/api/v1": {
        "resources": [
            {"name": "pods", "kind": "Pod", "verbs": ["list"]},
            {"name": "pods/status", "kind": "Pod", "verbs": ["get"]},
            {"name": "bindings", "kind": "Binding", "verbs": ["create"]},
        ]
    },
    "/apis/apps/v1": {"resources": [{"name": "things", "kind": "Thing", "verbs": ["list"]}]},
    "/api/v1/pods?limit=1": {"columnDefinitions": PODS},
    "/apis/apps/v1/things?limit=1": {"columnDefinitions": DEFAULT},
}


def test_kinds_that_can_be_listed_are_asked_for_a_table() -> None:
    """Those without columns of their own share the default ones."""
    asked: list[tuple[str, str]] = []

    def fetch(path: str, accept: str) -> dict[str, Any]:
        asked.append((path, accept))
        found: dict[str, Any] = DOCUMENTS[path]
        return found

    assert generate.columns(fetch) == {"default": DEFAULT, "/Pod": PODS}
    tables = [path for path, accept in asked if "as=Table" in accept]
    assert tables == ["/api/v1/pods?limit=1", "/apis/apps/v1/things?limit=1"]


def test_descriptions_are_written_once() -> None:
    written = generate.text({"default": DEFAULT, "/Pod": PODS})
    found = json.loads(written)
    assert found["descriptions"] == ["how many", "the name", "the time"]
    assert found["kinds"]["/Pod"] == [["Name", "string", "", 1, 0], ["Ready", "string", "", 0, 1]]
    assert len(written.splitlines()) == 9
