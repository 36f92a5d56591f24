"""The board wakes the loop when something changed, and only then."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from controllers.rollout.board import Board
from gitops.gates import Sampling
from gitops.rollout.observation import (
    ApplyWork,
    ProbeWork,
    ReachWork,
    RevertReport,
    RevertWork,
    TargetReport,
    Work,
)

APPLY = ApplyWork("web", "web#1", "eu-1/shop", "a" * 40, "1")
PROBE = ProbeWork("web", "web#1", "canary", "http", "eu-1/shop")
REVERT = RevertWork("web", "web#1")
REACH = ReachWork("web", "eu-1/shop")
SAMPLING = Sampling(datetime(2026, 3, 1, tzinfo=UTC), (), datetime(2026, 3, 1, tzinfo=UTC))


def filled() -> Board:
    """A board with one report of each kind."""
    board = Board()
    board.target(APPLY, TargetReport(waiting_for="an answer"))
    board.sampled(PROBE, SAMPLING)
    board.reverting(REVERT, RevertReport(waiting_for="the remote"))
    board.answers(REACH)
    return board


def test_a_new_report_wakes_the_loop() -> None:
    """The first report of a piece of work is news."""
    assert filled().changed.is_set()


def test_the_same_report_again_does_not_wake_the_loop() -> None:
    """A worker may say the same as often as it likes; it costs no pass."""
    board = filled()
    board.changed.clear()
    board.target(APPLY, TargetReport(waiting_for="an answer"))
    board.reverting(REVERT, RevertReport(waiting_for="the remote"))
    assert not board.changed.is_set()
    board.target(APPLY, TargetReport(waiting_for="its objects to be applied"))
    assert board.changed.is_set()


def test_a_look_does_not_change_while_a_pass_reads_it() -> None:
    """A pass decides by one picture, whatever is reported meanwhile."""
    board = filled()
    seen = board.targets(), board.reverts(), board.samplings(), board.reachable()
    before = [dict(seen[0]), dict(seen[1]), dict(seen[2]), set(seen[3])]
    board.target(APPLY, TargetReport(settled=True))
    for work in (REVERT, PROBE, REACH):
        board.forget(work)
    assert [dict(seen[0]), dict(seen[1]), dict(seen[2]), set(seen[3])] == before


@pytest.mark.parametrize("work", [APPLY, PROBE, REVERT, REACH], ids=lambda work: type(work).__name__)
def test_forgetting_drops_the_report_of_that_work_alone(work: Work) -> None:
    """Whatever kind of work it was."""
    board = filled()
    board.forget(work)
    left = {*board.targets(), *board.samplings(), *board.reverts(), *board.reachable()}
    assert left == {APPLY, PROBE, REVERT, REACH} - {work}
    board.forget(work)
