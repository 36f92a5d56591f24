"""Rollouts that fail: restore, revert, quarantine, retry, halt, supersede."""

from __future__ import annotations

from datetime import timedelta

import pytest

from gitops.model.kinds import FailurePolicy, OnFailure, RevertPush
from gitops.rollout import events as e
from gitops.rollout.observation import LONGEST_LINE, MOST_LINES, ApplyWork, Failure
from gitops.rollout.state import FailureCause, RolloutPhase, TargetPhase
from tests.unit.gitops.rollout.world import MINUTE, SECOND, THREE_WAVES, World, wave

ALL = ["c1", "e1", "e2", "r1", "r2", "r3"]


def good_world(**more: object) -> World:
    """Everything runs inputs A."""
    world = World()
    world.commit("web", "A")
    world.settle()
    for name, value in more.items():
        setattr(world, name, value)
    world.events.clear()
    world.writes.clear()
    return world


def test_a_record_holds_what_a_person_reads() -> None:
    """A hostile file or cluster can say a million things; records are kept for ever."""
    failure = Failure(FailureCause.REJECTED, "x" * 9_000, tuple(f"{n} {'y' * 9_000}" for n in range(5_000)))
    assert len(failure.because) == LONGEST_LINE
    assert len(failure.evidence) == MOST_LINES + 1
    assert failure.evidence[-1] == "… and 4900 more"
    assert max(map(len, failure.evidence)) == LONGEST_LINE
    world = World(problems={"api": tuple(f"api/a.yaml:{n}:1: no" for n in range(1, 1_000))})
    world.commit("web", "A")
    world.settle()
    (refused,) = [event for event in world.events if isinstance(event, e.RevisionRefused)]
    assert refused.problems[-1] == "… and 899 more"


def halted(world: World, application: str = "web") -> bool:
    rollout = world.application(application).rollout
    return rollout is not None and rollout.phase is RolloutPhase.HALTED


def test_a_crash_in_the_canary_is_taken_back_reverted_and_held() -> None:
    """No other target ever sees it; targets first, Git second; the same inputs are held until a retry."""
    world = good_world()
    world.bad("B", "c1")
    world.commit("web", "B")
    world.settle()
    assert world.told() == [
        "RolloutStarted",
        "WaveStarted canary",
        "TargetStarted c1",
        "TargetApplied c1",
        "TargetFailed c1",
        "RolloutFailed canary",
        "RestoreStarted",
        "TargetRestored c1",
        "RestoreFinished",
        "RevertPushed",
        "RolloutReverted",
    ]
    assert world.writes == [("web", "c1", "B"), ("web", "c1", "A")]
    assert world.on("A") == ALL
    failed = next(event for event in world.events if isinstance(event, e.RolloutFailed))
    assert failed.evidence == ("exit code 1",)
    world.commit("web", "B")
    world.run(MINUTE)
    assert world.told()[-1] == "RolloutReverted"
    assert any("same inputs failed in web#2" in sentence for sentence in world.sentences())
    world.cure()
    world.ask(e.CommandKind.RETRY, "web")
    world.settle()
    assert world.on("B") == ALL


def test_a_failure_in_a_later_wave_brings_every_touched_target_back() -> None:
    world = good_world()
    world.bad("B", "e2")
    world.commit("web", "B")
    world.settle()
    assert sorted({target for _, target, _ in world.writes}) == ["c1", "e1", "e2"]
    assert world.on("A") == ALL


def test_a_fix_goes_through_after_a_revert() -> None:
    world = good_world()
    world.bad("B", "c1")
    world.commit("web", "B")
    world.settle()
    world.commit("web", "C")
    world.settle()
    assert world.on("C") == ALL
    assert world.pushed == ["web#2"]


def test_a_fix_cancels_the_waits_of_a_dead_revision_at_once() -> None:
    """The canary of B would wait ten minutes; the fix C starts as soon as it is seen."""
    world = good_world()
    world.bad("B", "c1", how="never")
    world.commit("web", "B")
    world.run(MINUTE)
    world.commit("web", "C")
    events = world.step()
    assert [type(event).__name__ for event in events[:3]] == [
        "RolloutSuperseded",
        "RolloutStarted",
        "WaveStarted",
    ]
    world.settle()
    assert world.on("C") == ALL


def test_a_fix_waits_for_objects_that_are_being_written_and_for_nothing_else() -> None:
    world = good_world()
    world.commit("web", "B")
    world.step()
    world.commit("web", "C")
    assert world.step() == ()
    assert any("waits for c1 to be applied, then goes on with" in sentence for sentence in world.sentences())
    world.run(2 * SECOND)
    assert "RolloutSuperseded" in world.told()


def test_a_fix_does_not_wait_for_a_target_that_does_not_answer() -> None:
    world = good_world(silent={"c1"})
    world.commit("web", "B")
    world.step()
    world.step()
    world.commit("web", "C")
    world.step()
    assert "RolloutSuperseded" in world.told()


