"""What holds for every sequence of plans, carried out in full or broken off anywhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from gitops.errors import Location
from gitops.inventory import Entry, Inventory, from_config_maps, to_config_maps
from gitops.model.targets import Target
from gitops.objects import JsonObject, Manifest, ObjectKey, canonical_json
from gitops.ownership import PART_OF
from gitops.plan import Action, LiveObject, Plan, PlanPolicy, Scope, TargetView, Wanted, make, settle

TARGET = Target("eu-1", "shop")
SCOPES = {name: Scope("production", name, TARGET) for name in ("one", "two")}
NAMES = [f"c{number}" for number in range(5)]
FREE = PlanPolicy(prune_permitted=True)
# What an application renders: names with a value each. Names are shared, so objects move and collide.
RENDERS = st.dictionaries(st.sampled_from(NAMES), st.integers(0, 2), max_size=5)


def manifests(render: Mapping[str, int]) -> tuple[Manifest, ...]:
    return tuple(
        Manifest(
            {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": {"name": name},
                "data": {"value": str(value)},
            },
            Location(f"{name}.yaml", 1),
        )
        for name, value in render.items()
    )


def keys_of(render: Iterable[str]) -> frozenset[ObjectKey]:
    return frozenset(ObjectKey("", "ConfigMap", "shop", name) for name in render)


def namespaced(_api_version: str, kind: str) -> bool:
    return kind != "Namespace"


@dataclass
class Cluster:
    """Metadata of what is there, and each application's stored inventory."""

    live: dict[ObjectKey, JsonObject] = field(default_factory=dict)
    stored: dict[str, tuple[JsonObject, ...]] = field(default_factory=dict)
    made: int = 0

    def apply(self, manifest: Manifest) -> JsonObject:
        """Answer with the object's metadata, as Server-Side Apply does."""
        old = self.live.get(manifest.key)
        self.made += old is None
        metadata = {
            "name": manifest.key.name,
            "uid": old["uid"] if old else f"uid-{self.made}",
            "generation": 1,
            "labels": dict(manifest.labels),
            "managedFields": [
                {
                    "manager": "gitops-waves",
                    "operation": "Apply",
                    "fieldsV1": {"f:data": {f"v:{canonical_json(manifest.body['data']).decode()}": {}}},
                }
            ],
        }
        self.live[manifest.key] = metadata
        return metadata

    def inventory(self, application: str) -> Inventory | None:
        """Read what is stored."""
        return from_config_maps(self.stored.get(application, ()), TARGET.cluster)

    def view(self, application: str, renders: Mapping[str, Mapping[str, int]]) -> TargetView:
        """Look at everything."""
        siblings = {
            scope.applyset: keys_of(renders.get(name, {}))
            for name, scope in SCOPES.items()
            if name != application
        }
        live = {key: LiveObject.from_metadata(metadata) for key, metadata in self.live.items()}
        return TargetView(namespaced, frozenset({"shop"}), self.inventory(application), live, siblings)


def planned(cluster: Cluster, application: str, renders: Mapping[str, Mapping[str, int]]) -> Plan:
    render = renders.get(application, {})
    wanted = Wanted(SCOPES[application], "rev", str(sorted(render.items())), "path", manifests(render))
    return make(wanted, cluster.view(application, renders), FREE)


def carry_out(cluster: Cluster, application: str, plan: Plan, steps: int) -> None:
    """Do the plan's writes in order, and stop for good after `steps` of them."""
    if plan.refusals or plan.empty:
        return
    actions: list[Any] = [plan.tracked, *plan.writes, *plan.prune, None] if plan.acts else [None]
    confirmed: list[Entry] = []
    deleted: list[ObjectKey] = []
    for action in actions[:steps]:
        if isinstance(action, Inventory):
            cluster.stored[application] = to_config_maps(action)
        elif action is None:
            cluster.stored[application] = to_config_maps(plan.settled(confirmed, deleted))
        elif action.action is Action.DELETE:
            assert cluster.live[action.key]["uid"] == action.uid
            del cluster.live[action.key]
            deleted.append(action.key)
        else:
            confirmed.append(action.confirmed(cluster.apply(action.manifest)))


def members(cluster: Cluster, application: str) -> set[ObjectKey]:
    """What carries the application's label."""
    applyset = SCOPES[application].applyset
    return {key for key, metadata in cluster.live.items() if metadata["labels"].get(PART_OF) == applyset}


STEPS = st.lists(st.tuples(st.sampled_from(sorted(SCOPES)), RENDERS, st.integers(0, 14)), max_size=10)


@settings(max_examples=150)
@given(STEPS, st.sets(st.sampled_from(NAMES)))
def test_crashes_and_moves_lose_and_harm_nothing(
    steps: list[tuple[str, dict[str, int], int]], foreign: set[str]
) -> None:
    """Overlapping renders, plans broken off anywhere: what is ours is tracked, what is others' stays."""
    cluster = Cluster()
    for key in keys_of(foreign):
        cluster.live[key] = {"uid": f"foreign-{key.name}", "labels": {PART_OF: "applyset-else-v1"}}
    renders: dict[str, dict[str, int]] = {}
    for application, render, stop in steps:
        renders[application] = render
        plan = planned(cluster, application, renders)
        assert not {item.key for item in plan.prune} & keys_of(render)
        carry_out(cluster, application, plan, stop)
        for name in SCOPES:
            inventory = cluster.inventory(name)
            assert members(cluster, name) <= set(inventory.entries if inventory else ())
        for key in keys_of(foreign):
            assert cluster.live[key]["uid"] == f"foreign-{key.name}"


@given(STEPS, RENDERS)
def test_the_plan_of_its_own_result_is_empty(
    steps: list[tuple[str, dict[str, int], int]], final: dict[str, int]
) -> None:
    """From wherever crashes left a target: one undisturbed pass reaches the render, the next does nothing."""
    cluster = Cluster()
    renders: dict[str, dict[str, int]] = {}
    for _, render, stop in steps:
        renders["one"] = render
        carry_out(cluster, "one", planned(cluster, "one", renders), stop)
    renders["one"] = final
    plan = planned(cluster, "one", renders)
    assert not plan.refusals
    carry_out(cluster, "one", plan, 100)
    assert members(cluster, "one") == set(cluster.live) == keys_of(final)
    again = planned(cluster, "one", renders)
    assert again.empty
    assert not again.dry_run
    assert again.unchanged == len(final)


@given(RENDERS, RENDERS)
def test_a_restore_takes_back_what_was_added(good: dict[str, int], bad: dict[str, int]) -> None:
    """Going back removes what the bad revision added, and no budget stands in the way."""
    cluster = Cluster()
    good = good or {"c0": 0}
    carry_out(cluster, "one", planned(cluster, "one", {"one": good}), 100)
    carry_out(cluster, "one", planned(cluster, "one", {"one": bad}), 100)
    wanted = Wanted(SCOPES["one"], "good", "good", "path", manifests(good))
    plan = make(wanted, cluster.view("one", {"one": good}), PlanPolicy(restoring=True))
    assert not plan.refusals
    carry_out(cluster, "one", plan, 100)
    assert set(cluster.live) == keys_of(good)


@given(RENDERS)
def test_settling_is_stable(render: dict[str, int]) -> None:
    """Settling what is settled changes nothing, and the order of files does not matter."""
    once = settle(manifests(render), SCOPES["one"], namespaced)
    assert settle(once.manifests, SCOPES["one"], namespaced) == once
    assert settle(tuple(reversed(manifests(render))), SCOPES["one"], namespaced) == once
