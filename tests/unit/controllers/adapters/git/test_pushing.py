"""Pushing to the branch: compare-and-swap, rejected pushes, work trees of local repositories."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from controllers.adapters.git import Change, Mirror, Signature
from gitops.errors import Conflict, Denied, Refused, Unreachable
from tests.unit.controllers.adapters.git.conftest import Work
from tests.unit.controllers.adapters.git.git_servers import HttpGit
from tests.unit.controllers.adapters.git.test_edit import AUTHOR

Open = Callable[..., Mirror]


def edit(mirror: Mirror, parent: str, author: Signature = AUTHOR, **files: bytes) -> str:
    return mirror.write_commit(parent=parent, changes=files, message="Revert it", author=author)


@pytest.fixture(params=["bare", "http"])
def mirror(request: pytest.FixtureRequest, hub: Work, server: HttpGit, open_mirror: Open) -> Mirror:
    return open_mirror(hub.path if request.param == "bare" else f"{server.url}/hub.git")


def test_a_push_moves_the_branch_and_is_accepted_by_the_next_fetch(hub: Work, mirror: Mirror) -> None:
    head = mirror.fetch().head
    made = edit(mirror, head, README=b"reverted\n")
    mirror.push_branch(made, expected_head=head)
    assert hub.head() == made
    assert hub.show("main", "README") == "reverted"
    assert hub.git("fsck", "--strict") == ""
    fetched = mirror.fetch()
    assert (fetched.change, fetched.head) == (Change.FAST_FORWARD, made)


def test_a_push_that_arrived_before_a_crash_is_done(hub: Work, mirror: Mirror) -> None:
    head = mirror.fetch().head
    made = edit(mirror, head, README=b"reverted\n")
    for _ in range(2):
        mirror.push_branch(made, expected_head=head)
    assert hub.head() == made


def test_a_push_onto_a_branch_that_moved_is_a_conflict(work: Work, hub: Work, mirror: Mirror) -> None:
    head = mirror.fetch().head
    moved = work.commit({"README": "somebody else"})
    work.git("push", "-q", "origin", "main")
    with pytest.raises(Conflict, match=f"refs/heads/main is at {moved}"):
        mirror.push_branch(edit(mirror, head, README=b"x"), expected_head=head)
    assert hub.head() == moved


def test_a_push_never_goes_backwards(work: Work, hub: Work, mirror: Mirror) -> None:
    older = work.head()
    newer = work.commit({"README": "2"})
    work.git("push", "-q", "origin", "main")
    mirror.fetch()
    with pytest.raises(Conflict):
        mirror.push_branch(older, expected_head=newer)
    assert hub.head() == newer


def test_of_two_pushes_at_once_one_wins(hub: Work, server: HttpGit, open_mirror: Open) -> None:
    """The other is a Conflict, and the branch has exactly the winner's commit."""
    mirrors = [open_mirror(f"{server.url}/hub.git", name=f"m{n}") for n in range(3)]
    head = [mirror.fetch().head for mirror in mirrors][0]  # noqa: RUF015 - all of them must fetch
    made = [edit(mirror, head, README=str(n).encode()) for n, mirror in enumerate(mirrors)]
    outcomes: dict[int, Exception | None] = {}
    start = threading.Barrier(3)

    def push(n: int) -> None:
        start.wait()
        try:
            mirrors[n].push_branch(made[n], expected_head=head)
            outcomes[n] = None
        except Exception as error:  # noqa: BLE001 - looked at below
            outcomes[n] = error

    threads = [threading.Thread(target=push, args=(n,)) for n in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    winners = [n for n, error in outcomes.items() if error is None]
    assert len(winners) == 1, outcomes
    assert hub.head() == made[winners[0]]
    assert all(isinstance(error, Conflict) for n, error in outcomes.items() if n not in winners), outcomes


def hook(repository: Path, name: str, script: str) -> None:
    file = repository / "hooks" / name
    file.parent.mkdir(exist_ok=True)
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)


def test_a_server_that_declines_is_quoted(hub: Work, server: HttpGit, open_mirror: Open) -> None:
    """As a forge does for a protected branch: the status and what it explains beside it."""
    hook(hub.path, "pre-receive", "echo 'GH006: Protected branch update failed' >&2; exit 1")
    mirror = open_mirror(f"{server.url}/hub.git")
    head = mirror.fetch().head
    with pytest.raises(Denied, match=r"rejected our push.*declined.*GH006: Protected branch") as caught:
        mirror.push_branch(edit(mirror, head, README=b"x"), expected_head=head)
    assert "\x1b" not in str(caught.value)
    assert hub.head() == head


def test_an_account_that_may_only_read_is_denied(hub: Work, server: HttpGit, open_mirror: Open) -> None:
    mirror = open_mirror(f"{server.url}/hub.git")
    head = mirror.fetch().head
    server.server.status = 403
    with pytest.raises(Denied, match="HTTP 403"):
        mirror.push_branch(edit(mirror, head, README=b"x"), expected_head=head)
    server.server.status = 502
    with pytest.raises(Unreachable, match="HTTP 502"):
        mirror.push_branch(edit(mirror, head, README=b"x"), expected_head=head)
    assert hub.head() == head


