"""A problem is told once; where it is not on all targets, with those that it is on."""

from __future__ import annotations

from dataclasses import replace

from gitops.errors import Location, Problem
from gitops.model.catalog import ApplicationSource
from gitops.model.folders import RendererName
from gitops.render.whereabouts import whereabouts

ONE, OTHER = Problem(Location("a"), "one"), Problem(Location("b"), "other")


CHART = ApplicationSource("shop", "web", "web", (), renderer=RendererName.HELM)


def told(found: dict[str, tuple[Problem, ...]], application: ApplicationSource = CHART) -> list[str]:
    return sorted(map(str, whereabouts(found, application)))


def test_a_problem_of_all_targets_names_none() -> None:
    assert told({"x": (ONE, OTHER), "y": (OTHER, ONE)}) == ["a: one", "b: other"]
    assert told({"x": (ONE,)}) == ["a: one"]
    assert told({"x": (), "y": ()}) == told({}) == []


def test_a_problem_of_some_names_them() -> None:
    assert told({"y": (ONE, OTHER), "x": (ONE, OTHER), "z": (ONE,)}) == ["a: one", "b: other, on x, y"]
    many = {f"t{number}": (ONE,) for number in range(5)}
    assert told({**many, "fine": ()}, replace(CHART, renderer=RendererName.PLAIN)) == ["a: one"]
    assert told({**many, "fine": ()}) == ["a: one, on t0, t1, t2 and 2 more"]
