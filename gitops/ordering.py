"""In which order a target's objects are applied: stages by kind, and `depends-on` inside a stage.

Says what waits for what; who waits, and what healthy means, is decided elsewhere.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

from gitops.errors import InvalidInput, Problem
from gitops.objects import GroupKind, Manifest, ObjectKey

DEPENDS_ON = "gitops-waves.io/depends-on"


class Stage(IntEnum):
    """One after the other; deletion runs the other way round."""

    NAMESPACES = 0
    DEFINITIONS = 1
    CLUSTER = 2
    CONFIG = 3
    WORKLOADS = 4
    REST = 5


_NAMESPACE = GroupKind("", "Namespace")
_DEFINITION = GroupKind("apiextensions.k8s.io", "CustomResourceDefinition")

# What a Pod reads, mounts, runs as or is limited by when it starts. Services come before workloads because
# a Pod gets their addresses as environment variables only when it starts after them; NetworkPolicies and
# PodDisruptionBudgets, so that no Pod runs without them.
_CONFIG = frozenset(
    GroupKind(group, kind)
    for group, kinds in {
        "": "ConfigMap Endpoints LimitRange PersistentVolumeClaim PodTemplate ResourceQuota Secret Service "
        "ServiceAccount",
        "discovery.k8s.io": "EndpointSlice",
        "networking.k8s.io": "NetworkPolicy",
        "policy": "PodDisruptionBudget",
        "rbac.authorization.k8s.io": "Role RoleBinding",
        "resource.k8s.io": "ResourceClaim ResourceClaimTemplate",
    }.items()
    for kind in kinds.split()
)
_WORKLOADS = frozenset(
    GroupKind(group, kind)
    for group, kinds in {
        "": "Pod ReplicationController",
        "apps": "DaemonSet Deployment ReplicaSet StatefulSet",
        "batch": "CronJob Job",
    }.items()
    for kind in kinds.split()
)
# Cluster-scoped, yet last: they send the API server's own requests to a workload of the same commit.
_LAST = frozenset(
    {
        GroupKind("admissionregistration.k8s.io", "MutatingWebhookConfiguration"),
        GroupKind("admissionregistration.k8s.io", "ValidatingWebhookConfiguration"),
        GroupKind("apiregistration.k8s.io", "APIService"),
    }
)


@dataclass(frozen=True, slots=True)
class Layer:
    """Objects that may be applied side by side, once those in `waits_for` (of earlier layers) are Current."""

    stage: Stage
    manifests: tuple[Manifest, ...]
    waits_for: frozenset[ObjectKey] = frozenset()


def stage_of(key: ObjectKey) -> Stage:
    """The stage of a kind. Scope is read from the key: no namespace means cluster-scoped."""
    kind = key.group_kind
    for stage, kinds in (
        (Stage.NAMESPACES, {_NAMESPACE}),
        (Stage.DEFINITIONS, {_DEFINITION}),
        (Stage.REST, _LAST),
        (Stage.CONFIG, _CONFIG),
        (Stage.WORKLOADS, _WORKLOADS),
    ):
        if kind in kinds:
            return stage
    return Stage.REST if key.namespace else Stage.CLUSTER


def stages(manifests: Iterable[Manifest]) -> tuple[Layer, ...]:
    """One layer per stage that has objects, `depends-on` ignored; everything after CRDs waits for these."""
    return _build({manifest.key: manifest for manifest in manifests}, {})


def layers(manifests: Iterable[Manifest]) -> tuple[Layer, ...]:
    """Order settled manifests (scope known, no duplicates) into layers, sorted by key inside each.

    The annotation `gitops-waves.io/depends-on` names objects of the same render, comma separated, each
    `[group/]Kind/[namespace/]name`; a missing group matches any, a missing namespace means the object's
    own (or none, for a cluster-scoped object). It may reach into an earlier stage, never into a later one.

    Raises InvalidInput with every unknown, ambiguous or later reference and every cycle.
    """
    by_key = {manifest.key: manifest for manifest in manifests}
    problems: list[Problem] = []
    needs = {
        key: _resolve(manifest, by_key, problems)
        for key, manifest in by_key.items()
        if DEPENDS_ON in manifest.annotations
    }
    problems.extend(_cycles(by_key, needs))
    if problems:
        raise InvalidInput(*problems)
    return _build(by_key, needs)


def _resolve(
    manifest: Manifest, by_key: Mapping[ObjectKey, Manifest], problems: list[Problem]
) -> frozenset[ObjectKey]:
    needs: set[ObjectKey] = set()
    for written in manifest.annotations.get(DEPENDS_ON, "").split(","):
        reference = written.strip()
        if not reference:
            continue
        found = _find(reference, manifest.key, by_key)
        if isinstance(found, str):
            problems.append(Problem(manifest.source, f"{manifest.key}: {DEPENDS_ON}: {found}"))
        else:
            needs.add(found)
    return frozenset(needs)


def _find(reference: str, own: ObjectKey, by_key: Mapping[ObjectKey, Manifest]) -> ObjectKey | str:
    """Resolve one reference; a str says why that failed."""
    parts = reference.split("/")
    # Kinds start with a capital and API groups cannot, so `a/b/c` has one reading only.
    group = parts.pop(0) if parts and not parts[0][:1].isupper() else None
    if len(parts) not in (2, 3) or not all(parts) or group == "" or not parts[0][0].isupper():
        return f"{reference!r} is not of the form [group/]Kind/[namespace/]name"
    kind, name = parts[0], parts[-1]
    places = (parts[1],) if len(parts) == 3 else (own.namespace, "")  # noqa: PLR2004 - Kind/namespace/name
    for namespace in places:
        found = [
            key
            for key in by_key
            if (key.kind, key.namespace, key.name) == (kind, namespace, name) and group in (None, key.group)
        ]
        if len(found) > 1:
            groups = ", ".join(sorted(key.group or "core" for key in found))
            return f"{reference!r} could be of several groups ({groups}): write the group before the kind"
        if found:
            return _not_later(reference, own, found[0])
    return f"{reference!r} is not among the objects that this application renders for the target"


def _not_later(reference: str, own: ObjectKey, needed: ObjectKey) -> ObjectKey | str:
    if stage_of(needed) > stage_of(own):
        return (
            f"{reference!r} is applied in a later stage ({stage_of(needed).name.lower()}) than {own.kind} "
            f"({stage_of(own).name.lower()}): remove the dependency"
        )
    return needed


def _cycles(
    by_key: Mapping[ObjectKey, Manifest], needs: Mapping[ObjectKey, frozenset[ObjectKey]]
) -> list[Problem]:
    """One problem per cycle, at its smallest key."""
    problems = []
    done: set[ObjectKey] = set()
    for start in sorted(needs):
        trail: dict[ObjectKey, Sequence[ObjectKey]] = {}
        todo: list[tuple[ObjectKey, tuple[ObjectKey, ...]]] = [(start, ())]
        while todo and start not in done:
            key, before = todo.pop()
            if key == start and before:
                chain = " → ".join(map(str, (*before, start)))
                problems.append(Problem(by_key[start].source, f"{DEPENDS_ON} goes in a circle: {chain}"))
                done.update(before)
            elif key not in trail and key not in done:
                trail[key] = before
                todo.extend((below, (*before, key)) for below in sorted(needs.get(key, ()), reverse=True))
        done.add(start)
    return problems


def _build(
    by_key: Mapping[ObjectKey, Manifest], needs: Mapping[ObjectKey, frozenset[ObjectKey]]
) -> tuple[Layer, ...]:
    depths = _depths(needs)
    groups: dict[tuple[Stage, int], list[ObjectKey]] = defaultdict(list)
    for key in sorted(by_key):
        groups[stage_of(key), depths.get(key, 0)].append(key)
    definitions = frozenset(
        key for (stage, _), keys in groups.items() if stage is Stage.DEFINITIONS for key in keys
    )
    built: list[Layer] = []
    for (stage, _), keys in sorted(groups.items()):
        waits = frozenset().union(*(needs.get(key, frozenset()) for key in keys))
        if stage > Stage.DEFINITIONS:
            waits |= definitions
        built.append(Layer(stage, tuple(by_key[key] for key in keys), waits))
    return tuple(built)


def _depths(needs: Mapping[ObjectKey, frozenset[ObjectKey]]) -> dict[ObjectKey, int]:
    """How many layers of its own stage an object comes after, where it needs any; `needs` has no cycles."""
    depths: dict[ObjectKey, int] = {}
    for root in needs:
        todo = [root]
        while todo:
            key = todo[-1]
            same_stage = [below for below in needs.get(key, ()) if stage_of(below) is stage_of(key)]
            missing = [below for below in same_stage if below not in depths]
            if missing:
                todo.extend(missing)
                continue
            depths[key] = 1 + max((depths[below] for below in same_stage), default=-1)
            todo.pop()
    return depths
