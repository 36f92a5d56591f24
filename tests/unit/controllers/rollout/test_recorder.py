"""Records: written before anything is done, pushed soon after, and one leader per environment."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest

from controllers.adapters.git import Mirror, PushResult
from controllers.rollout.recorder import Recorder
from gitops.errors import Conflict, Denied, TerminalError, Unreachable
from gitops.rollout.desired import wish
from gitops.rollout.events import Event, RevisionObserved, RolloutStarted
from gitops.rollout.state import EnvironmentState
from gitops.rollout.transitions import evolve
from tests.unit.controllers.rollout.shop import NOW, Shop, author, until


class Leader:
    """A recorder and the state that it has recorded so far."""

    def __init__(self, shop: Shop, mirror: Mirror | None = None) -> None:
        self.unpushed: dict[str, int] = {}
        self.mirror = mirror or shop.mirror
        self.recorder = Recorder(self.mirror, author, shop.patience, self.unpushed.__setitem__)
        self.states: dict[str, EnvironmentState] = {}
        self._seconds = 0

    async def load(self, environment: str = "production") -> EnvironmentState:
        """Begin to lead."""
        self.states[environment] = await self.recorder.load(environment)
        return self.states[environment]

    async def record(self, *events: Event, environment: str = "production") -> str:
        """Record events, or that a revision was observed."""
        self._seconds += 1
        at = NOW + timedelta(seconds=self._seconds)
        happened = events or (RevisionObserved(at=at, revision=f"{self._seconds:040x}"),)
        state = evolve(self.states[environment], happened)
        commit = await self.recorder.append(environment, happened, state, at)
        self.states[environment] = state
        return commit


@asynccontextmanager
async def pushing(leader: Leader) -> Any:
    """Push in the background."""
    task = asyncio.create_task(leader.recorder.push_forever())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def remote_tip(shop: Shop, environment: str = "production") -> str:
    ref = f"refs/gitops/environments/{environment}"
    return shop.people.git("for-each-ref", "--format=%(objectname)", ref)


def started(shop: Shop, application: str) -> RolloutStarted:
    desired = wish(shop.catalog(shop.first), "production", shop.first, EnvironmentState()).desired
    one = desired[application]
    return RolloutStarted(
        at=NOW,
        application=application,
        rollout=f"{application}#1",
        revision=shop.first,
        digest=one.digest,
        waves=one.waves,
        on_failure="Revert",
        push="Commit",
    )


async def test_an_environment_without_records_has_a_new_state(shop: Shop) -> None:
    """Nothing recorded is no error: it was never rolled out."""
    assert await Leader(shop).load() == EnvironmentState()


async def test_what_was_recorded_is_what_the_next_controller_knows(shop: Shop) -> None:
    """The newest record alone gives the state, whoever reads it."""
    leader = Leader(shop)
    await leader.load()
    await leader.record(started(shop, "web"), started(shop, "api"))
    await leader.record()
    assert await Leader(shop).load() == leader.states["production"]
    assert set(leader.states["production"].applications) == {"web", "api"}


async def test_a_record_holds_every_application_also_those_it_is_not_about(shop: Shop) -> None:
    """Their files are the ones of the record before, byte for byte."""
    leader = Leader(shop)
    await leader.load()
    first = await leader.record(started(shop, "web"))
    second = await leader.record(started(shop, "api"))
    before, after = (leader.mirror.read_commit_files(commit) for commit in (first, second))
    assert after["state/applications/web.json"] == before["state/applications/web.json"]
    assert "state/applications/api.json" in after


async def test_records_that_cannot_be_read_say_which_file_is_broken(shop: Shop) -> None:
    """Guessing at a state could write to clusters what nobody asked for."""
    shop.mirror.append_audit(
        "production",
        message="broken\n",
        files={"format": b"1\n", "state/environment.json": b"{"},
        author=author(NOW),
        expected_tip=None,
    )
    with pytest.raises(TerminalError, match=r"state/environment\.json is broken"):
        await Leader(shop).load()


async def test_records_of_several_environments_go_out_in_one_push(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A burst costs one conversation with the remote."""
    leader = Leader(shop)
    pushed: list[Sequence[str]] = []
    push = leader.mirror.push_audit

    def counted(environments: Sequence[str]) -> Mapping[str, PushResult]:
        pushed.append(tuple(environments))
        return push(environments)

    monkeypatch.setattr(leader.mirror, "push_audit", counted)
    tips = {}
    for environment in ("production", "staging"):
        await leader.load(environment)
        await leader.record(environment=environment)
        tips[environment] = await leader.record(environment=environment)
    assert leader.unpushed == {"production": 2, "staging": 2}
    await leader.recorder.push()
    assert pushed == [("production", "staging")]
    assert {name: remote_tip(shop, name) for name in tips} == tips
    assert leader.unpushed == {"production": 0, "staging": 0}


