"""Targets: a cluster and a namespace, chosen by an environment's cluster selectors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from gitops.errors import InvalidInput, Location, Problem
from gitops.model.kinds import Cluster, EnvironmentSpec
from gitops.model.reading import Locate, nearest, nowhere
from gitops.model.selectors import LabelSelector, Operator


class Target(NamedTuple):
    """Where an application is rendered to; ordered by cluster, then namespace."""

    cluster: str
    namespace: str

    def __str__(self) -> str:
        return f"{self.cluster}/{self.namespace}"


def targets_of(
    spec: EnvironmentSpec, clusters: Mapping[str, Cluster], at: Locate = nowhere
) -> tuple[Target, ...]:
    """All targets of an environment, sorted, each once.

    Raises InvalidInput, at `at("spec", "targets", n, …)`, for each selector that matches no cluster, and for
    each that chooses one namespace of one connection under the names of two clusters: what a target holds
    is recorded in that namespace, so each of them would prune what the other applied.
    """
    targets: set[Target] = set()
    names: dict[tuple[str, str], str] = {}
    problems: list[Problem] = []
    for index, chosen in enumerate(spec.targets):
        matching = matching_clusters(chosen.cluster_selector, clusters)
        if not matching:
            hint = explain_no_match(chosen.cluster_selector, clusters)
            place = at("spec", "targets", index, "clusterSelector")
            problems.append(Problem(place, f"no cluster matches this selector: {hint}"))
        for cluster in matching:
            one_place = clusters[cluster].connection, chosen.namespace
            first = names.setdefault(one_place, cluster)
            if first != cluster:
                problems.append(_one_place_twice(first, cluster, *one_place, at("spec", "targets", index)))
        targets.update(Target(cluster, chosen.namespace) for cluster in matching)
    if problems:
        raise InvalidInput(*problems)
    return tuple(sorted(targets))


def _one_place_twice(first: str, second: str, connection: str, namespace: str, location: Location) -> Problem:
    return Problem(
        location,
        f'clusters "{first}" and "{second}" have the same connection "{connection}", so '
        f"{Target(first, namespace)} and {Target(second, namespace)} are one place: choose one of them only, "
        "or correct spec.connection in clusters/",
    )


def creates_namespace(spec: EnvironmentSpec, target: Target, cluster: Cluster) -> bool:
    """Whether the environment asks for the target's namespace to be created."""
    return any(
        chosen.create_namespace
        and chosen.namespace == target.namespace
        and chosen.cluster_selector.matches(cluster.metadata.labels)
        for chosen in spec.targets
    )


def matching_clusters(selector: LabelSelector, clusters: Mapping[str, Cluster]) -> tuple[str, ...]:
    """Names of the clusters whose labels match, sorted."""
    return tuple(name for name in sorted(clusters) if selector.matches(clusters[name].metadata.labels))


def explain_no_match(selector: LabelSelector, clusters: Mapping[str, Cluster]) -> str:
    """Say what the clusters have instead: the nearest label key or value for the first requirement unmet."""
    if not clusters:
        return "the repository has no clusters (clusters/*.yaml)"
    labels = [cluster.metadata.labels for cluster in clusters.values()]
    keys = {key for each in labels for key in each}
    wanted: list[tuple[str, tuple[str, ...]]]
    wanted = [(key, (value,)) for key, value in selector.match_labels.items()]
    wanted += [(one.key, one.values) for one in selector.match_expressions if one.operator is Operator.IN]
    for key, values in wanted:
        if key not in keys:
            return f'no cluster has the label "{key}"{nearest(key, keys)}'
        present = {each[key] for each in labels if key in each}
        if present.isdisjoint(values):
            return f'no cluster has {key} "{values[0]}"{nearest(values[0], present)}'
    return "no cluster has all of these labels at once"
