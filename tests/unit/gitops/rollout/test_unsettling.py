"""Where an inventory is gone, or a held object, is rolled out to once more, by the rules of every rollout."""

from __future__ import annotations

from dataclasses import replace

from gitops.rollout import events as e
from gitops.rollout.decide import advance
from gitops.rollout.folds import replaced
from tests.unit.gitops.rollout.world import MINUTE, World, wave


def settled_world() -> World:
    """Everything runs inputs A, and nothing of how that came about is told any more."""
    world = World()
    world.commit("web", "A")
    world.settle()
    world.events.clear()
    return world


def test_a_lost_inventory_is_told_once_and_rolled_out_again_wave_by_wave() -> None:
    world = settled_world()
    world.lost = {"e1"}
    world.settle()
    assert world.told(e.TargetUnsettled) == ["TargetUnsettled e1"]
    passed = world.told(e.WavePassed, e.RolloutSucceeded)
    assert passed == ["WavePassed canary", "WavePassed europe", "WavePassed rest", "RolloutSucceeded"]
    assert world.application().on["e1"].settled
    world.events.clear()
    world.run(5 * MINUTE, by=MINUTE)
    assert world.told() == []


def test_it_waits_while_the_environment_is_suspended_and_says_so() -> None:
    world = settled_world()
    world.suspended = True
    world.lost = {"e1"}
    world.run(5 * MINUTE, by=MINUTE)
    assert world.told() == ["TargetUnsettled e1"]
    assert any("suspended" in line for line in world.sentences())
    world.suspended = False
    world.settle()
    assert world.told(e.RolloutSucceeded) == ["RolloutSucceeded"]


def test_what_is_lost_while_a_rollout_runs_is_told_after_it() -> None:
    """Unless that rollout stored it anew."""
    world = World()
    world.commit("web", "A", (wave("canary", "c1", soak=5 * MINUTE), wave("rest", "r1")))
    world.run_until(lambda: "TargetHealthy c1" in world.told())
    world.lost = {"c1", "r1"}
    world.run_until(lambda: "RolloutSucceeded" in world.told())
    world.settle()
    assert world.told(e.TargetUnsettled) == ["TargetUnsettled c1"]
    assert world.told(e.RolloutSucceeded) == ["RolloutSucceeded", "RolloutSucceeded"]


def test_while_git_wants_inputs_in_quarantine_the_last_good_ones_are_rolled_out_there() -> None:
    """No revert was pushed: the branch is a person's to mend, and the target does not wait for that."""
    world = settled_world()
    world.push = "branch is protected"
    world.bad("B", "c1")
    world.commit("web", "B")
    world.settle()
    assert "B" in world.application().quarantine
    world.events.clear()
    world.lost = {"e1"}
    world.settle()
    started = [event for event in world.events if isinstance(event, e.RolloutStarted)]
    assert [(event.digest, event.rejoin, event.waves[0].targets) for event in started] == [
        ("A", True, ("e1",))
    ]
    assert world.told(e.RolloutSucceeded) == ["RolloutSucceeded"]
    assert world.application().on["e1"].settled


def test_a_target_on_which_nothing_was_applied_needs_no_inventory() -> None:
    world = settled_world()
    application = world.application()
    on = {**application.on, "e1": replaced(application.on["e1"], empty=True)}
    state = replaced(world.state, applications={"web": replaced(application, on=on)})
    world.lost = {"e1"}
    assert advance(state, world.observe(), world.now).events == ()


def test_an_application_that_left_is_empty_where_everything_of_it_is_gone() -> None:
    world = settled_world()
    world.held = {"c1": {"StatefulSet.apps shop/db": "it asks for permission"}}
    world.desired["web"] = replace(world.desired["web"], digest="gone", removed=True)
    world.revision = "r9"
    world.settle()
    empty = {target: on.empty for target, on in world.application().on.items()}
    assert empty == {target: target != "c1" for target in empty}


HELD = {"StatefulSet.apps shop/db": "it asks for permission"}
GONE = {"StatefulSet.apps shop/db": "it is not there any more"}


def holding_world() -> World:
    """On the canary, an object that left Git is held back."""
    world = World(held={"c1": HELD})
    world.commit("web", "A")
    world.settle()
    world.events.clear()
    return world


def test_what_is_held_back_and_is_gone_is_forgotten_by_another_rollout() -> None:
    world = holding_world()
    world.released = {"c1": GONE}
    world.held = {}
    world.settle()
    (event,) = [event for event in world.events if isinstance(event, e.TargetUnsettled)]
    assert (event.target, event.released) == ("c1", GONE)
    assert "shop/db: it is not there any more" in event.because
    assert world.application().held == {}
    assert world.told(e.RolloutSucceeded) == ["RolloutSucceeded"]


def test_what_a_rollout_keeps_all_the_same_leads_to_no_other_one_before_something_else_is_seen() -> None:
    """Also in a process that started anew."""
    world = holding_world()
    world.released = {"c1": GONE}
    world.settle()
    assert world.told(e.TargetUnsettled, e.RolloutSucceeded) == ["TargetUnsettled c1", "RolloutSucceeded"]
    world.restart()
    world.run(5 * MINUTE, by=MINUTE)
    world.commit("web", "B")
    world.settle()
    assert world.told(e.TargetUnsettled) == ["TargetUnsettled c1"]
    world.released = {"c1": {"StatefulSet.apps shop/db": "its annotation says enabled"}}
    world.settle()
    assert world.told(e.TargetUnsettled) == ["TargetUnsettled c1", "TargetUnsettled c1"]


def test_what_is_seen_of_objects_that_are_not_held_says_nothing() -> None:
    world = holding_world()
    world.released = {"c1": {"ConfigMap shop/other": "it is not there any more"}, "e1": GONE}
    world.run(5 * MINUTE, by=MINUTE)
    assert world.told() == []


def test_an_application_that_left_is_retired_once_somebody_deletes_what_it_kept() -> None:
    world = holding_world()
    world.desired["web"] = replace(world.desired["web"], digest="gone", removed=True)
    world.revision = "r9"
    world.settle()
    assert world.told(e.ApplicationRetired) == []
    world.released = {"c1": GONE}
    world.held = {}
    world.settle()
    assert world.told(e.ApplicationRetired) == ["ApplicationRetired"]
