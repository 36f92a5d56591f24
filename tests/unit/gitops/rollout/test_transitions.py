"""The table: illegal events raise and change nothing; every event has its row; values survive JSON."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, get_args

import pytest

from gitops.model.kinds import FailurePolicy, RevertPush
from gitops.rollout import events as e
from gitops.rollout.folds import QUARANTINE_LIMIT
from gitops.rollout.state import EnvironmentState, FailureCause
from gitops.rollout.transitions import TABLE, IllegalTransition, evolve
from tests.unit.gitops.rollout.world import START, World, wave

WAVES = (wave("first", "a", "b", max_concurrent=1), wave("second", "c"))
WEB: dict[str, Any] = {"at": START, "application": "web", "rollout": "web#1"}


def started(number: int = 1, digest: str = "A", **more: Any) -> e.RolloutStarted:
    about = {**WEB, "rollout": f"web#{number}", "revision": f"r{number}", "digest": digest, "waves": WAVES}
    return e.RolloutStarted(
        **{**about, "on_failure": FailurePolicy.REVERT, "push": RevertPush.COMMIT, **more}
    )


def target(kind: type[Any], name: str, **more: Any) -> e.Event:
    event: e.Event = kind(**WEB, target=name, **more)
    return event


def in_wave(kind: type[Any], name: str, **more: Any) -> e.Event:
    event: e.Event = kind(**WEB, wave=name, **more)
    return event


RUNNING = (started(), in_wave(e.WaveStarted, "first"))
ONE_IN_FLIGHT = (*RUNNING, target(e.TargetStarted, "a"))
ONE_HEALTHY = (*ONE_IN_FLIGHT, target(e.TargetApplied, "a", counts={}), target(e.TargetHealthy, "a"))
FAILED = (
    *ONE_IN_FLIGHT,
    target(e.TargetFailed, "a", cause=FailureCause.HEALTH, because="x"),
    in_wave(e.RolloutFailed, "first", cause=FailureCause.HEALTH, because="x"),
)

ILLEGAL: dict[str, tuple[tuple[e.Event, ...], e.Event]] = {
    "a wave before its rollout": ((), in_wave(e.WaveStarted, "first")),
    "a rollout beside a running one": (RUNNING, started(2)),
    "a rollout out of number": ((), started(7)),
    "a target in two waves": ((), started(waves=(wave("first", "a"), wave("second", "a")))),
    "a rejoin of nothing": ((), started(rejoin=True)),
    "an event of another rollout": (
        RUNNING,
        e.RolloutSuperseded(at=START, application="web", rollout="web#9", by="r"),
    ),
    "the second wave first": ((started(),), in_wave(e.WaveStarted, "second")),
    "a wave while one runs": (RUNNING, in_wave(e.WaveStarted, "second")),
    "a target before its wave": ((started(),), target(e.TargetStarted, "a")),
    "a target of a later wave": (RUNNING, target(e.TargetStarted, "c")),
    "an unknown target": (RUNNING, target(e.TargetStarted, "z")),
    "one target more than maxConcurrent": (ONE_IN_FLIGHT, target(e.TargetStarted, "b")),
    "a target twice": (ONE_IN_FLIGHT, target(e.TargetStarted, "a")),
    "health before the apply": (ONE_IN_FLIGHT, target(e.TargetHealthy, "a")),
    "a soak while a target waits": (ONE_HEALTHY, in_wave(e.SoakStarted, "first")),
    "a wave that passes without a soak": (ONE_HEALTHY, in_wave(e.WavePassed, "first")),
    "a gate outside the soak": (
        ONE_HEALTHY,
        in_wave(e.GateJudged, "first", gate="g", verdict="Pass", because=""),
    ),
    "success with waves left": (ONE_HEALTHY, e.RolloutSucceeded(**WEB)),
    "a failure of another wave": (
        ONE_HEALTHY,
        in_wave(e.RolloutFailed, "second", cause=FailureCause.HEALTH, because="x"),
    ),
    "a restore with nothing good": (FAILED, e.RestoreStarted(**WEB, targets=("a",), revision="r0")),
    "a revert of what did not fail": (RUNNING, e.RevertPushed(**WEB, commit="c")),
    "a rejoin abandoned that is none": (RUNNING, e.RejoinAbandoned(**WEB, because="x")),
    "forgetting the unknown": ((), e.ApplicationRetired(at=START, application="web")),
}


@pytest.mark.parametrize("case", ILLEGAL)
def test_an_illegal_event_raises_and_changes_nothing(case: str) -> None:
    before, event = ILLEGAL[case]
    state = evolve(EnvironmentState(), before)
    kept = state.model_dump_json()
    with pytest.raises(IllegalTransition):
        evolve(state, (event,))
    assert state.model_dump_json() == kept


def test_inputs_in_quarantine_never_start_again() -> None:
    state = evolve(EnvironmentState(), (*FAILED, e.RolloutHalted(**WEB, because="no good")))
    superseded = e.RolloutSuperseded(**WEB, by="r2")
    with pytest.raises(IllegalTransition, match="quarantine"):
        evolve(state, (superseded, started(2)))
    retry = e.CommandSeen(at=START, application="web", command=e.CommandKind.RETRY, commit="c", author="Ada")
    assert evolve(state, (retry, started(2))).application("web").rollout is not None


def test_a_revert_is_settled_once() -> None:
    world = World()
    world.commit("web", "A", WAVES)
    world.settle()
    world.bad("B", "a")
    world.commit("web", "B", WAVES)
    world.run_until(lambda: "RolloutReverted" in world.told())
    at = next(index for index, event in enumerate(world.events) if isinstance(event, e.RevertPushed))
    state = evolve(EnvironmentState(), world.events[: at + 1])
    with pytest.raises(IllegalTransition, match="settled already"):
        evolve(state, (world.events[at],))


def test_every_event_has_a_row_in_the_table() -> None:
    kinds = set(get_args(get_args(e.Event)[0]))
    assert kinds - set(TABLE) == {e.RevisionObserved, e.RevisionRefused}


def test_old_quarantine_gives_way_when_there_is_too_much_of_it() -> None:
    state = EnvironmentState()
    for number in range(1, QUARANTINE_LIMIT + 3):
        at = START + timedelta(minutes=number)
        about = {"at": at, "application": "web", "rollout": f"web#{number}"}
        state = evolve(
            state,
            (
                started(number, f"D{number}", at=at),
                e.WaveStarted(**about, wave="first"),
                e.RolloutFailed(**about, wave="first", cause=FailureCause.HEALTH, because="x"),
                e.RolloutHalted(**about, because="x"),
                e.RolloutSuperseded(**about, by="r"),
            ),
        )
    held = state.application("web").quarantine
    assert len(held) == QUARANTINE_LIMIT
    assert {"D1", "D2"}.isdisjoint(held)


def test_events_and_state_survive_json() -> None:
    world = World()
    world.commit("web", "A")
    world.settle()
    world.bad("B", "c1")
    world.commit("web", "B")
    world.run_until(lambda: "RestoreStarted" in world.told())
    written = e.EVENTS.dump_json(tuple(world.events))
    assert e.EVENTS.validate_json(written) == tuple(world.events)
    assert EnvironmentState.model_validate_json(world.state.model_dump_json()) == world.state
