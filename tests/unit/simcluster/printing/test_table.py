"""Tables. `rows.jsonl` holds objects and the cells that kube-apiserver 1.37.2 showed of them."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from simcluster.kinds.builtin import builtin
from simcluster.kinds.kind import CustomKind, Kind
from simcluster.printing import cells, table

NOW = datetime(2026, 1, 2, tzinfo=UTC)
MEASURED = [json.loads(line) for line in Path(__file__).with_name("rows.jsonl").read_text().splitlines()]
AGE = (
    "CreationTimestamp is a timestamp representing the server time when this object was created. It is not "
    "guaranteed to be set in happens-before order across separate operations. Clients may not set this "
    "value. It is represented in RFC3339 form and is in UTC.\n\nPopulated by the system. Read-only. "
    "Null for lists. More info: "
    "https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata"
)


def builtin_kind(api_version: str, kind: str) -> Kind:
    return builtin().by_kind[(api_version, kind)]


def custom_kind(columns: list[dict[str, Any]]) -> Kind:
    custom = CustomKind(
        crd_name="balls.example.com",
        served=True,
        storage_version="v1",
        conversion="None",
        has_status=False,
        scale=None,
        columns=tuple(columns),
        validation={},
        selectable_fields=(),
    )
    base = builtin_kind("v1", "ConfigMap")
    return replace(base, group="example.com", kind="Ball", plural="balls", storage="balls", custom=custom)


def obj(name: str, **rest: Any) -> dict[str, Any]:
    metadata = {"name": name, "resourceVersion": "7", "creationTimestamp": "2026-01-01T00:00:00Z"}
    return {"metadata": metadata | rest.pop("metadata", {}), **rest}


def shown(kind: Kind, *objects: dict[str, Any], **options: Any) -> list[list[Any]]:
    return [row["cells"] for row in table.table(kind, objects, NOW, **options)["rows"]]


@pytest.mark.parametrize(
    "row", MEASURED, ids=lambda row: f"{row['kind']}-{row['object']['metadata']['name']}"
)
def test_a_row_is_what_the_real_server_showed(row: dict[str, Any]) -> None:
    columns = row.get("columns")
    kind = builtin_kind(row["apiVersion"], row["kind"]) if columns is None else custom_kind(columns)
    made = table.table(kind, [row["object"]], datetime.fromisoformat(row["now"]), metadata={})
    found = made["rows"][0]
    assert found["cells"] == row["cells"]
    assert [type(cell) for cell in found["cells"]] == [type(cell) for cell in row["cells"]]
    assert found.get("conditions") == row.get("conditions")


def test_a_list_keeps_its_metadata_and_one_object_gives_its_version() -> None:
    kind = builtin_kind("v1", "ConfigMap")
    metadata = {"resourceVersion": "9", "continue": "x", "remainingItemCount": 3}
    assert table.table(kind, [obj("a")], NOW, metadata=metadata)["metadata"] == metadata
    single = table.table(kind, [obj("a")], NOW)
    assert single["metadata"] == {"resourceVersion": "7"}
    assert (single["kind"], single["apiVersion"]) == ("Table", "meta.k8s.io/v1")


@pytest.mark.parametrize(
    ("include", "expected"),
    [
        ("None", None),
        (
            "Metadata",
            {
                "kind": "PartialObjectMetadata",
                "apiVersion": "meta.k8s.io/v1",
                "metadata": obj("a")["metadata"],
            },
        ),
        ("Object", {"kind": "ConfigMap", "apiVersion": "v1", **obj("a", data={"b": "c"})}),
    ],
)
def test_a_row_carries_as_much_of_the_object_as_was_asked_for(include: Any, expected: Any) -> None:
    made = table.table(builtin_kind("v1", "ConfigMap"), [obj("a", data={"b": "c"})], NOW, include=include)
    assert made["rows"][0]["object"] == expected


def test_every_builtin_kind_has_a_cell_for_each_column_or_more() -> None:
    """IPAddress has a cell more than columns on the real server too."""
    for kind in builtin().by_kind.values():
        if "list" in kind.verbs:
            (row,) = shown(kind, obj("a"))
            extra = len(row) - len(table.columns(kind))
            assert extra == (kind.kind == "IPAddress"), kind.kind


def test_columns_are_named_as_the_server_names_them() -> None:
    columns = table.columns(builtin_kind("apps/v1", "Deployment"))
    names = ["Name", "Ready", "Up-to-date", "Available", "Age", "Containers", "Images", "Selector"]
    assert [each["name"] for each in columns] == names
    assert [each["priority"] for each in columns] == [0, 0, 0, 0, 0, 1, 1, 1]
    assert columns[4] == {"name": "Age", "type": "string", "format": "", "description": AGE, "priority": 0}


def test_a_kind_without_a_printer_shows_when_it_was_created() -> None:
    kind = builtin_kind("v1", "LimitRange")
    assert [each["name"] for each in table.columns(kind)] == ["Name", "Created At"]
    assert shown(kind, obj("a")) == [["a", "2026-01-01T00:00:00Z"]]


def test_no_rows_are_null_where_the_servers_generic_code_makes_the_table() -> None:
    def rows(kind: Kind) -> Any:
        return table.table(kind, [], NOW, metadata={})["rows"]

    assert rows(builtin_kind("v1", "LimitRange")) is None
    assert rows(builtin_kind("apiextensions.k8s.io/v1", "CustomResourceDefinition")) is None
    assert rows(builtin_kind("v1", "Pod")) == []
    assert rows(custom_kind([])) == []


def test_a_custom_kind_without_columns_shows_its_age() -> None:
    kind = custom_kind([])
    assert table.columns(kind)[1] == {
        "name": "Age",
        "type": "date",
        "format": "",
        "description": AGE,
        "priority": 0,
    }
    assert shown(kind, obj("a")) == [["a", "24h"]]


def test_a_custom_column_is_described_by_its_path_where_nothing_else_does() -> None:
    columns: list[dict[str, Any]] = [
        {"name": "A", "type": "integer", "jsonPath": ".spec.a"},
        {
            "name": "B",
            "type": "string",
            "jsonPath": ".b",
            "priority": 1,
            "description": "d",
            "format": "name",
        },
    ]
    described = "Custom resource definition column (in JSONPath format): .spec.a"
    assert table.columns(custom_kind(columns))[1:] == [
        {"name": "A", "type": "integer", "format": "", "description": described, "priority": 0},
        {"name": "B", "type": "string", "format": "name", "description": "d", "priority": 1},
    ]


def test_a_path_that_is_not_understood_shows_nothing() -> None:
    kind = custom_kind([{"name": "A", "type": "string", "jsonPath": ".spec[?(@.a>1)]"}])
    assert shown(kind, obj("a", spec=[{"a": 2}])) == [["a", None]]


def test_flow_schemas_are_listed_as_they_are_matched() -> None:
    kind = builtin_kind("flowcontrol.apiserver.k8s.io/v1", "FlowSchema")
    first, second = (obj(name, spec={"matchingPrecedence": at}) for name, at in (("b", 1), ("a", 9)))
    assert [row[0] for row in shown(kind, second, first, metadata={})] == ["b", "a"]


def test_the_newest_default_storage_class_is_marked_in_a_list() -> None:
    kind = builtin_kind("storage.k8s.io/v1", "StorageClass")
    marked = {"storageclass.kubernetes.io/is-default-class": "true"}
    old = obj("old", metadata={"annotations": marked})
    new = obj("new", metadata={"annotations": marked, "creationTimestamp": "2026-01-01T00:00:01Z"})
    other = obj("other", metadata={"creationTimestamp": "2026-01-01T09:00:00Z"})
    assert [row[0] for row in shown(kind, new, old, other, metadata={})] == ["new (default)", "old", "other"]
    assert [row[0] for row in shown(kind, new)] == ["new"]


def test_annotations_that_stand_for_internal_fields_are_no_metadata() -> None:
    annotations = {"deprecated.daemonset.template.generation": "1"}
    daemon_set = obj("a", metadata={"annotations": annotations})
    made = table.table(builtin_kind("apps/v1", "DaemonSet"), [daemon_set], NOW)
    assert "annotations" not in made["rows"][0]["object"]["metadata"]
    assert daemon_set["metadata"]["annotations"] == annotations


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (-2, "<invalid>"),
        (-1, "0s"),
        (0, "0s"),
        (119, "119s"),
        (120, "2m"),
        (125, "2m5s"),
        (599, "9m59s"),
        (600, "10m"),
        (3 * 3600 - 1, "179m"),
        (3 * 3600, "3h"),
        (7 * 3600 + 59 * 60, "7h59m"),
        (8 * 3600, "8h"),
        (47 * 3600 + 3599, "47h"),
        (48 * 3600, "2d"),
        (49 * 3600, "2d1h"),
        (8 * 86400, "8d"),
        (729 * 86400, "729d"),
        (730 * 86400, "2y"),
        (731 * 86400, "2y1d"),
        (8 * 365 * 86400, "8y"),
    ],
)
def test_durations_lose_precision_as_they_grow(seconds: int, expected: str) -> None:
    assert cells.human_duration(timedelta(seconds=seconds)) == expected