def test_targets_that_hold_neither_good_nor_new_inputs_are_brought_back_too() -> None:
    """B reached Europe before C superseded it; C fails in the canary: all of them go back to A."""
    world = good_world()
    world.commit("web", "B")
    world.run_until(lambda: "WavePassed europe" in world.told())
    world.suspended = True
    world.run(SECOND)
    reached = world.on("B")
    world.bad("C", "c1")
    world.commit("web", "C")
    world.suspended = False
    world.settle()
    restore = next(event for event in world.events if isinstance(event, e.RestoreStarted))
    assert {"c1", "e1", "e2"} <= set(reached) <= set(restore.targets)
    assert world.on("A") == ALL


def test_going_back_by_hand_in_git_supersedes_and_brings_the_touched_targets_back() -> None:
    world = good_world()
    world.bad("B", "c1", how="never")
    world.commit("web", "B")
    world.run(MINUTE)
    world.commit("web", "A")
    world.settle()
    assert world.on("A") == ALL
    assert world.pushed == []
    assert world.application().quarantine == {}


def test_on_failure_halt_stops_and_keeps_everything_until_a_person_or_other_inputs_come() -> None:
    world = good_world(on_failure=OnFailure(action=FailurePolicy.HALT))
    world.bad("B", "c1")
    world.commit("web", "B")
    world.settle()
    assert halted(world)
    assert world.on("B") == ["c1"]
    assert world.pushed == []
    world.run(10 * MINUTE)
    assert halted(world)
    assert any(
        "web is halted" in sentence and "onFailure is Halt" in sentence for sentence in world.sentences()
    )
    world.commit("web", "C")
    world.settle()
    assert world.on("C") == ALL


def test_other_inputs_release_a_rollout_that_was_halted_while_another_target_was_being_written() -> None:
    """Nobody goes on writing there, so there is nothing to wait for."""
    world = good_world()
    world.bad("B", "e1", how="refused")
    world.commit("web", "B")
    world.settle()
    assert halted(world)
    rollout = world.application().rollout
    assert rollout is not None
    assert rollout.in_phase(TargetPhase.APPLYING) == ("e2",)
    world.commit("web", "C")
    world.settle()
    assert world.on("C") == ALL


def test_a_first_rollout_that_fails_halts_and_keeps_what_is_there() -> None:
    world = World()
    world.bad("A", "c1")
    world.commit("web", "A")
    world.settle()
    assert halted(world)
    assert world.on("A") == ["c1"]
    assert any("no last good revision" in sentence for sentence in world.sentences())
    world.cure()
    world.ask(e.CommandKind.RETRY, "web")
    world.settle()
    assert world.on("A") == ALL


def test_what_is_refused_halts_reverts_nothing_and_goes_on_with_the_permission() -> None:
    world = good_world()
    world.bad("B", "c1", how="refused")
    world.commit("web", "B")
    world.settle()
    assert halted(world)
    assert world.writes == []
    assert world.pushed == []
    world.cure()
    world.ask(e.CommandKind.ALLOW_PRUNE, "web")
    world.settle()
    started = [event for event in world.events if isinstance(event, e.RolloutStarted)]
    assert [event.prune_permitted for event in started] == [False, True]
    assert world.application().prune_permitted_by == ""


def test_a_refusal_beside_a_crash_is_a_failure_and_is_taken_back() -> None:
    world = good_world()
    world.bad("B", "e1", how="refused")
    world.bad("B", "e2")
    world.commit("web", "B", (THREE_WAVES[0], wave("europe", "e1", "e2", max_failures=1), THREE_WAVES[2]))
    world.settle()
    failed = next(event for event in world.events if isinstance(event, e.RolloutFailed))
    assert failed.cause is FailureCause.HEALTH
    assert world.on("A") == ALL


def test_what_the_api_server_rejects_writes_nothing_and_is_reverted_in_git() -> None:
    world = good_world()
    world.bad("B", "c1", how="rejected")
    world.commit("web", "B")
    world.settle()
    assert world.writes == []
    assert world.pushed == ["web#2"]


def test_a_permission_to_prune_is_not_kept_for_what_comes_later() -> None:
    world = good_world()
    world.ask(e.CommandKind.ALLOW_PRUNE, "web")
    world.step()
    world.commit("web", "B")
    world.settle()
    started = [event for event in world.events if isinstance(event, e.RolloutStarted)]
    assert [event.prune_permitted for event in started] == [False]


def test_a_permission_to_prune_reaches_a_rollout_that_runs() -> None:
    world = good_world()
    world.commit("web", "B")
    world.run(3 * SECOND)
    world.ask(e.CommandKind.ALLOW_PRUNE, "web")
    world.step()
    applying = [work for work in world.work if isinstance(work, ApplyWork)]
    assert [work.prune_permitted for work in applying] == [True]
    world.settle()
    assert world.on("B") == ALL


