"""Make the plan for one target: settle, decide per object, order, check the budget."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from gitops.errors import InvalidInput, Location, Problem, Refused
from gitops.inventory import Asked, Inventory, empty, prune_allowed
from gitops.objects import Manifest, ObjectKey
from gitops.ordering import Layer, layers, stage_of, stages
from gitops.ownership import ENVIRONMENT
from gitops.plan.decide import leaving_object, wanted_object
from gitops.plan.model import WRITES, Action, ObjectPlan, Plan, PlannedLayer, PlanPolicy, Wanted
from gitops.plan.settle import Settled, settle
from gitops.plan.view import TargetView


def make(wanted: Wanted, view: TargetView, policy: PlanPolicy, settled: Settled | None = None) -> Plan:
    """Decide everything that a rollout (or the restoring of the last good revision) does on one target.

    `settled` spares settling again, where that was done to learn which objects to look at.
    Never raises for what people wrote: every problem is in `refusals`, so that those found here and those
    that dry-runs of the remaining objects find are told together. A plan with refusals writes nothing.
    """
    if settled is None:
        settled = settle(wanted.manifests, wanted.scope, view.namespaced)
    problems = list(settled.problems)
    objects: dict[ObjectKey, ObjectPlan] = {}
    for manifest in settled.manifests:
        decided = wanted_object(manifest, wanted, view)
        if isinstance(decided, Problem):
            problems.append(decided)
        else:
            objects[decided.key] = decided
    namespace, missing = _namespaces(settled, wanted, view, policy)
    problems.extend(missing)
    ordered = _ordered(settled.manifests, problems)
    leaving = _leaving(settled, wanted, view, policy)
    problems.extend(_over_budget(leaving, wanted, view, policy))
    before = view.inventory or empty(*wanted.scope)
    return Plan(
        wanted=wanted,
        before=view.inventory,
        tracked=_tracked(before, objects, wanted.revision),
        namespace=namespace,
        layers=_planned(ordered, objects),
        leaving=leaving,
        refusals=tuple(sorted(set(problems))),
        dry_run=tuple(
            planned
            for key, planned in objects.items()
            if planned.action in WRITES and key not in settled.unserved and view.exists(key.namespace)
        ),
    )


def _tracked(before: Inventory, objects: Mapping[ObjectKey, ObjectPlan], revision: str) -> Inventory:
    """Return the inventory to store before the first write.

    What is about to be written counts as unconfirmed: after a crash, or when a restore cuts in, the live
    object may hold the new values while `fieldsV1` and so its hash, which knows no values, are the same.
    """
    doubtful = (
        replace(before.entries[key], digest="")
        for key, planned in objects.items()
        if planned.action in WRITES and key in before.entries
    )
    return before.applied(doubtful).tracking([planned.tracked() for planned in objects.values()], revision)


def _ordered(manifests: tuple[Manifest, ...], problems: list[Problem]) -> tuple[Layer, ...]:
    try:
        return layers(manifests)
    except InvalidInput as error:
        problems.extend(error.problems)
        return stages(manifests)


def _planned(ordered: tuple[Layer, ...], objects: Mapping[ObjectKey, ObjectPlan]) -> tuple[PlannedLayer, ...]:
    """Put decisions in the place of manifests; a layer of refused objects only is left out."""
    planned = (
        PlannedLayer(
            layer.stage,
            tuple(objects[manifest.key] for manifest in layer.manifests if manifest.key in objects),
            layer.waits_for,
        )
        for layer in ordered
    )
    return tuple(layer for layer in planned if layer.objects)


def _namespaces(
    settled: Settled, wanted: Wanted, view: TargetView, policy: PlanPolicy
) -> tuple[Manifest | None, list[Problem]]:
    """Find the Namespace to apply before all else, and objects whose namespace nobody makes.

    A Namespace made because of `createNamespace` belongs to the environment, not to one application: it
    carries the environment's label only, is never tracked, and never deleted.
    """
    rendered = {
        manifest.key.name: manifest for manifest in settled.manifests if manifest.key[:2] == ("", "Namespace")
    }
    own = wanted.scope.target.namespace
    first: Manifest | None = None
    if settled.manifests and not view.exists(own):
        first = rendered.get(own)
        if first is None and policy.create_namespace:
            first = _bare_namespace(wanted)
    problems = []
    if settled.manifests and not view.exists(own) and first is None:
        problems.append(Problem(Location(wanted.path), _no_namespace(wanted)))
    for manifest in settled.manifests:
        namespace = manifest.key.namespace
        if namespace not in (own, *rendered) and not view.exists(namespace):
            problems.append(
                Problem(
                    manifest.source,
                    f"namespace {namespace} of {manifest.key} does not exist on cluster "
                    f"{wanted.scope.target.cluster}: render it too, or create it first",
                )
            )
    return first, problems


def _bare_namespace(wanted: Wanted) -> Manifest:
    metadata = {"name": wanted.scope.target.namespace, "labels": {ENVIRONMENT: wanted.scope.environment}}
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}
    return Manifest(body, Location(wanted.path))


def _no_namespace(wanted: Wanted) -> str:
    target = wanted.scope.target
    return (
        f"namespace {target.namespace} does not exist on cluster {target.cluster}: create it, render it, "
        "or set createNamespace: true in the environment's targets"
    )


def _leaving(
    settled: Settled, wanted: Wanted, view: TargetView, policy: PlanPolicy
) -> tuple[ObjectPlan, ...]:
    """Decide about what is tracked and not rendered, in the order of deletion.

    Manifests that could not be settled may be any of the tracked objects: their names are left alone.
    """
    if view.inventory is None:
        return ()
    kept = {manifest.key for manifest in settled.manifests}
    if kept >= view.inventory.entries.keys():
        return ()
    known = {(key.group_kind, key.name) for key in kept}
    unknown = {(manifest.key.group_kind, manifest.key.name) for manifest in wanted.manifests} - known
    leaving = [
        leaving_object(entry, wanted, view, policy)
        for key, entry in view.inventory.entries.items()
        if key not in kept and (key.group_kind, key.name) not in unknown
    ]
    return tuple(sorted(leaving, key=lambda planned: (-stage_of(planned.key), planned.key)))


def _over_budget(
    leaving: tuple[ObjectPlan, ...], wanted: Wanted, view: TargetView, policy: PlanPolicy
) -> list[Problem]:
    """Ask the budget. It does not bind a revert, which deletes only what the reverted revision added."""
    rendered = len(wanted.manifests)
    if policy.prune_permitted or (policy.restoring and rendered) or view.inventory is None:
        return []
    deleting = [
        planned
        for planned in leaving
        if planned.action is Action.DELETE and not view.live[planned.key].terminating
    ]
    try:
        asked = Asked(len(view.inventory.entries), rendered, len(deleting), policy.pruned_elsewhere)
        prune_allowed(policy.prune, wanted.scope.name, asked)
    except Refused as error:
        return [Problem(Location(wanted.path), str(error))]
    return []
