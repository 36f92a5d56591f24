"""What work in progress reports, and when that wakes the loop."""

from __future__ import annotations

from controllers.rollout.board import Board
from gitops.drift import DriftReport

WEB, API = ("web", "east/shop"), ("api", "west/shop")


def test_each_cluster_tells_of_its_own_drift() -> None:
    """A cluster that tells anew replaces what it told, and nothing of the others."""
    board = Board()
    board.drifted("east", {WEB: DriftReport(complete=True)})
    board.drifted("west", {API: DriftReport()})
    board.drifted("west", {API: DriftReport(complete=True)})
    reports, _ = board.drift()
    assert reports == {WEB: DriftReport(complete=True), API: DriftReport(complete=True)}
    board.drifted("east", {})
    assert board.drift()[0].keys() == {API}


def test_what_was_told_already_wakes_nobody() -> None:
    """A watch tells again and again; only news leads to a pass."""
    board = Board()
    board.drifted("east", {})
    assert not board.changed.is_set()
    board.drifted("east", {WEB: DriftReport()})
    assert board.changed.is_set()
    board.changed.clear()
    board.drifted("east", {WEB: DriftReport()})
    assert not board.changed.is_set()
