"""Rollouts that go forward: waves, budgets, soaks, gates, deadlines."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest

from gitops.gates import Outcome
from gitops.model.gates import ApprovalGate
from gitops.rollout import advancing
from gitops.rollout import events as e
from gitops.rollout.decide import advance
from gitops.rollout.observation import ApplyWork, TargetReport
from gitops.rollout.rest import as_wanted
from gitops.rollout.state import FailureCause, RolloutPhase, TargetPhase
from gitops.rollout.step import Step
from tests.unit.gitops.rollout.world import MINUTE, SECOND, THREE_WAVES, World, http, wave


def test_a_good_commit_goes_wave_by_wave_to_every_target() -> None:
    world = World()
    world.commit("web", "A")
    world.settle()
    assert world.on("A") == ["c1", "e1", "e2", "r1", "r2", "r3"]
    good = world.application().good
    assert good is not None
    assert (good.revision, good.digest) == ("r1", "A")
    assert world.told(e.WaveStarted, e.WavePassed, e.RolloutSucceeded) == [
        "WaveStarted canary",
        "WavePassed canary",
        "WaveStarted europe",
        "WavePassed europe",
        "WaveStarted rest",
        "WavePassed rest",
        "RolloutSucceeded",
    ]


def test_no_target_starts_before_the_gates_of_the_wave_before_it_passed() -> None:
    world = World()
    world.commit("web", "A", (wave("canary", "c1", soak=5 * MINUTE), wave("rest", "r1")))
    world.run(5 * MINUTE)
    assert world.on("A") == ["c1"]
    world.settle()
    order = world.told()
    assert order.index("WavePassed canary") < order.index("TargetStarted r1")
    first = next(event for event in world.events if isinstance(event, e.SoakStarted))
    passed = next(event for event in world.events if isinstance(event, e.WavePassed))
    assert passed.at - first.at >= 5 * MINUTE


def test_never_more_than_max_concurrent_targets_are_in_flight() -> None:
    world = World()
    world.commit("web", "A", (wave("all", "t1", "t2", "t3", "t4", "t5", max_concurrent=2),))
    most = 0
    while world.application().good is None:
        world.step()
        rollout = world.application().rollout
        if rollout is not None:
            most = max(most, len(rollout.in_phase(TargetPhase.APPLYING, TargetPhase.SETTLING)))
    assert most == 2


def test_failures_within_the_budget_are_left_behind_and_one_more_fails_the_rollout() -> None:
    targets = ("t1", "t2", "t3", "t4")
    world = World()
    world.commit("web", "A", (wave("all", *targets, max_failures=1),))
    world.settle()
    world.bad("B", "t2")
    world.commit("web", "B", (wave("all", *targets, max_failures=1),))
    world.settle()
    assert world.application().good is not None
    assert set(world.application().lagging) == {"t2"}
    assert world.application().lagging["t2"].cause is FailureCause.HEALTH
    world.bad("C", "t2", "t3")
    world.commit("web", "C", (wave("all", *targets, max_failures=1),))
    world.settle()
    assert "RolloutFailed all" in world.told()
    assert world.on("B") == list(targets)


def test_a_wave_in_which_every_target_failed_says_no_whatever_the_budget() -> None:
    world = World()
    world.commit("web", "A", (wave("canary", "c1"), wave("rest", "r1")))
    world.settle()
    world.bad("B", "c1")
    world.commit("web", "B", (wave("canary", "c1", max_failures=1), wave("rest", "r1")))
    world.settle()
    assert "TargetStarted r1" not in world.told()[world.told().index("RolloutSucceeded") :]
    assert world.on("A") == ["c1", "r1"]


def test_a_wave_spends_the_budget_of_the_whole_rollout() -> None:
    """A failure in an earlier wave counts for a later one; silence left behind there does not."""
    waves = (wave("first", "a1", "a2", max_failures=1), wave("second", "b1"))
    failing = World()
    failing.bad("A", "a1")
    failing.commit("web", "A", waves)
    failing.settle()
    assert "RolloutFailed second" in failing.told()
    silent = World(silent={"a1"})
    silent.commit("web", "A", waves)
    silent.settle()
    assert "RolloutSucceeded" in silent.told()


def test_a_soak_begins_anew_after_a_regress() -> None:
    world = World()
    world.commit("web", "A", (wave("all", "t1", "t2", soak=2 * MINUTE),))
    world.run(MINUTE)
    world.bad("A", "t1", how="flaky")
    world.step()
    assert world.told()[-1] == "TargetRegressed t1"
    world.cure()
    world.settle()
    soaks = [event.at for event in world.events if isinstance(event, e.SoakStarted)]
    passed = next(event.at for event in world.events if isinstance(event, e.WavePassed))
    assert len(soaks) == 2
    assert passed - soaks[1] >= 2 * MINUTE


def test_gates_that_passed_before_a_regress_are_asked_again() -> None:
    world = World()
    world.commit("web", "A", (wave("all", "t1", soak=MINUTE, gates=(http(), ApprovalGate(type="approval"))),))
    world.run(2 * MINUTE)
    assert world.told(e.GateJudged) == ["GateJudged all"]
    world.bad("A", "t1", how="flaky")
    world.step()
    world.cure()
    world.ask(e.CommandKind.APPROVE, "web")
    world.settle()
    judged = [event.gate for event in world.events if isinstance(event, e.GateJudged)]
    assert judged == ["smoke", "smoke", "approval"]


def test_time_that_nobody_watched_is_not_soaked() -> None:
    """Killed in the soak and started much later: the whole soak is watched again."""
    world = World()
    world.commit("web", "A", (wave("all", "t1", soak=2 * MINUTE, gates=(http(),)),))
    world.run(MINUTE)
    world.restart(down=timedelta(hours=3))
    back = world.now
    world.settle()
    passed = next(event.at for event in world.events if isinstance(event, e.WavePassed))
    assert passed - back >= 2 * MINUTE
    assert "RolloutFailed all" not in world.told()


def test_a_target_that_never_becomes_healthy_fails_at_the_progress_deadline() -> None:
    world = World()
    world.bad("A", "c1", how="never")
    world.commit("web", "A")
    world.settle()
    failed = next(event for event in world.events if isinstance(event, e.TargetFailed))
    applied = next(event for event in world.events if isinstance(event, e.TargetApplied))
    assert failed.cause is FailureCause.DEADLINE
    assert failed.at - applied.at == 10 * MINUTE
    assert failed.because.startswith("not healthy within 10m: Deployment api: 0 of 1 replicas ready")


def test_a_deadline_does_not_run_while_the_controller_is_away() -> None:
    """Down for longer than the deadline in the middle of a target: it gets its time again, and makes it."""
    for after in (1, 3):  # while applying, while settling
        world = World()
        world.commit("web", "A")
        world.run(after * SECOND)
        world.restart(down=timedelta(hours=1))
        world.settle()
        assert world.told(e.TargetFailed) == []
        assert world.application().good is not None


def test_a_target_that_was_healthy_before_a_restart_and_is_not_after_fails_in_time() -> None:
    world = World()
    world.commit("web", "A", (wave("all", "t1", soak=30 * MINUTE),))
    world.run(MINUTE)
    world.bad("A", "t1", how="never")
    world.restart(down=MINUTE)
    world.settle(timedelta(hours=2))
    assert world.told(e.TargetFailed) == ["TargetFailed t1"]


def test_an_unreachable_canary_is_waited_for_and_no_later_wave_starts() -> None:
    """Silence says nothing about the commit: it is neither passed nor taken back."""
    world = World(silent={"c1"})
    world.commit("web", "A")
    world.run(30 * MINUTE)
    assert world.told() == ["RolloutStarted", "WaveStarted canary", "TargetStarted c1"]
    assert any("connection refused" in sentence for sentence in world.sentences())
    world.cure()
    world.settle()
    assert world.application().good is not None


def test_a_wave_of_silent_targets_only_is_waited_for_even_within_its_budget() -> None:
    """One may be left behind, the last one not: somebody has to say yes before the next wave starts."""
    world = World(silent={"c1", "c2"})
    world.commit("web", "A", (wave("canary", "c1", "c2", max_failures=2), wave("rest", "r1")))
    world.run(30 * MINUTE, by=5 * SECOND)
    assert world.told(e.TargetFailed) == ["TargetFailed c1"]
    assert world.on("A") == []
    world.silent.remove("c2")
    world.settle()
    assert world.on("A") == ["c2", "r1"]


def test_a_target_unreachable_for_longer_than_its_deadline_gets_its_time_when_it_answers() -> None:
    world = World(silent={"c1"})
    world.commit("web", "A")
    world.run(30 * MINUTE)
    world.silent.clear()
    world.bad("A", "c1", how="never")
    world.run(9 * MINUTE)
    assert world.told(e.TargetFailed) == []
    world.run(2 * MINUTE)
    assert world.told(e.TargetFailed) == ["TargetFailed c1"]


def test_an_unreachable_target_within_the_budget_is_left_behind_and_rejoins_as_a_wave_of_its_own() -> None:
    waves = (wave("canary", "c1"), wave("rest", "r1", "r2", max_failures=1, soak=MINUTE))
    world = World(silent={"r2"})
    world.commit("web", "A", waves)
    world.settle()
    assert world.on("A") == ["c1", "r1"]
    assert world.application().lagging["r2"].cause is FailureCause.UNREACHABLE
    world.silent.clear()
    since = len(world.events)
    world.settle()
    started = world.events[since]
    assert isinstance(started, e.RolloutStarted)
    assert [(plan.name, plan.targets) for plan in started.waves] == [("rest-rejoin", ("r2",))]
    assert started.waves[0].soak == MINUTE
    assert world.on("A") == ["c1", "r1", "r2"]
    assert world.application().lagging == {}


def test_a_target_that_falls_silent_in_its_rejoin_stays_left_behind_and_blocks_nobody() -> None:
    waves = (wave("all", "t1", "t2", max_failures=1),)
    world = World(silent={"t2"})
    world.commit("web", "A", waves)
    world.settle()
    world.silent.clear()
    world.step()
    world.silent.add("t2")
    world.settle()
    assert world.told()[-1] == "RejoinAbandoned"
    assert set(world.application().lagging) == {"t2"}
    outcome = world.application().outcome
    assert outcome is not None
    assert outcome.result == "Succeeded"


def test_a_rejoin_that_fails_halts_without_quarantine_of_the_last_good_inputs() -> None:
    waves = (wave("all", "t1", "t2", max_failures=1),)
    world = World(silent={"t2"})
    world.commit("web", "A", waves)
    world.settle()
    world.silent.clear()
    world.bad("A", "t2")
    world.settle()
    rollout = world.application().rollout
    assert rollout is not None
    assert rollout.phase is RolloutPhase.HALTED
    assert world.application().quarantine == {}


def test_health_of_another_rollout_opens_nothing() -> None:
    """Reports are looked up by the exact work: same target, other rollout or other inputs, is no news."""
    world = World()
    world.commit("web", "A")
    world.settle()
    world.commit("web", "B")
    world.step()
    rollout = world.application().rollout
    assert rollout is not None
    healthy = TargetReport(counts={}, settled=True, current_since=world.now, answering_since=world.now)
    for stale in (
        ApplyWork("web", "web#1", "c1", "r1", "A"),
        ApplyWork("web", "web#1", "c1", rollout.revision, "B"),
        ApplyWork("web", rollout.id, "c1", rollout.revision, "A"),
    ):
        world.lives.clear()
        world.work = frozenset()
        seen = world.observe()
        assert isinstance(seen.targets, dict)
        seen.targets[stale] = healthy
        assert advance(world.state, seen, world.now).events == ()


def test_a_gate_that_answers_badly_fails_the_wave() -> None:
    world = World()
    world.commit("web", "A", (wave("all", "t1"),))
    world.settle()
    world.gate_answers = lambda _work: Outcome.BAD
    world.commit("web", "B", (wave("all", "t1", soak=MINUTE, gates=(http(failure_threshold=3),)),))
    world.settle()
    failed = next(event for event in world.events if isinstance(event, e.RolloutFailed))
    assert (failed.gate, failed.cause) == ("smoke", FailureCause.GATE)
    assert world.on("A") == ["t1"]


def test_a_gate_without_data_never_passes_and_runs_out_of_time() -> None:
    world = World(gate_answers=lambda _work: Outcome.NO_DATA)
    world.commit("web", "A", (wave("all", "t1", soak=MINUTE, gates=(http(),)),))
    world.settle()
    failed = next(event for event in world.events if isinstance(event, e.RolloutFailed))
    soak = next(event for event in world.events if isinstance(event, e.SoakStarted))
    assert failed.at - soak.at >= 11 * MINUTE
    assert "no pass in time" in failed.because


def test_an_approval_is_waited_for_without_end_and_opens_one_wave_only() -> None:
    gates = (ApprovalGate(type="approval"),)
    world = World()
    world.commit("web", "A", (wave("canary", "c1", gates=gates), wave("rest", "r1", gates=gates)))
    world.run(timedelta(hours=2), by=5 * SECOND)
    assert any("gitops approve production/web" in sentence for sentence in world.sentences())
    world.ask(e.CommandKind.APPROVE, "web")
    world.run(MINUTE)
    assert world.told(e.GateJudged) == ["GateJudged canary"]
    assert world.on("A") == ["c1", "r1"]
    world.ask(e.CommandKind.APPROVE)
    world.settle()
    assert world.application().good is not None


def test_a_command_is_read_once_and_one_that_means_nothing_leaves_no_trace_but_that_it_was_read() -> None:
    world = World()
    world.commit("web", "A")
    world.settle()
    before = len(world.events)
    world.ask(e.CommandKind.RETRY)
    world.run(MINUTE)
    assert world.events[before:] == [e.RevisionObserved(at=world.events[before].at, revision="r2")]


def test_a_suspended_environment_starts_nothing_and_goes_on_when_resumed() -> None:
    world = World()
    world.commit("web", "A")
    world.run_until(lambda: "WavePassed canary" in world.told())
    world.suspended = True
    started = world.told(e.TargetStarted)
    world.commit("api", "A")
    world.run(5 * MINUTE)
    assert world.told(e.TargetStarted) == started
    assert world.told(e.RolloutStarted, application="api") == []
    assert any("gitops resume production" in sentence for sentence in world.sentences())
    world.suspended = False
    world.settle()
    assert world.on("A", "api") == world.on("A", "web") == ["c1", "e1", "e2", "r1", "r2", "r3"]


def test_a_revision_with_problems_is_recorded_once_and_the_rest_goes_on() -> None:
    world = World(problems={"api": ("api/a.yaml:1:1: unknown field",)})
    world.commit("web", "A")
    world.settle()
    refused = [event for event in world.events if isinstance(event, e.RevisionRefused)]
    assert [event.problems for event in refused] == [("api/a.yaml:1:1: unknown field",)]
    assert world.application().good is not None
    assert "api cannot be rolled out as it is written; seen: api/a.yaml:1:1" in world.sentences()[0]


def test_what_waits_for_its_manifests_is_no_problem_and_holds_up_no_other() -> None:
    """Nothing is recorded of it: the revision may be as good as any."""
    world = World(awaiting={"api": "registry r.example: connection refused"})
    world.commit("web", "A")
    world.settle()
    assert [event for event in world.events if isinstance(event, e.RevisionRefused)] == []
    assert world.on("A") == ["c1", "e1", "e2", "r1", "r2", "r3"]
    assert world.sentences()[0] == (
        "api waits for what its manifests are made of; seen: registry r.example: connection refused; "
        "released by whoever runs what does not answer, or another commit."
    )
    assert not as_wanted(world.state, world.observe())
    world.awaiting.clear()
    assert as_wanted(world.state, world.observe())
    world.commit("api", "A")
    world.settle()
    assert world.on("A", "api") == world.on("A", "web")


def test_a_new_target_of_the_environment_is_rolled_out_to_with_the_same_inputs() -> None:
    world = World()
    world.commit("web", "A", THREE_WAVES[:2])
    world.settle()
    world.commit("web", "A", THREE_WAVES)
    world.settle()
    assert world.on("A") == ["c1", "e1", "e2", "r1", "r2", "r3"]


def test_the_same_inputs_in_a_later_commit_start_nothing() -> None:
    world = World()
    world.commit("web", "A")
    world.settle()
    before = len(world.events)
    world.commit("web", "A")
    world.run(MINUTE)
    assert len(world.events) == before


def test_a_gate_is_not_blamed_for_a_target_whose_health_cannot_be_told() -> None:
    """It answered well all along; one silence after its time, while health is awaited, fails nothing."""
    world = World()
    world.commit("web", "A", (wave("all", "t1", "t2", gates=(http(),), soak=MINUTE),))
    world.run_until(lambda: "SoakStarted all" in world.told())
    world.silent.add("t1")
    world.run(20 * MINUTE)
    world.gate_answers = lambda _work: Outcome.NO_DATA
    world.run(MINUTE)
    assert world.told(e.RolloutFailed) == []
    world.gate_answers = lambda _work: Outcome.GOOD
    world.cure()
    world.settle()
    assert world.application().good is not None


def test_the_cost_of_a_pass_follows_the_targets_not_their_square(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many targets have news at once, each is asked about its own news and once more."""
    asked: Counter[str] = Counter()
    ask = advancing._target_event

    def counted(step: Step, target: str) -> e.Event | None:
        asked[target] += 1
        return ask(step, target)

    monkeypatch.setattr(advancing, "_target_event", counted)
    world = World()
    world.commit("web", "A", (wave("all", *(f"t{number:03}" for number in range(60))),))
    most = 0
    while world.application().good is None:
        asked.clear()
        world.step()
        most = max(most, *asked.values(), 0)
    assert 0 < most <= 8  # the world itself makes every pass twice
