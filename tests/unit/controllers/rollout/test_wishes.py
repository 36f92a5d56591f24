"""What cannot be rendered is looked at again after a while, and holds up nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from controllers.clusters import Clusters
from controllers.logs import KnownSecrets
from controllers.rollout.errands import Errands
from controllers.rollout.wishes import Wishes
from gitops.errors import Denied, GitopsError, InvalidInput, Location, Problem, Unreachable
from gitops.rollout.desired import Wish
from gitops.rollout.state import EnvironmentState
from tests.unit.controllers.rollout.shop import Shop


class Ailing(Errands):
    """Cannot render one application for now, for a reason of its own."""

    def __init__(self, shop: Shop) -> None:
        super().__init__("production", shop.revisions, Clusters({}), KnownSecrets())
        self.reason: GitopsError | None = None
        self.checked: list[str] = []

    def check(self, application: str, revision: str, targets: tuple[str, ...]) -> tuple[str, ...]:
        """Count, and fail or check."""
        self.checked.append(application)
        if application == "web" and self.reason is not None:
            if isinstance(self.reason, InvalidInput):
                return (str(self.reason),)
            raise self.reason
        return super().check(application, revision, targets)


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """Two applications."""
    return Shop(tmp_path)


class Read:
    """Wishes of a shop, and a clock."""

    def __init__(self, shop: Shop) -> None:
        self.now = 1000.0
        self.errands = Ailing(shop)
        self.wishes = Wishes("production", shop.revisions, self.errands, clock=lambda: self.now)
        self._revision = shop.first

    def __call__(self) -> Wish:
        """Read, and begin to count anew."""
        self.errands.checked.clear()
        return self.wishes.read(self._revision, EnvironmentState())


@pytest.mark.parametrize(
    ("reason", "seconds"),
    [
        (InvalidInput(Problem(Location("web"), "it takes longer than 60 s")), 600),
        (Unreachable("no answer from the registry"), 30),
        (Denied("the registry wants another password"), 30),
    ],
)
def test_what_could_not_be_rendered_is_tried_again(shop: Shop, reason: GitopsError, seconds: float) -> None:
    """Without a commit; and only that."""
    read = Read(shop)
    read.errands.reason = reason
    found = read()
    assert set(found.desired) == {"api"}
    assert str(reason) in said(found)
    assert set(found.problems) == ({"web"} if isinstance(reason, InvalidInput) else set())
    read.now += seconds - 1
    assert not due(read.wishes)
    assert said(read()) == said(found)
    assert read.errands.checked == []
    read.now += 3
    assert due(read.wishes)
    assert str(reason) in said(read())
    assert read.errands.checked == ["web"]
    assert not due(read.wishes)
    read.errands.reason = None
    read.now += seconds + 2
    assert set(read().desired) == {"api", "web"}
    assert read.errands.checked == ["web"]
    read.now += 10 * seconds
    assert not due(read.wishes)


def due(wishes: Wishes) -> bool:
    return wishes.stale_in <= 0


def said(wish: Wish) -> str:
    """What keeps the application: a problem of the commit, or something else that it waits for."""
    (why,) = wish.problems.get("web") or (wish.awaiting["web"],)
    return why


def test_what_renders_is_not_looked_at_again(shop: Shop) -> None:
    read = Read(shop)
    assert set(read().desired) == {"api", "web"}
    read.now += 1e9
    assert not due(read.wishes)
    read()
    assert read.errands.checked == []
