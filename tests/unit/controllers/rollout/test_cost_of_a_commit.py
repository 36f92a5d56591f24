"""What a commit costs follows what it changes: counted in calls, which no busy machine blurs."""

from __future__ import annotations

import cProfile
import pstats
from collections.abc import Callable
from pathlib import Path

import pytest

from controllers.clusters import Clusters
from controllers.logs import KnownSecrets
from controllers.rollout.errands import Errands
from controllers.rollout.wishes import Wishes
from gitops.rollout.decide import Decision, advance
from gitops.rollout.desired import Wish
from gitops.rollout.observation import Observation
from gitops.rollout.state import ApplicationState, EnvironmentState, Good, OnTarget
from tests.unit.controllers.rollout.shop import NOW, Shop, config_map

FEW, MANY = 20, 400


class Follower:
    """A controller of an environment that is at rest."""

    def __init__(self, folder: Path, applications: int) -> None:
        self.shop = Shop(folder)
        names = [f"app-{number}" for number in range(applications)]
        self.head = self.shop.commit("Grow", {f"{place(name)}/it.yaml": config_map(name) for name in names})
        errands = Errands("production", self.shop.revisions, Clusters({}), KnownSecrets())
        self.wishes = Wishes("production", self.shop.revisions, errands)
        self.state = EnvironmentState()
        self.state = settled(self.read())
        self.decision = self.decide()
        self.read()

    def change(self, number: int) -> None:
        """Let somebody change one file."""
        self.shop.people.commit(
            {f"{place('app-7')}/it.yaml": config_map("app-7", f"number {number}")}, "Change"
        )

    def fetch(self) -> None:
        """Learn of it."""
        self.head = self.shop.mirror.fetch().head

    def read(self) -> Wish:
        """Find out what is wanted, and render what is new."""
        return self.wishes.read(self.head, self.state)

    def decide(self) -> Decision:
        """Make a pass, which is not recorded."""
        wanted = self.read()
        quiet = self.decision.quiet if hasattr(self, "decision") else None
        return advance(self.state, Observation(self.head, wanted.desired, wanted.problems), NOW, quiet)


def place(name: str) -> str:
    """The folder of an application."""
    return f"environments/production/{name}"


def settled(wanted: Wish) -> EnvironmentState:
    """Take everything for rolled out."""
    assert not wanted.problems
    return EnvironmentState(
        observed=wanted.revision,
        applications={
            name: ApplicationState(
                rollouts=1,
                good=Good(revision=wanted.revision, digest=one.digest, at=NOW),
                on={
                    target: OnTarget(revision=wanted.revision, digest=one.digest, settled=True)
                    for target in one.targets
                },
            )
            for name, one in wanted.desired.items()
        },
    )


def calls(work: Callable[[], object]) -> int:
    """How many calls of functions it takes."""
    profile = cProfile.Profile()
    profile.runcall(work)
    return int(pstats.Stats(profile).total_calls)  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def few_and_many(tmp_path_factory: pytest.TempPathFactory) -> tuple[Follower, Follower]:
    few, many = (Follower(tmp_path_factory.mktemp("shop"), number) for number in (FEW, MANY))
    for follower in (few, many):
        follower.change(0)  # the first time, this and that is looked up for good
        follower.fetch()
        follower.decide()
    return few, many


@pytest.mark.parametrize("step", ["fetch", "read", "decide"])
def test_one_file_costs_the_same_among_few_and_among_many(
    few_and_many: tuple[Follower, Follower], step: str
) -> None:
    """To fetch it; to find out what it changes, and render that; to decide what is to be done."""
    spent = []
    for follower in few_and_many:
        follower.change(1 if step == "fetch" else 2)
        if step != "fetch":
            follower.fetch()
        if step == "decide":
            follower.read()
        spent.append(calls(getattr(follower, step)))
    few, many = spent
    assert many < few * 1.1, spent


def test_a_commit_elsewhere_costs_next_to_nothing(few_and_many: tuple[Follower, Follower]) -> None:
    """Of all that an environment wants, nothing is looked at again."""
    for follower in few_and_many:
        follower.shop.people.commit({"README.md": str(follower.head)}, "Tell")
        follower.fetch()
        before = follower.read()
        follower.shop.people.commit({"README.md": "more"}, "Tell")
        follower.fetch()
        follower.shop.catalog(follower.head)
        assert calls(follower.read) < 200
        assert follower.read().desired is before.desired
