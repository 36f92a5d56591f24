"""Manifests and autoscalers that both want to say how many replicas there are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from gitops.errors import Problem
from gitops.objects import GroupKind, Manifest, ObjectKey, split_api_version

_AUTOSCALER = GroupKind("autoscaling", "HorizontalPodAutoscaler")


def contested_replicas(objects: Iterable[Mapping[ObjectKey, Manifest]]) -> tuple[Problem, ...]:
    """Find manifests that set `spec.replicas` of what an autoscaler scales; `objects` are one cluster's each.

    Both would own the field: every rollout would take back what the autoscaler decided, and what the
    autoscaler does would look like drift.
    """
    problems: set[Problem] = set()
    for cluster in objects:
        for key, manifest in cluster.items():
            if key.group_kind != _AUTOSCALER:
                continue
            scaled = cluster.get(_target(key, manifest))
            if scaled is not None and "replicas" in (scaled.body.get("spec") or {}):
                text = (
                    f"{scaled.kind} {scaled.metadata['name']} sets spec.replicas, which "
                    f"HorizontalPodAutoscaler {key.name} ({manifest.source}) decides: remove replicas here"
                )
                problems.add(Problem(scaled.source, text))
    return tuple(sorted(problems))


def _target(key: ObjectKey, manifest: Manifest) -> ObjectKey:
    reference: Mapping[str, Any] = (manifest.body.get("spec") or {}).get("scaleTargetRef") or {}
    group, _ = split_api_version(str(reference.get("apiVersion", "")))
    return ObjectKey(group, str(reference.get("kind", "")), key.namespace, str(reference.get("name", "")))
