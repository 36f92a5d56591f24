"""Watched everywhere at once, or in each namespace where no more is allowed; and kinds that come later."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from controllers.adapters.kube.connection import ConnectionSettings, connect
from controllers.adapters.kube.resources import Resource
from controllers.drift import sightings
from gitops.errors import Location
from gitops.objects import GroupKind, Manifest, ObjectKey
from simcluster.faults import Faults
from simcluster.fleet import Fleet
from tests.unit.controllers.drift.conftest import LIMITED
from tests.unit.controllers.drift.yard import QUICK, Yard, config_map, rule, until

ROLES = Resource("rbac.authorization.k8s.io", "v1", "Role", "roles", namespaced=True)
BINDINGS = Resource("rbac.authorization.k8s.io", "v1", "RoleBinding", "rolebindings", namespaced=True)
DEFINITIONS = Resource(
    "apiextensions.k8s.io", "v1", "CustomResourceDefinition", "customresourcedefinitions", namespaced=False
)


RULES = GroupKind("networking.k8s.io", "NetworkPolicy")


async def allowed_in_the_namespace_only(yard: Yard) -> None:
    """Give the user that has no rights all of them in one namespace."""
    place = {"namespace": "shop", "name": "deployer"}
    rules = [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]
    await yard.person.apply(
        ROLES,
        {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": place, "rules": rules},
    )
    body = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": place,
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "deployer"},
        "subjects": [{"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": "limited"}],
    }
    await yard.person.apply(BINDINGS, body)


@asynccontextmanager
async def limited(yard: Yard, fleet: Fleet, folder: Path) -> AsyncIterator[None]:
    """Watch as the user that has no rights but those given by a test."""
    (folder / "limited").write_text(LIMITED)
    settings = ConnectionSettings("eu-1", server=fleet.url("cluster-1"), token_file=str(folder / "limited"))
    yard.client = await connect(settings, patience=QUICK)
    yard.client.on_request = yard.requests.append
    yard.start()
    try:
        yield
    finally:
        await yard.drift.stop()
        await yard.client.close()


async def test_where_rbac_allows_no_more_each_namespace_is_watched_by_itself(
    yard: Yard, fleet: Fleet, tmp_path: Path
) -> None:
    """A 403 for all namespaces is not the end: what is allowed is watched, and drift is put back."""
    await yard.roll_out(1, config_map("a"), rule("b"))
    await allowed_in_the_namespace_only(yard)
    async with limited(yard, fleet, tmp_path):
        await yard.watched()
        refused = [one for one in yard.requests if one.code == 403]
        assert {one.resource for one in refused} == {"configmaps", "networkpolicies"}
        assert {one.verb for one in refused} == {"list"}
        yard.requests.clear()
        await yard.paint("a", "red")
        await until(lambda: yard.corrections)
        assert await yard.value("a") == "one"
        assert not [one for one in yard.requests if one.code == 403]


async def test_without_any_right_nothing_is_believed(yard: Yard, fleet: Fleet, tmp_path: Path) -> None:
    """What cannot be seen is not taken for deleted."""
    await yard.roll_out(1, config_map("a"))
    async with limited(yard, fleet, tmp_path):
        yard.follow()
        await until(lambda: [one.code for one in yard.requests].count(403) >= 4)
        assert not yard.drift.synced
        assert yard.facts == []


async def test_a_cluster_that_is_out_of_reach_is_not_said_to_be_looked_at(yard: Yard, fleet: Fleet) -> None:
    """What was listed stays known, but nobody may conclude from it; when it answers again, that is told."""
    await yard.settled(config_map("a"))
    told: list[bool] = []
    yard.desk.on_told = lambda: told.append(all(one.complete for one in yard.drift.reports().values()))
    faults = fleet.clusters["cluster-1"].faults
    faults.set(Faults(partition="refuse"))
    await until(lambda: not yard.drift.synced and told and not told[-1])
    assert yard.place.findings == {}
    faults.clear()
    await until(lambda: yard.drift.synced and told[-1])


async def test_a_right_that_is_withdrawn_later_is_missed(yard: Yard, fleet: Fleet, tmp_path: Path) -> None:
    """The inventory is seen still, and the objects are not."""
    await yard.roll_out(1, config_map("a"), rule("b"))
    await allowed_in_the_namespace_only(yard)
    async with limited(yard, fleet, tmp_path):
        await yard.watched()
        role = await yard.person.get(ROLES, "deployer", "shop")
        assert role is not None
        role["rules"] = [{"apiGroups": [""], "resources": ["*"], "verbs": ["*"]}]
        await yard.person.apply(ROLES, {**role, "metadata": {"namespace": "shop", "name": "deployer"}})
        fleet.clusters["cluster-1"].faults.set(Faults(partition="refuse"))
        fleet.clusters["cluster-1"].faults.clear()
        await until(lambda: not yard.drift._sightings.follows(RULES, "shop"))
        assert yard.drift._sightings.follows(GroupKind("", "ConfigMap"), "shop")
        assert not yard.drift.synced


async def test_a_kind_that_is_served_later_is_watched_then(
    yard: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its definition may come after the inventory that names it."""
    monkeypatch.setattr(sightings, "_AGAIN_SECONDS", 0.02)
    told: list[GroupKind] = []
    watch = sightings.Sightings("production", yard.client, lambda _key: None, told.append, yard.habits)
    kind = GroupKind("example.org", "Widget")
    try:
        await watch.cover({kind: {"shop": yard.client}})
        assert not watch.sees(kind, "shop")
        await yard.person.apply(DEFINITIONS, json.loads(WIDGETS))
        await until(lambda: watch.sees(kind, "shop"))
        assert told == [kind]
        assert watch.find(ObjectKey("example.org", "Widget", "shop", "w")) is None
    finally:
        await watch.stop()


