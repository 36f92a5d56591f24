"""The audit refs: appended locally, pushed by compare-and-swap, read back; what happens with two writers."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from controllers.adapters.git import Mirror, Remote
from gitops.errors import Conflict, InvalidInput, TerminalError, TransientError, Unreachable
from tests.unit.controllers.adapters.git.conftest import Work, make_work
from tests.unit.controllers.adapters.git.git_servers import HttpGit
from tests.unit.controllers.adapters.git.test_edit import AUTHOR

Open = Callable[..., Mirror]
REF = "refs/gitops/environments/production"


def record(mirror: Mirror, text: str, environment: str = "production") -> str:
    return mirror.append_audit(
        environment,
        message=f"{text}\n",
        files={"event.json": text.encode(), "evidence/log.txt": b"log", "state.json": b"{}"},
        author=AUTHOR,
        expected_tip=mirror.audit_tip(environment),
    )


@pytest.fixture(params=["bare", "http"])
def address(request: pytest.FixtureRequest, hub: Work, server: HttpGit) -> str:
    return str(hub.path) if request.param == "bare" else f"{server.url}/hub.git"


def test_records_form_a_chain_that_is_read_back(work: Work, open_mirror: Open) -> None:
    """Newest first, each naming its parent, with its files; other environments are other chains."""
    mirror = open_mirror(work.path)
    assert mirror.audit_tip("production") is None
    assert list(mirror.audit_log("production")) == []
    made = [record(mirror, f"event {n}") for n in range(3)]
    record(mirror, "elsewhere", "staging")
    log = list(mirror.audit_log("production"))
    assert [entry.oid for entry in log] == made[::-1]
    assert log[-1].parent is None
    assert all(newer.parent == older.oid for newer, older in pairwise(log))
    assert log[0].message == "event 2\n"
    assert log[0].time == AUTHOR.time
    assert log[0].files() == {"evidence/log.txt": b"log", "event.json": b"event 2", "state.json": b"{}"}
    assert list(mirror.read_commit_files(made[0])) == ["event.json", "evidence/log.txt", "state.json"]
    assert [entry.oid for entry in mirror.audit_log("production", limit=1)] == made[2:]
    assert mirror.audit_environments() == ("production", "staging")


def test_the_same_record_is_the_same_commit(work: Work, open_mirror: Open) -> None:
    """In any mirror: equal history, byte for byte."""
    one, two = open_mirror(work.path, name="one"), open_mirror(work.path, name="two")
    assert [record(one, "a"), record(one, "b")] == [record(two, "a"), record(two, "b")]


def test_a_record_on_a_tip_that_moved_is_a_conflict(work: Work, open_mirror: Open) -> None:
    mirror = open_mirror(work.path)
    first = record(mirror, "a")
    second = record(mirror, "b")
    for stale in (None, first):
        with pytest.raises(Conflict, match=f"is at {second}, not at {stale}"):
            mirror.append_audit("production", message="m", files={}, author=AUTHOR, expected_tip=stale)
    assert mirror.audit_tip("production") == second


@pytest.mark.parametrize("name", ["", "a b", "a/b", "..", "x.lock", "a~1", "new\nline"])
def test_an_environment_must_have_a_name_that_git_takes(work: Work, open_mirror: Open, name: str) -> None:
    mirror = open_mirror(work.path)
    with pytest.raises(InvalidInput, match="valid part of a Git ref"):
        record(mirror, "a", name)


def test_pushed_records_come_back_from_the_repository_alone(
    hub: Work, address: str, open_mirror: Open
) -> None:
    """A second mirror, made from nothing, has the same chain after its first fetch."""
    mirror = open_mirror(address)
    mirror.fetch()
    tip = [record(mirror, str(n)) for n in range(3)][-1]
    assert mirror.unpushed_audit() == ("production",)
    assert mirror.push_audit(["production", "never-recorded"])["production"].head == tip
    assert mirror.unpushed_audit() == ()
    assert hub.head(REF) == tip
    assert hub.git("fsck", "--strict") == ""
    assert record(mirror, "more") != tip
    assert mirror.push_audit(["production"])["production"].problem is None
    other = open_mirror(address, name="other")
    assert other.fetch().diverged == ()
    assert list(other.audit_log("production")) == list(mirror.audit_log("production"))
    assert other.unpushed_audit() == ()


def test_unpushed_records_survive_fetches_and_restarts(hub: Work, address: str, open_mirror: Open) -> None:
    assert hub.path.exists()
    mirror = open_mirror(address)
    mirror.fetch()
    record(mirror, "a")
    mirror.push_audit(["production"])
    tip = record(mirror, "b")
    again = open_mirror(address)
    assert again.fetch().diverged == ()
    assert again.audit_tip("production") == tip
    assert again.unpushed_audit() == ("production",)


def test_of_two_writers_the_second_is_fenced(hub: Work, address: str, open_mirror: Open) -> None:
    """Its push is a Conflict, its chain stays until it adopts the other's, and then lies aside."""
    one, two = open_mirror(address, name="one"), open_mirror(address, name="two")
    for mirror in (one, two):
        mirror.fetch()
    winner, loser = record(one, "one"), record(two, "two")
    record(two, "fine", "staging")
    assert one.push_audit(["production"])["production"].problem is None
    results = two.push_audit(["production", "staging"])
    assert isinstance(results["production"].problem, Conflict)
    assert results["production"].head == winner
    assert results["staging"].problem is None
    assert hub.head(REF) == winner
    assert two.fetch().diverged == ("production",)
    assert two.audit_tip("production") == loser
    assert two.adopt_audit("production") == winner == two.audit_tip("production")
    assert two.fetch().diverged == ()
    assert two.resolve(f"refs/gitops/aside/production/{loser}") == loser
    follow_up = record(two, "three")
    assert two.push_audit(["production"])["production"].head == follow_up == hub.head(REF)
    one.fetch()
    assert one.audit_tip("production") == follow_up


