"""docs/rollout.md is drawn from the table, and what it draws is what the folds do."""

from __future__ import annotations

from pathlib import Path

from gitops.rollout.diagram import ROLLOUT_LEADS, TARGET_LEADS, page
from gitops.rollout.state import EnvironmentState
from gitops.rollout.transitions import TABLE, evolve
from tests.unit.gitops.rollout.world import SECOND, World, wave

PAGE = Path(__file__).parents[4] / "docs" / "rollout.md"


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text() == page(), (
        "write it anew: python -c 'from gitops.rollout.diagram import page; print(page(), end=str())'"
    )


def test_arrows_lead_where_the_folds_lead() -> None:
    """Every event of a history with failures, rejoins, halts and a fix ends in the phase that is drawn."""
    seen: set[str] = set()
    for world in (eventful(), abandoned()):
        state = EnvironmentState()
        for event in world.events:
            state = evolve(state, (event,))
            name = type(event).__name__
            rollout = state.application("web").rollout
            if name in ROLLOUT_LEADS:
                assert (rollout.phase if rollout else None) == ROLLOUT_LEADS[name]
            if name in TARGET_LEADS:
                assert rollout is not None
                assert rollout.targets[getattr(event, "target", "")].phase == TARGET_LEADS[name]
            seen.add(name)
    assert seen >= set(ROLLOUT_LEADS) | set(TARGET_LEADS)


def test_every_phase_change_of_the_table_is_drawn() -> None:
    about_targets = {kind.__name__ for kind, transition in TABLE.items() if transition.targets}
    assert about_targets == set(TARGET_LEADS)
    assert set(ROLLOUT_LEADS) <= {kind.__name__ for kind in TABLE}


def eventful() -> World:
    """A good commit, a regress, one that crashes and is restored but for a target, one superseded, a halt."""
    world = World()
    waves = (wave("all", "t1", "t2", soak=5 * SECOND),)
    world.commit("web", "A", waves)
    world.run_until(lambda: "SoakStarted all" in world.told())
    world.bad("A", "t1", how="flaky")
    world.step()
    world.cure()
    world.settle()
    world.bad("B", "t1")
    world.bad("A", "t2", how="never")
    world.commit("web", "B", waves)
    world.settle()
    world.cure()
    world.commit("web", "C", waves)
    world.run_until(lambda: world.told()[-1] == "SoakStarted all")
    world.bad("D", "t1", how="refused")
    world.commit("web", "D", waves)
    world.settle()
    return world


def abandoned() -> World:
    """A target left behind answers again, and falls silent in its rejoin."""
    world = World(silent={"t2"})
    world.commit("web", "A", (wave("all", "t1", "t2", max_failures=1),))
    world.settle()
    world.silent.clear()
    world.step()
    world.silent.add("t2")
    world.settle()
    return world