async def test_a_record_written_during_a_push_counts_as_pushed_once_it_is(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The push took it along or the next one does; the count of what waits ends at none."""
    leader = Leader(shop)
    await leader.load()
    await leader.record()
    unpushed = leader.mirror.unpushed_audit
    loop = asyncio.get_running_loop()
    late: list[str] = []

    def slow() -> tuple[str, ...]:
        if not late:
            late.append(asyncio.run_coroutine_threadsafe(leader.record(), loop).result(5))
        return unpushed()

    monkeypatch.setattr(leader.mirror, "unpushed_audit", slow)
    async with pushing(leader):
        await until(lambda: late and remote_tip(shop) == late[0] and leader.unpushed == {"production": 0})


async def test_records_wait_for_a_remote_that_is_away(shop: Shop) -> None:
    """Recording goes on, the error is told, and everything goes out when the remote is back."""
    leader = Leader(shop)
    await leader.load()
    away = shop.people.path.with_name("away")
    shop.people.path.rename(away)
    async with pushing(leader):
        await leader.record()
        await until(lambda: leader.recorder.push_error)
        assert "there is no Git repository" in leader.recorder.push_error
        last = await leader.record()
        away.rename(shop.people.path)
        await until(lambda: remote_tip(shop) == last and not leader.recorder.push_error)
    assert leader.unpushed == {"production": 0}


async def test_a_defect_while_pushing_is_logged_and_pushing_goes_on(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Records that stay on one machine without a word would be lost with it."""
    leader = Leader(shop)
    await leader.load()
    push = leader.mirror.push_audit
    tries: list[int] = []

    def defective(environments: Sequence[str]) -> Mapping[str, PushResult]:
        tries.append(1)
        if len(tries) == 1:
            raise KeyError("no such thing")
        return push(environments)

    monkeypatch.setattr(leader.mirror, "push_audit", defective)
    with caplog.at_level(logging.WARNING):
        async with pushing(leader):
            last = await leader.record()
            await until(lambda: remote_tip(shop) == last)
    (logged,) = [record for record in caplog.records if "wait to be pushed" in record.message]
    assert logged.exc_info


async def test_one_environment_that_is_refused_keeps_no_other_from_being_pushed(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is wrong with one ref is told after the others were dealt with, conflicts included."""
    leader = Leader(shop)
    for environment in ("a", "b", "c"):
        await leader.load(environment)
        await leader.record(environment=environment)
    results = {
        "a": PushResult(None, Denied("refs/gitops/environments/a is protected")),
        "b": PushResult(None, Conflict("b is elsewhere")),
        "c": PushResult("1" * 40),
    }
    monkeypatch.setattr(leader.mirror, "push_audit", lambda _environments: results)
    with pytest.raises(Denied, match="protected"):
        await leader.recorder.push()
    assert set(leader.recorder.fenced) == {"b"}
    assert leader.unpushed == {"a": 1, "b": 1, "c": 0}


async def test_the_push_of_a_second_leader_fences_it(shop: Shop) -> None:
    """Whoever pushes last finds the other's record: it records nothing any more, and says what to do."""
    one, other = Leader(shop), Leader(shop, shop.mirror_at("other"))
    for leader in (one, other):
        await leader.load()
        await leader.record(started(shop, "web" if leader is one else "api"))
    await one.recorder.push()
    await other.recorder.push()
    with pytest.raises(Conflict, match="end one of the two, and restart this one to take over"):
        await other.record()
    assert not one.recorder.fenced
    await one.record()


async def test_a_leader_whose_ref_was_moved_by_a_fetch_is_fenced(shop: Shop) -> None:
    """Another one has taken over and recorded; a state that does not know of it is never recorded on top."""
    one, other = Leader(shop), Leader(shop, shop.mirror_at("other"))
    await one.load()
    await one.record(started(shop, "web"))
    await one.recorder.push()
    other.mirror.fetch()
    await other.load()
    theirs = await other.record(started(shop, "api"))
    await other.recorder.push()
    one.mirror.fetch()
    assert one.mirror.audit_tip("production") == theirs
    for _ in range(2):
        with pytest.raises(Conflict, match="another controller records production"):
            await one.record()
    assert one.mirror.audit_tip("production") == theirs
    await other.record()


async def test_a_record_that_does_not_fit_on_the_disk_is_recorded_later(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A transient failure is no fence: the same record goes through when there is room."""
    leader = Leader(shop)
    await leader.load()
    append = leader.mirror.append_audit

    def full(*_arguments: Any, **_options: Any) -> str:
        raise Unreachable("the disk is full")

    monkeypatch.setattr(leader.mirror, "append_audit", full)
    with pytest.raises(Unreachable):
        await leader.record()
    monkeypatch.setattr(leader.mirror, "append_audit", append)
    await leader.record()
    assert not leader.recorder.fenced
