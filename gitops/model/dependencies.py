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
    backwards = _backwards({name: others for name, others in edges.items() if others})
    found: dict[str, tuple[Problem, ...]] = {}
    for name in sorted(name for name, others in edges.items() if others):
        spec, at = applications[name]
        problems = []
        ways = _ways_to(name, backwards)
        for index, other in enumerate(spec.depends_on):
            if other not in edges:
                hint = nearest(other, edges.keys() - {name})
                message = f'no application "{other}" in this environment{hint}'
            elif other in ways:
                message = f"applications wait for each other: {name} → {_way(other, name, ways)}"
            else:
                continue
            problems.append(Problem(at("spec", "dependsOn", index), message))
        if problems:
            found[name] = tuple(problems)
    return found


def _backwards(edges: Mapping[str, tuple[str, ...]]) -> Mapping[str, list[str]]:
    """Who waits for each application, sorted."""
    found: dict[str, list[str]] = {}
    for name in sorted(edges):
        for other in set(edges[name]):
            found.setdefault(other, []).append(name)
    return found


def _ways_to(goal: str, backwards: Mapping[str, list[str]]) -> Mapping[str, str]:
    """For each application that leads to `goal`, the next one on its shortest way there."""
    ways = {goal: goal}
    todo = [goal]
    for name in todo:
        for before in backwards.get(name, ()):
            if before not in ways:
                ways[before] = name
                todo.append(before)
    return ways


def _way(start: str, goal: str, ways: Mapping[str, str]) -> str:
    """Write the way as `a → b → c`."""
    names = [start]
    while names[-1] != goal:
        names.append(ways[names[-1]])
    return " → ".join(names)
