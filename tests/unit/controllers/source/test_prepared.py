"""A chart is made ready once for all who render it, within bounds."""

from __future__ import annotations

import pytest

from controllers.source.prepared import PreparedCharts
from gitops.errors import InvalidInput, Location, Problem
from gitops.render.helm.files import ChartFiles

ABOUT = b"name: web\n"


class Making:
    """Makes charts, and counts."""

    def __init__(self) -> None:
        self.made = 0

    def chart(self) -> ChartFiles:
        """Give a small one."""
        self.made += 1
        return ChartFiles("charts/web", {"Chart.yaml": ABOUT, "templates/x.yaml": b"{{ now }}"})

    def bad(self) -> ChartFiles:
        """Find that it is none."""
        self.made += 1
        raise InvalidInput(Problem(Location("charts/web"), "no chart"))


def test_a_chart_is_made_ready_once() -> None:
    charts, making = PreparedCharts(), Making()
    first, second = charts.get("a", making.chart), charts.get("a", making.chart)
    assert first is second
    assert first.changing == {"now"}
    assert first.at_another_time["templates/x.yaml"] != first.files.files["templates/x.yaml"]
    assert making.made == 1
    charts.get("b", making.chart)
    assert making.made == 2


def test_what_is_no_chart_is_looked_at_once() -> None:
    charts, making = PreparedCharts(), Making()
    for _ in range(2):
        with pytest.raises(InvalidInput, match="no chart"):
            charts.get("a", making.bad)
    assert making.made == 1


def test_what_was_used_longest_ago_makes_room() -> None:
    size = len(ABOUT) + len("{{ now }}")
    charts, making = PreparedCharts(limit_bytes=2 * size), Making()
    for key in "ababcb":
        charts.get(key, making.chart)
    assert making.made == 3
    charts.get("a", making.chart)
    assert making.made == 4


def test_a_chart_that_is_too_large_to_keep_is_given_all_the_same() -> None:
    charts, making = PreparedCharts(limit_bytes=1), Making()
    for _ in range(2):
        assert charts.get("a", making.chart).files.known("web/Chart.yaml")
    assert making.made == 2