def test_a_permission_to_prune_ends_with_the_rollout_that_failed() -> None:
    world = good_world()
    world.bad("B", "c1")
    world.commit("web", "B")
    world.ask(e.CommandKind.ALLOW_PRUNE, "web")
    world.settle()
    world.commit("web", "C")
    world.settle()
    started = [event for event in world.events if isinstance(event, e.RolloutStarted)]
    assert [(event.digest, event.prune_permitted) for event in started] == [("B", True), ("C", False)]


def test_no_revert_commit_where_none_is_wanted() -> None:
    world = good_world(on_failure=OnFailure(push=RevertPush.NONE))
    world.bad("B", "c1")
    world.commit("web", "B")
    world.settle()
    assert world.on("A") == ALL
    assert world.pushed == []
    outcome = world.application().outcome
    assert outcome is not None
    assert "onFailure.push is None" in outcome.because
    world.run(MINUTE)
    assert world.told()[-1] == "RolloutReverted"


def test_a_refused_revert_leaves_the_targets_on_last_good_and_says_so() -> None:
    world = good_world(push="later commits changed the same lines; a person has to revert")
    world.bad("B", "c1")
    world.commit("web", "B")
    world.settle()
    assert world.on("A") == ALL
    outcome = world.application().outcome
    assert outcome is not None
    assert "a person has to revert" in outcome.because
    assert outcome.revert == ""


def test_a_remote_that_does_not_answer_delays_the_revert_commit_never_the_targets() -> None:
    world = good_world(push="waits")
    world.bad("B", "c1")
    world.commit("web", "B")
    world.run(2 * MINUTE)
    assert world.on("A") == ALL
    assert world.told()[-1] == "RestoreFinished"
    assert any("the remote does not answer" in sentence for sentence in world.sentences())
    world.push = "accepted"
    world.settle()
    assert world.told()[-1] == "RolloutReverted"


def test_reverting_the_revert_brings_the_same_inputs_which_are_held() -> None:
    world = good_world()
    world.bad("B", "c1")
    world.commit("web", "B")
    world.settle()
    world.commit("web", "B")  # a person reverts the revert commit
    world.run(5 * MINUTE)
    assert world.pushed == ["web#2"]
    assert world.on("A") == ALL


def test_a_target_that_cannot_be_restored_is_left_behind_and_the_revert_goes_on() -> None:
    world = good_world()
    world.bad("B", "c1")
    world.bad("A", "c1", how="never")
    world.commit("web", "B")
    world.settle()
    assert world.pushed == ["web#2"]
    assert world.application().lagging["c1"].cause is FailureCause.DEADLINE
    assert any("web@c1 was left behind" in sentence for sentence in world.sentences())


def test_a_silent_target_holds_up_a_revert_for_a_minute_and_comes_back_by_itself() -> None:
    world = good_world()
    world.bad("B", "e1")
    world.commit("web", "B")
    world.run_until(lambda: "TargetStarted e2" in world.told())
    world.silent.add("e2")
    world.run_until(lambda: "RestoreStarted" in world.told())
    began = world.now
    world.settle()
    assert MINUTE <= world.now - began <= 2 * MINUTE
    assert world.application().lagging["e2"].cause is FailureCause.UNREACHABLE
    world.silent.clear()
    world.settle()
    assert world.on("A") == ALL
    assert world.application().lagging == {}


def test_a_restore_is_not_given_up_for_time_in_which_nobody_watched() -> None:
    world = good_world()
    world.bad("B", "c1")
    world.commit("web", "B")
    world.run_until(lambda: "RestoreStarted" in world.told())
    world.restart(down=timedelta(hours=1))
    world.settle()
    assert world.told(e.TargetNotRestored) == []
    assert world.on("A") == ALL


def test_a_fix_waits_no_longer_than_a_minute_for_a_restore_that_does_not_end() -> None:
    world = good_world()
    world.bad("B", "c1")
    world.bad("A", "c1", how="never")
    world.commit("web", "B")
    world.run_until(lambda: "RestoreStarted" in world.told())
    began = world.now
    world.commit("web", "C")
    world.push = "newer inputs are on the branch already"
    world.run_until(lambda: "RolloutReverted" in world.told())
    assert world.now - began <= 2 * MINUTE
    world.settle()
    assert world.on("C") == ALL
    assert world.application().lagging == {}


def test_two_applications_side_by_side_one_bad_one_good_neither_waits() -> None:
    world = World()
    world.commit("web", "A")
    world.commit("api", "A")
    world.settle()
    world.bad("B", "c1")
    world.commit("web", "B")
    world.commit("api", "B")
    world.settle()
    assert world.on("A", "web") == ALL
    assert world.on("B", "api") == ALL
    assert world.pushed == ["web#2"]
    good_only = World()
    good_only.commit("api", "A")
    good_only.settle()
    good_only.commit("api", "B")
    good_only.settle()
    assert world.told(application="api") == good_only.told(application="api")