def test_there_is_nothing_to_adopt_where_nobody_else_wrote(work: Work, open_mirror: Open) -> None:
    mirror = open_mirror(work.path)
    record(mirror, "a")
    with pytest.raises(TerminalError, match="nothing to adopt"):
        mirror.adopt_audit("production")


def test_the_lock_of_a_killed_process_is_no_other_writer(work: Work, open_mirror: Open) -> None:
    """While it may be alive, the push is to be tried again, and nobody is fenced; then it is removed."""
    mirror = open_mirror(work.path)
    mirror.fetch()
    record(mirror, "a")
    assert mirror.push_audit(["production"])["production"].problem is None
    tip = record(mirror, "b")
    lock = work.path / ".git" / f"{REF}.lock"
    lock.write_text("")
    problem = mirror.push_audit(["production"])["production"].problem
    assert isinstance(problem, TransientError)
    assert not isinstance(problem, Conflict)
    os.utime(lock, (time.time() - 60, time.time() - 60))
    assert mirror.push_audit(["production"])["production"].problem is None
    assert work.head(REF) == tip
    assert not lock.exists()


def test_a_push_whose_answer_was_lost_is_noticed(hub: Work, address: str, open_mirror: Open) -> None:
    """The remote has an older record of ours that we never noted as pushed."""
    mirror = open_mirror(address)
    mirror.fetch()
    record(mirror, "a")
    mirror.push_audit(["production"])
    record(mirror, "b")
    mirror.push_audit(["production"])
    hub_tip = hub.head(REF)
    mirror._exchange._repository.references.delete("refs/remotes/audit/production")
    assert mirror.unpushed_audit() == ("production",)
    assert mirror.push_audit(["production"])["production"].head == hub_tip
    tip = record(mirror, "c")
    assert mirror.push_audit(["production"])["production"].head == tip == hub.head(REF)


def test_a_deleted_audit_ref_is_pushed_again(hub: Work, address: str, open_mirror: Open) -> None:
    mirror = open_mirror(address)
    mirror.fetch()
    tip = record(mirror, "a")
    mirror.push_audit(["production"])
    hub.git("update-ref", "-d", REF)
    mirror.fetch()
    assert mirror.unpushed_audit() == ("production",)
    assert mirror.push_audit(["production"])["production"].head == tip == hub.head(REF)


def test_audit_refs_may_live_in_another_repository(
    work: Work, hub: Work, tmp_path: Path, open_mirror: Open
) -> None:
    """They go there and come from there; the manifests' repository never sees them."""
    archive = make_work(tmp_path / "archive.git", bare=True)
    mirror = open_mirror(hub.path, audit=Remote(str(archive.path)))
    mirror.fetch()
    tip = record(mirror, "a")
    mirror.push_audit(["production"])
    assert archive.head(REF) == tip
    assert "gitops" not in hub.git("for-each-ref") + work.git("for-each-ref")
    other = open_mirror(hub.path, name="other", audit=Remote(str(archive.path)))
    other.fetch()
    assert other.audit_tip("production") is None
    assert other.fetch_audit() == ()
    assert other.audit_tip("production") == tip


def test_a_remote_that_is_away_delays_only_the_push(hub: Work, server: HttpGit, open_mirror: Open) -> None:
    mirror = open_mirror(f"{server.url}/hub.git")
    mirror.fetch()
    server.server.status = 503
    record(mirror, "a")
    with pytest.raises(Unreachable):
        mirror.push_audit(["production"])
    tip = record(mirror, "b")
    server.server.status = 0
    assert mirror.push_audit(["production"])["production"].head == tip == hub.head(REF)


def test_refs_that_others_put_beside_ours_are_passed_over(hub: Work, address: str, open_mirror: Open) -> None:
    """A forged ref in a folder is no environment's, and must not keep true records from being pushed."""
    hub.git("update-ref", f"{REF}/forged", hub.head())
    mirror = open_mirror(address)
    mirror.fetch()
    tip = record(mirror, "one", "staging")
    assert mirror.audit_environments() == mirror.unpushed_audit() == ("staging",)
    assert mirror.push_audit(("staging",))["staging"].head == tip