def test_a_local_repository_with_a_guarding_hook_refuses(hub: Work, open_mirror: Open) -> None:
    """The hook is not run, and not passed by either."""
    hook(hub.path, "pre-receive", f"touch {hub.path}/ran")
    mirror = open_mirror(hub.path)
    head = mirror.fetch().head
    with pytest.raises(Refused, match="guards its refs with the hook pre-receive"):
        mirror.push_branch(edit(mirror, head, README=b"x"), expected_head=head)
    assert not (hub.path / "ran").exists()
    assert hub.head() == head


class TestWorkTrees:
    """A local repository that is not bare follows the rules of `receive.denyCurrentBranch=updateInstead`."""

    @pytest.fixture
    def pushed(self, work: Work, open_mirror: Open) -> Callable[[], str]:
        """Push a commit that changes one file and adds one; call it to do so."""
        mirror = open_mirror(work.path)
        head = mirror.fetch().head
        made = edit(mirror, head, README=b"reverted\n", added=b"a\n")

        def push() -> str:
            mirror.push_branch(made, expected_head=head)
            return made

        return push

    def test_a_clean_one_follows(self, work: Work, pushed: Callable[[], str]) -> None:
        """Untracked files do not matter, and stay."""
        (work.path / "notes").write_text("mine")
        assert pushed() == work.head()
        assert (work.path / "README").read_text() == "reverted\n"
        assert (work.path / "added").exists()
        assert work.git("status", "--porcelain") == "?? notes"

    @pytest.mark.parametrize("staged", [True, False])
    def test_a_changed_one_refuses(self, work: Work, pushed: Callable[[], str], staged: bool) -> None:  # noqa: FBT001
        """Whatever was changed, even a file that the push does not touch; nothing moves."""
        head = work.head()
        (work.path / "apps/shop/db.yaml").write_text("mine")
        if staged:
            work.git("add", "-A")
        with pytest.raises(Refused, match="uncommitted changes"):
            pushed()
        assert work.head() == head
        assert (work.path / "apps/shop/db.yaml").read_text() == "mine"
        assert (work.path / "README").read_text() == "hello\n"

    def test_an_untracked_file_in_the_way_refuses(self, work: Work, pushed: Callable[[], str]) -> None:
        """It is not overwritten."""
        head = work.head()
        (work.path / "added").write_text("mine")
        with pytest.raises(Refused, match="cannot bring the work tree"):
            pushed()
        assert work.head() == head
        assert (work.path / "added").read_text() == "mine"
        assert work.git("status", "--porcelain") == "?? added"

    def test_another_branch_checked_out_is_left_alone(self, work: Work, pushed: Callable[[], str]) -> None:
        """Only the ref moves."""
        work.git("checkout", "-q", "-b", "elsewhere")
        (work.path / "README").write_text("mine")
        assert pushed() == work.head("main")
        assert (work.path / "README").read_text() == "mine"

    def test_a_linked_one_follows_too(self, work: Work, tmp_path: Path, pushed: Callable[[], str]) -> None:
        """The branch may be checked out there instead."""
        work.git("checkout", "-q", "-b", "elsewhere")
        work.git("worktree", "add", "-q", str(tmp_path / "linked"), "main")
        pushed()
        linked = Work(tmp_path / "linked")
        assert linked.git("status", "--porcelain") == ""
        assert (linked.path / "README").read_text() == "reverted\n"

    def test_a_push_killed_half_way_is_finished(self, work: Work, pushed: Callable[[], str]) -> None:
        """The work tree already holds the new commit, the branch not yet."""
        (work.path / "README").write_text("reverted\n")
        (work.path / "added").write_text("a\n")
        work.git("add", "-A")
        assert pushed() == work.head()
        assert work.git("status", "--porcelain") == ""

    def test_a_locked_branch_moves_nothing(self, work: Work, pushed: Callable[[], str]) -> None:
        """Somebody is about to commit."""
        head = work.head()
        lock = work.path / ".git/refs/heads/main.lock"
        lock.write_text("")
        with pytest.raises(Conflict, match="somebody else was faster"):
            pushed()
        lock.unlink()
        assert work.head() == head
        assert work.git("status", "--porcelain") == ""

    def test_an_explicit_refusal_is_honoured(self, work: Work, pushed: Callable[[], str]) -> None:
        """receive.denyCurrentBranch=refuse."""
        work.git("config", "receive.denyCurrentBranch", "refuse")
        with pytest.raises(Refused, match="denyCurrentBranch=refuse"):
            pushed()

    def test_an_explicit_ignore_moves_only_the_branch(self, work: Work, pushed: Callable[[], str]) -> None:
        """receive.denyCurrentBranch=ignore."""
        work.git("config", "receive.denyCurrentBranch", "ignore")
        assert pushed() == work.head()
        assert (work.path / "README").read_text() == "hello\n"
