"""`dependsOn` between the applications of one environment: names that exist, and no circle."""

from __future__ import annotations

from collections.abc import Mapping

from gitops.errors import Problem
from gitops.model.kinds import ApplicationSpec
from gitops.model.reading import Locate, nearest


def check_dependencies(
    applications: Mapping[str, tuple[ApplicationSpec, Locate]],
) -> Mapping[str, tuple[Problem, ...]]:
    """Give the problems of each application whose `dependsOn` is wrong, by application."""
    edges = {name: spec.depends_on for name, (spec, _) in applications.items()}
    found: dict[str, tuple[Problem, ...]] = {}
    for name, (spec, at) in sorted(applications.items()):
        problems = []
        for index, other in enumerate(spec.depends_on):
            place = at("spec", "dependsOn", index)
            if other not in edges:
                hint = nearest(other, edges.keys() - {name})
                problems.append(Problem(place, f'no application "{other}" in this environment{hint}'))
            elif circle := _path(edges, other, name):
                problems.append(Problem(place, f"applications wait for each other: {name} → {circle}"))
        if problems:
            found[name] = tuple(problems)
    return found


def _path(edges: Mapping[str, tuple[str, ...]], start: str, goal: str) -> str | None:
    """Write the shortest way from `start` to `goal` as `a → b → c`; None when there is none."""
    ways: list[tuple[str, ...]] = [(start,)]
    seen = {start}
    for way in ways:
        if way[-1] == goal:
            return " → ".join(way)
        for following in sorted(set(edges.get(way[-1], ())) - seen):
            seen.add(following)
            ways.append((*way, following))
    return None
