"""What passes get to know of drift: often enough, and in an order that does not tell anything twice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from controllers.clusters import Clusters
from controllers.drift.environment import EnvironmentDrift
from controllers.logs import KnownSecrets
from controllers.rollout.board import Board
from controllers.rollout.errands import Errands
from gitops.drift import Deed, DriftFact, DriftKind, DriftReport, Finding
from gitops.model.kinds import DriftMode
from tests.unit.controllers.drift.yard import until
from tests.unit.controllers.rollout.shop import Shop

NAME = ("web", "eu-1/shop")
FINDING = Finding("ConfigMap shop/a", "ConfigMap", DriftKind.CHANGED, DriftMode.CORRECT, "changed")


class Cluster:
    """A cluster of which a test says what is open."""

    def __init__(self) -> None:
        self.open = {FINDING.object: FINDING}
        self.readings = 0

    def reports(self) -> dict[tuple[str, str], DriftReport]:
        """What is open now."""
        self.readings += 1
        return {NAME: DriftReport(dict(self.open), complete=True)}


@pytest.fixture
def board() -> Board:
    return Board()


@pytest.fixture
def cluster() -> Cluster:
    return Cluster()


@pytest.fixture
def drift(tmp_path: Path, board: Board, cluster: Cluster) -> EnvironmentDrift:
    """One cluster, on which the application is."""
    shop = Shop(tmp_path)
    errands = Errands("production", shop.revisions, Clusters({}), KnownSecrets())
    made = EnvironmentDrift("production", board, errands, shop.tools(), lambda _application, _target: False)
    watches: Any = {"eu-1": cluster}
    made._clusters = watches
    made._holding = {NAME: "eu-1"}
    return made


async def test_many_news_at_once_are_one_reading(
    drift: EnvironmentDrift, board: Board, cluster: Cluster
) -> None:
    for _ in range(1000):
        drift.told("eu-1")
    await until(lambda: cluster.readings)
    assert cluster.readings == 1
    assert set(board.drift()[0][NAME].findings) == {FINDING.object}
    drift.told("eu-1")
    await until(lambda: cluster.readings == 2)


async def test_what_is_put_back_is_not_open_any_more_when_that_is_told(
    drift: EnvironmentDrift, board: Board, cluster: Cluster
) -> None:
    """A pass that took the correction and an older reading would find it once more."""
    drift.told("eu-1")
    await until(lambda: board.drift()[0])
    cluster.open.clear()
    drift._tell(DriftFact(Deed.CORRECTED, *NAME, finding=FINDING))
    reports, facts = board.drift()
    assert [fact.deed for fact in facts if isinstance(fact, DriftFact)] == [Deed.CORRECTED]
    assert reports[NAME].findings == {}


async def test_news_of_a_cluster_that_was_left_say_nothing(drift: EnvironmentDrift, board: Board) -> None:
    drift.told("us-1")
    await until(lambda: not drift._unread)
    assert board.drift() == ({}, ())
