"""`dependsOn` between the applications of one environment: names that exist, and no circle."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TypeAlias

from gitops.model.reading import nearest

Edges: TypeAlias = Mapping[str, tuple[str, ...]]
"""Whom each application waits for; those that wait for nobody may be left out."""


def wrong_dependencies(edges: Edges, names: Collection[str]) -> Mapping[str, tuple[tuple[int, str], ...]]:
    """Give what is wrong with each application's `dependsOn`: the index there, and why.

    `names` are all applications of the environment.
    """
    backwards = _backwards(_leading_to_a_circle(edges))
    found: dict[str, tuple[tuple[int, str], ...]] = {}
    for name in sorted(edges):
        problems = []
        ways = _ways_to(name, backwards)
        for index, other in enumerate(edges[name]):
            if other not in names:
                message = f'no application "{other}" in this environment{nearest(other, set(names) - {name})}'
            elif other in ways:
                message = f"applications wait for each other: {name} → {_way(other, name, ways)}"
            else:
                continue
            problems.append((index, message))
        if problems:
            found[name] = tuple(problems)
    return found


def _leading_to_a_circle(edges: Edges) -> Edges:
    """Leave out who waits, in the end, only for applications that wait for nobody: most or all."""
    backwards = _backwards(edges)
    open_ = {name: len(set(others)) for name, others in edges.items()}
    ended = [name for name in backwards if not open_.get(name)]
    for name in ended:
        for before in backwards.get(name, ()):
            open_[before] -= 1
            if not open_[before]:
                ended.append(before)
    return {name: others for name, others in edges.items() if open_[name]}


def _backwards(edges: Edges) -> Mapping[str, list[str]]:
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
