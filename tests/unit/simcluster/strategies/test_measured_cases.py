"""The strategies answer every case as a real API server did (see `measure.py` for how that was asked)."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import pytest

from simcluster import strategies
from simcluster.errors import ApiError, invalid
from simcluster.kinds.kind import Kind
from simcluster.kinds.registry import Registry
from simcluster.patches import merge_patch
from tests.unit.simcluster.strategies import measure

JsonObject = dict[str, Any]
NOW = "2026-01-01T00:00:00Z"
KINDS = Registry()


class World:
    """A cluster with whatever a case asks for, and a default service account."""

    now = NOW

    def __init__(self, objects: Iterable[JsonObject] = ()) -> None:
        self.random = random.Random(1)
        self.addresses = strategies.Addresses()
        self._objects = [
            {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}},
            *objects,
        ]

    def store_services(self) -> None:
        """Let the addresses know of the Services that are there."""
        for each in self.items("services", ""):
            self.addresses.taken(strategies.prepare_create(each, kind_of(each), self))

    def find(self, group_resource: str, namespace: str, name: str) -> JsonObject | None:
        """Return an object by name."""
        found = [each for each in self.items(group_resource, namespace) if each["metadata"]["name"] == name]
        return found[0] if found else None

    def items(self, group_resource: str, namespace: str) -> Iterable[JsonObject]:
        """Return all objects of a kind."""
        del namespace
        return [each for each in self._objects if kind_of(each).group_resource == group_resource]


def kind_of(obj: JsonObject) -> Kind:
    found = KINDS.of(obj["apiVersion"], obj["kind"])
    assert found is not None
    return found


@lru_cache(maxsize=1)
def cases() -> dict[tuple[str, str], tuple[JsonObject, JsonObject]]:
    found = {}
    for family in measure.families():
        answers = json.loads((measure.CASES / f"{family}.json").read_text())
        for case in measure.load(family):
            found[family, case["name"]] = (case, answers[case["name"]])
    return found


def settled(obj: JsonObject, kind: Kind) -> JsonObject:
    """Give a new object what the caller of the strategies gives it."""
    metadata = {**obj.get("metadata", {}), "uid": "a-uid"}
    if kind.namespaced:
        metadata["namespace"] = measure.NAMESPACE
    return {**obj, "metadata": metadata}


def created(case: JsonObject, world: World) -> tuple[JsonObject, JsonObject]:
    """Return the stored object, and the answer as `measure.summary` has it."""
    kind = kind_of(case["object"])
    given = settled(case["object"], kind)
    deprecated = [strategies.deprecation(kind)] if strategies.deprecation(kind) else []
    try:
        dry = not (case.get("changes") or case.get("stored"))
        obj = strategies.prepare_create(given, kind, world, dry_run=dry)
        causes = strategies.validate_create(obj, kind)
        if causes:
            group = "" if kind.kind == "Event" else kind.group  # both versions are one internal kind
            raise invalid(kind.kind, group, obj["metadata"].get("name", ""), causes)
    except ApiError as error:
        return {}, measure.summary(error.code, error.status, deprecated, case["object"])
    notes = [*deprecated, *strategies.warnings(obj, kind)]
    return obj, measure.summary(201, obj, notes, case["object"])


def changed(old: JsonObject, change: JsonObject, world: World) -> JsonObject:
    kind = kind_of(old)
    patch = {key: value for key, value in change.items() if key != "subresource"}
    new = merge_patch.apply(old, patch)
    try:
        if "subresource" in change:
            obj = strategies.prepare_status(new, old, kind)
            causes = strategies.validate_status(obj, old, kind)
        else:
            obj = strategies.prepare_update(new, old, kind, world, dry_run=True)
            causes = strategies.validate_update(obj, old, kind)
        if causes:
            raise invalid(kind.kind, kind.group, obj["metadata"].get("name", ""), causes)
    except ApiError as error:
        return measure.summary(error.code, error.status, [], patch)
    notes = [] if "subresource" in change else strategies.warnings(obj, kind, old)
    return measure.summary(200, obj, notes, patch)


def plain(answer: JsonObject) -> JsonObject:
    """Return an answer without its changes, times of the moment made alike."""
    text = json.dumps({key: value for key, value in answer.items() if key != "changes"})
    read: JsonObject = json.loads(text)
    status = read.get("object", {}).get("status", {})
    if "lastPhaseTransitionTime" in status:
        status["lastPhaseTransitionTime"] = NOW
    return read


@pytest.mark.parametrize(("family", "name"), cases())
def test_a_case_is_answered_as_the_real_server_did(family: str, name: str) -> None:
    """Codes, messages, causes, warnings and whole objects are the same."""
    case, expected = cases()[family, name]
    world = World(settled(each, kind_of(each)) for each in case.get("before", ()))
    world.store_services()
    obj, answer = created(case, world)
    assert plain(answer) == plain(expected)
    if case.get("changes"):
        obj["metadata"] |= {"resourceVersion": "1", "creationTimestamp": NOW}
        if obj["kind"] == "Service":
            world.addresses.taken(obj)
        for change, after in zip(case["changes"], expected["changes"], strict=True):
            assert (change, plain(changed(obj, change, world))) == (change, plain(after))