async def test_kinds_that_nobody_names_any_more_are_watched_no_more(yard: Yard) -> None:
    await yard.settled(config_map("a"), rule("b"))
    assert yard.sight("b", "NetworkPolicy", "networking.k8s.io")
    await yard.roll_out(2, config_map("a"))
    await until(lambda: len(yard.place.entries) == 1 and yard.drift.synced)
    assert yard.sight("b", "NetworkPolicy", "networking.k8s.io") is None
    assert not yard.drift.sees(ObjectKey("networking.k8s.io", "NetworkPolicy", "shop", "b"))


async def test_cluster_scoped_objects_are_watched_too(yard: Yard) -> None:
    body = {
        "apiVersion": "scheduling.k8s.io/v1",
        "kind": "PriorityClass",
        "metadata": {"name": "urgent"},
        "value": 7,
        "description": "ours",
    }
    await yard.settled(config_map("a"), Manifest(body, Location("priority.yaml", 1, 1)))
    classes = Resource("scheduling.k8s.io", "v1", "PriorityClass", "priorityclasses", namespaced=False)
    theirs = {
        "apiVersion": "scheduling.k8s.io/v1",
        "kind": "PriorityClass",
        "metadata": {"name": "urgent"},
        "description": "theirs",
    }
    await yard.person.apply(classes, theirs, field_manager="eve")
    await until(lambda: yard.corrections)
    live = await yard.person.get(classes, "urgent")
    assert live is not None
    assert live["description"] == "ours"


WIDGETS = """{
  "apiVersion": "apiextensions.k8s.io/v1",
  "kind": "CustomResourceDefinition",
  "metadata": {"name": "widgets.example.org"},
  "spec": {
    "group": "example.org",
    "names": {"kind": "Widget", "plural": "widgets", "singular": "widget", "listKind": "WidgetList"},
    "scope": "Namespaced",
    "versions": [{
      "name": "v1", "served": true, "storage": true,
      "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}
    }]
  }
}"""
