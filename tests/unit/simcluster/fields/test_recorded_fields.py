"""Requests that kube-apiserver 1.37.2 answered (recorded.json): the same owners, the same refusals.

Each step has its live object, or goes on from the one before. `apply` is the body of an apply, `update` the
object that a create, update or patch led to.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from simcluster.errors import ApiError
from simcluster.fields.managed import Versions, Writer, apply, update
from simcluster.fields.sets import EMPTY, FieldSet
from simcluster.kinds.defaults import pruned, with_defaults
from simcluster.kinds.kind import Kind
from simcluster.kinds.registry import Registry
from simcluster.kinds.types import Struct

SEQUENCES: list[dict[str, Any]] = orjson.loads(Path(__file__).with_name("recorded.json").read_bytes())
WIDGETS = orjson.loads(Path(__file__).with_name("widgets.json").read_bytes())
RESET = {
    ("Deployment", ""): FieldSet.fields("status"),
    ("Deployment", "status"): FieldSet.fields("spec", "metadata.labels"),
    ("Service", ""): FieldSet.fields("status"),
    ("Widget", ""): FieldSet.fields("status"),
    ("Widget", "status"): FieldSet.fields("spec", "metadata"),
}


@pytest.fixture(scope="module")
def registry() -> Registry:
    found = Registry()
    found.define(WIDGETS)
    return found


@pytest.mark.parametrize("sequence", [pytest.param(each, id=each["name"]) for each in SEQUENCES])
def test_the_answers_are_those_of_the_real_server(sequence: dict[str, Any], registry: Registry) -> None:
    live = None
    group, _, name = sequence["kind"].rpartition("/")
    for number, step in enumerate(sequence["steps"]):
        live = step.get("live", live)
        version = step.get("version", "v1")
        kind = registry.of(f"{group}/{version}" if group else version, name)
        assert kind is not None
        answer = answered(live, step, kind, registry)
        if "refused" in step:
            assert in_any_order(answer) == in_any_order(step["refused"]), f"step {number}"
            continue
        after = step.get("answer")
        entries = step["entries"] if after is None else after["metadata"].get("managedFields", [])
        assert timeless(answer["metadata"].get("managedFields", [])) == timeless(entries), f"step {number}"
        if after and kind.custom and "version" not in step and "subresource" not in step:
            held = with_defaults(pruned(answer, kind), kind)
            assert held.get("spec") == after.get("spec"), f"step {number}"
        live = after or {**answer, "metadata": {**answer["metadata"], "managedFields": entries}}


def answered(
    live: dict[str, Any] | None, step: dict[str, Any], kind: Kind, registry: Registry
) -> dict[str, Any]:
    writer = Writer(step["manager"], kind.api_version, step.get("at", ""), step.get("subresource", ""))
    ignored = RESET.get((kind.kind, writer.subresource), EMPTY)

    def type_of(api_version: str) -> Struct | None:
        found = registry.of(api_version, kind.kind)
        return found.schema if found else None

    versions = Versions(type_of, lambda value, version: {**value, "apiVersion": version})
    if live is not None:
        live = {**live, "apiVersion": kind.api_version}
    try:
        if "update" in step:
            return update(live, step["update"], kind.schema, writer, ignored=ignored, versions=versions)
        force = step.get("force", False)
        return apply(
            live, step["apply"], kind.schema, writer, force=force, ignored=ignored, versions=versions
        )
    except ApiError as error:
        wanted = ("code", "message", "details")
        return {key: error.status[key] for key in wanted if key in error.status}


def timeless(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Entries in their order, with whether they have a time; the texts of sets too, for the order in them."""
    return [
        {**entry, "time": bool(entry.get("time")), "fieldsV1": orjson.dumps(entry["fieldsV1"])}
        for entry in entries
    ]


def in_any_order(refusal: dict[str, Any]) -> dict[str, Any]:
    """The server tells several problems or owners in an order of its own each time."""
    lines = sorted(refusal["message"].split("\n"))
    causes = sorted(map(orjson.dumps, refusal.get("details", {}).get("causes", [])))
    return {"code": refusal["code"], "lines": lines, "causes": causes}