def test_depends_on_holds_a_target_until_the_other_is_healthy_there() -> None:
    world = World()
    world.commit("web", "A", depends_on=("db",))
    world.commit("db", "A")
    world.settle()
    moments = {
        (event.application, event.target, type(event)): event.at
        for event in world.events
        if isinstance(event, e.TargetStarted | e.TargetHealthy)
    }
    for target in ALL:
        assert moments["web", target, e.TargetStarted] >= moments["db", target, e.TargetHealthy]


def test_a_dependency_gets_a_place_even_when_the_one_that_waits_has_the_last() -> None:
    world = World(max_rollouts=1)
    world.commit("api", "A", depends_on=("db",))
    world.commit("db", "A")
    world.settle()
    assert world.on("A", "api") == world.on("A", "db") == ALL


def test_a_dependency_that_failed_holds_and_says_so() -> None:
    world = World(push="refused")
    world.bad("A", "c1", application="db")
    world.commit("db", "A")
    world.commit("web", "A", depends_on=("db",))
    world.run(5 * MINUTE)
    assert world.told(e.TargetStarted) == []
    assert any("web@c1 waits for db to be healthy there" in sentence for sentence in world.sentences())


@pytest.mark.parametrize("limit", [1, 2])
def test_never_more_rollouts_than_allowed_run_at_once(limit: int) -> None:
    world = World(max_rollouts=limit)
    for name in ("a", "b", "c", "d"):
        world.commit(name, "A")
    most = 0
    for _ in range(200):
        world.step()
        most = max(most, len([1 for each in world.state.applications.values() if each.rollout]))
    assert most == limit
    assert all(world.on("A", name) == ALL for name in ("a", "b", "c", "d"))


def test_rollouts_that_only_wait_for_a_silent_cluster_do_not_keep_others_from_starting() -> None:
    world = World(max_rollouts=1, silent={"c1"})
    world.commit("a", "A")
    world.run(5 * SECOND)
    world.commit("b", "A", (wave("all", "e1"),))
    world.run(MINUTE)
    assert world.on("A", "b") == ["e1"]


def test_an_application_that_left_git_goes_from_its_targets_and_is_forgotten() -> None:
    world = good_world()
    world.commit("web", "gone", removed=True)
    world.settle()
    world.step()
    assert "web" not in world.state.applications
    assert world.told()[-1] == "ApplicationRetired"
    assert all(work.removed for work in world.lives if isinstance(work, ApplyWork))
    before = len(world.events)
    world.run(MINUTE)
    assert len(world.events) == before


def test_an_application_is_not_forgotten_while_a_silent_target_still_holds_it() -> None:
    waves = (wave("all", "t1", "t2", max_failures=1),)
    world = World()
    world.commit("web", "A", waves)
    world.settle()
    world.silent.add("t2")
    world.commit("web", "gone", waves, removed=True)
    world.settle()
    world.run(MINUTE)
    assert "web" in world.state.applications
    world.silent.clear()
    world.settle()
    assert "web" not in world.state.applications
    assert world.on("gone") == ["t1", "t2"]


def test_a_removal_that_fails_is_taken_back() -> None:
    world = good_world()
    world.bad("gone", "c1")
    world.commit("web", "gone", removed=True)
    world.settle()
    assert world.on("A") == ALL
    assert world.pushed == ["web#2"]


def test_a_target_that_failed_after_it_was_healthy_does_not_count_as_settled() -> None:
    world = World()
    world.commit("web", "A", (wave("all", "t1", "t2", soak=5 * MINUTE, max_failures=1),))
    world.run(MINUTE)
    world.bad("A", "t1")
    world.step()
    assert world.told()[-2:] == ["TargetFailed t1", "SoakStarted all"]
    assert not world.application().on["t1"].settled
    rollout = world.application().rollout
    assert rollout is not None
    assert rollout.targets["t1"].phase is TargetPhase.FAILED


def test_a_target_left_behind_keeps_its_sentence_while_a_later_rollout_fails() -> None:
    """It waits in a wave that the failed rollout never reached: the reason it was left behind still holds."""
    world = World()
    world.commit("web", "A")
    world.settle()
    waves = (wave("canary", "c1"), wave("rest", "r1", "r2", max_failures=1))
    world.silent.add("r2")
    world.commit("web", "B", waves)
    world.settle()
    world.bad("C", "c1", how="refused")
    world.commit("web", "C", waves)
    world.settle()
    assert halted(world)
    assert any("web@r2 was left behind" in sentence for sentence in world.sentences())
