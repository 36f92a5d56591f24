"""What is still to go after a target was settled, and what is held back until somebody permits it."""

from __future__ import annotations

from dataclasses import replace

from gitops.rollout import events as e
from gitops.rollout.observation import LONGEST_LINE, MOST_LINES, ApplyWork, PruneWork, bounded_reasons
from gitops.rollout.rest import as_wanted
from tests.unit.gitops.rollout.world import MINUTE, SECOND, World, wave

STUCK = {"ConfigMap shop/old": "its deletion is refused: forbidden"}
HELD = {"StatefulSet.apps shop/db": "a StatefulSet asks for permission"}


def stuck_world() -> World:
    """Everything runs inputs A; on the canary, an object could not be deleted."""
    world = World(stuck={"c1": STUCK})
    world.commit("web", "A")
    world.settle()
    return world


def prunes(world: World) -> list[PruneWork]:
    return [work for work in world.work if isinstance(work, PruneWork)]


def test_a_deletion_that_does_not_go_through_holds_up_no_rollout() -> None:
    """It is recorded, wanted on after the rollout, told in words, and not where Git wants it meanwhile."""
    world = stuck_world()
    assert world.told(e.RolloutSucceeded) == ["RolloutSucceeded"]
    assert prunes(world) == [PruneWork("web", "c1", "r1", frozenset(STUCK))]
    assert any(
        "waits for 1 object that left Git to be gone" in line and "forbidden" in line
        for line in world.sentences()
    )
    assert not as_wanted(world.state, world.observe())


def test_what_is_gone_at_last_is_recorded_once_and_wanted_no_more() -> None:
    """Also by a process that started anew in between."""
    world = stuck_world()
    world.run(5 * MINUTE, by=MINUTE)
    world.restart()
    world.step()
    assert len(prunes(world)) == 1
    assert world.told(e.PruneFinished) == []
    world.stuck.clear()
    world.run(5 * SECOND)
    assert world.told(e.PruneFinished) == ["PruneFinished c1"]
    assert prunes(world) == []
    assert as_wanted(world.state, world.observe())


def test_within_a_rollout_its_own_work_goes_on_and_no_other() -> None:
    """Two pieces of work on one target would only wait for one another."""
    world = World(stuck={"c1": STUCK})
    world.commit("web", "A", (wave("canary", "c1", soak=5 * MINUTE), wave("rest", "r1")))
    world.run_until(lambda: bool(world.application().leaving))
    assert any(isinstance(work, ApplyWork) and work.target == "c1" for work in world.work)
    assert prunes(world) == []
    world.stuck.clear()
    world.step()
    assert world.told(e.PruneFinished) == ["PruneFinished c1"]


def test_in_a_wave_that_passed_it_goes_on_while_the_next_one_runs() -> None:
    world = World(stuck={"c1": STUCK})
    world.commit("web", "A", (wave("canary", "c1"), wave("rest", "r1", soak=5 * MINUTE)))
    world.run_until(lambda: "WaveStarted rest" in world.told())
    assert [work.target for work in prunes(world)] == ["c1"]
    world.stuck.clear()
    world.step()
    assert world.told(e.PruneFinished) == ["PruneFinished c1"]
    assert world.told(e.RolloutSucceeded) == []


def test_the_next_rollout_takes_over_what_is_left() -> None:
    """From its start on the target, its own plan says what goes."""
    world = stuck_world()
    world.commit("web", "B")
    world.run_until(lambda: "TargetStarted c1" in world.told()[len(world.told()) - 3 :])
    assert prunes(world) == []
    assert world.application().leaving == {}


def test_an_application_that_left_is_kept_in_mind_while_something_of_it_is_there() -> None:
    world = stuck_world()
    world.desired["web"] = replace(world.desired["web"], digest="gone", removed=True)
    world.revision = "r2"
    world.settle()
    world.run(2 * MINUTE)
    assert world.told(e.ApplicationRetired) == []
    assert [work.removed for work in prunes(world)] == [True]
    world.stuck.clear()
    world.run(5 * SECOND)
    assert world.told(e.ApplicationRetired) == ["ApplicationRetired"]


def test_what_is_held_back_goes_wave_by_wave_once_a_commit_permits_it() -> None:
    """The inputs did not change: a rollout of the same ones deletes what was permitted, behind the gates."""
    world = World(held={"c1": HELD, "r2": HELD})
    world.commit("web", "A")
    world.settle()
    assert set(world.application().held) == {"c1", "r2"}
    told = [line for line in world.sentences() if "keeps 1 object that left Git" in line]
    assert len(told) == 2
    assert all("asks for permission" in line for line in told)
    world.events.clear()
    world.ask(e.CommandKind.ALLOW_PRUNE, "web")
    world.settle()
    started = [event for event in world.events if isinstance(event, e.RolloutStarted)]
    assert [(event.digest, event.prune_permitted) for event in started] == [("A", True)]
    waves = [
        line
        for line in world.told()
        if line.startswith(("WavePassed", "TargetStarted c1", "TargetStarted r2"))
    ]
    assert waves == [
        "TargetStarted c1",
        "WavePassed canary",
        "WavePassed europe",
        "TargetStarted r2",
        "WavePassed rest",
    ]
    assert world.application().held == {}


def test_a_permission_is_asked_for_by_each_rollout_anew() -> None:
    """What was held back before is held back still, since then."""
    world = World(held={"c1": HELD})
    world.commit("web", "A")
    world.settle()
    since = world.application().held["c1"].since
    world.commit("web", "B")
    world.settle()
    assert world.application().held["c1"].since == since


def test_a_record_names_as_many_objects_as_a_person_reads() -> None:
    """The first ones by name, each reason cut, and how many more there were."""
    every = {f"ConfigMap shop/c{number:04}": "x" * 9_000 for number in range(1_000)}
    told = bounded_reasons(every)
    assert len(told) == MOST_LINES + 1
    assert "ConfigMap shop/c0000" in told
    assert "… and 900 more" in told
    assert max(map(len, told.values())) == LONGEST_LINE
    assert bounded_reasons(STUCK) == STUCK
