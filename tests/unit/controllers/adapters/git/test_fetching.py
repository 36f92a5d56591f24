"""Following a branch: local, file://, HTTP; what is accepted, what is refused, what failures say."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pygit2
import pytest

from controllers.adapters.git import Change, Credentials, Mirror, OnForcePush
from gitops.errors import Denied, GitopsError, TerminalError, TransientError, Unreachable
from tests.unit.controllers.adapters.git.conftest import Work, make_work
from tests.unit.controllers.adapters.git.git_servers import PASSWORD, USERNAME, HttpGit, http_git

Open = Callable[..., Mirror]


@pytest.fixture(params=["path", "file", "bare", "http"])
def address(request: pytest.FixtureRequest, work: Work, hub: Work, server: HttpGit) -> str:
    return {
        "path": str(work.path),
        "file": work.path.as_uri(),
        "bare": str(hub.path),
        "http": f"{server.url}/hub.git",
    }[request.param]


def publish(work: Work, *arguments: str) -> None:
    work.git("push", "-q", "origin", "main", *arguments)


def test_a_fetch_accepts_the_branch_and_then_only_what_is_new(
    work: Work, hub: Work, address: str, open_mirror: Open
) -> None:
    """NEW first, NONE while nothing moves, FAST_FORWARD after a push; the files are readable each time."""
    mirror = open_mirror(address)
    first = work.head()
    assert mirror.head() is None
    fetched = mirror.fetch()
    assert (fetched.head, fetched.previous, fetched.change) == (first, None, Change.NEW)
    assert mirror.fetch().change is Change.NONE
    second = work.commit({"apps/shop/web.yaml": "kind: Web2\n"})
    publish(work)
    fetched = mirror.fetch()
    assert (fetched.head, fetched.previous, fetched.change) == (second, first, Change.FAST_FORWARD)
    assert mirror.head() == second == hub.head()
    assert mirror.tree(second).read("apps/shop/web.yaml") == b"kind: Web2\n"
    assert mirror.tree(first).read("apps/shop/web.yaml") == b"kind: Web\n"


def test_a_reopened_mirror_remembers_what_it_accepted(work: Work, open_mirror: Open) -> None:
    open_mirror(work.path).fetch()
    again = open_mirror(work.path)
    assert again.head() == work.head()
    assert again.fetch().change is Change.NONE


def rewrite(work: Work) -> str:
    work.git("commit", "-q", "--amend", "-m", "rewritten")
    publish(work, "--force")
    return work.head()


def test_a_force_push_is_reported_and_not_followed(
    work: Work, hub: Work, address: str, open_mirror: Open
) -> None:
    """The head stays until a person accepts the revision that was seen."""
    assert hub.head() == work.head()
    mirror = open_mirror(address)
    first = mirror.fetch().head
    rewritten = rewrite(work)
    for _ in range(2):
        fetched = mirror.fetch()
        assert fetched.change is Change.FORCE_PUSHED
        assert (fetched.head, fetched.seen) == (first, rewritten)
    assert mirror.head() == first
    mirror.accept_force_push(rewritten)
    assert mirror.fetch().change is Change.NONE
    assert mirror.head() == rewritten


def test_a_force_push_to_an_older_commit_is_one_too(work: Work, hub: Work, open_mirror: Open) -> None:
    assert hub.head() == work.head()
    older = work.head()
    newer = work.commit({"README": "2"})
    publish(work)
    mirror = open_mirror(hub.path)
    mirror.fetch()
    work.git("reset", "-q", "--hard", older)
    publish(work, "--force")
    fetched = mirror.fetch()
    assert (fetched.change, fetched.head, fetched.seen) == (Change.FORCE_PUSHED, newer, older)


def test_a_force_push_is_followed_where_configured(
    work: Work, hub: Work, address: str, open_mirror: Open
) -> None:
    assert hub.head() == work.head()
    mirror = open_mirror(address, on_force_push=OnForcePush.FOLLOW)
    first = mirror.fetch().head
    rewritten = rewrite(work)
    fetched = mirror.fetch()
    assert (fetched.change, fetched.previous, fetched.head) == (Change.FORCE_PUSHED, first, rewritten)
    assert mirror.head() == rewritten


def test_a_repository_without_commits_says_so(tmp_path: Path, open_mirror: Open) -> None:
    make_work(tmp_path / "empty")
    with pytest.raises(TerminalError, match="has no commit yet: push one to the branch main"):
        open_mirror(tmp_path / "empty").fetch()


def test_an_empty_repository_on_a_server_says_so(
    tmp_path: Path, server: HttpGit, hub: Work, open_mirror: Open
) -> None:
    assert hub.path.exists()
    make_work(tmp_path / "served" / "empty.git", bare=True)
    with pytest.raises(TerminalError, match="has no commit yet"):
        open_mirror(f"{server.url}/empty.git").fetch()


def test_a_branch_that_vanishes_is_an_error_and_the_head_stays(
    work: Work, hub: Work, address: str, open_mirror: Open
) -> None:
    mirror = open_mirror(address)
    first = mirror.fetch().head
    work.git("checkout", "-q", "-b", "other")
    work.git("push", "-q", "origin", "other")
    for side in (work, hub):
        side.git("symbolic-ref", "HEAD", "refs/heads/other")
        side.git("update-ref", "-d", "refs/heads/main")
    with pytest.raises(
        TerminalError, match=r"has no branch main any more .it has other.*targets stay"
    ) as caught:
        mirror.fetch()
    assert not isinstance(caught.value, TransientError)
    assert mirror.head() == first


def test_another_branch_can_be_followed(work: Work, hub: Work, open_mirror: Open) -> None:
    work.git("checkout", "-q", "-b", "team/green")
    tip = work.commit({"x": "y"})
    work.git("push", "-q", "origin", "team/green")
    assert open_mirror(hub.path, branch="team/green").fetch().head == tip
    assert open_mirror(hub.path, branch="team/green").resolve("HEAD~1") == work.head("main")


def test_a_linked_work_tree_can_be_followed(work: Work, tmp_path: Path, open_mirror: Open) -> None:
    work.git("worktree", "add", "-q", "-b", "side", str(tmp_path / "linked"))
    assert open_mirror(tmp_path / "linked").fetch().head == work.head()


def test_a_local_path_without_a_repository_may_come_later(tmp_path: Path, open_mirror: Open) -> None:
    (tmp_path / "plain").mkdir()
    for missing in ("plain", "nowhere"):
        with pytest.raises(Unreachable, match=f"no Git repository in .*{missing}"):
            open_mirror(tmp_path / missing).fetch()


def test_nobody_listening_is_unreachable(server: HttpGit, open_mirror: Open) -> None:
    mirror = open_mirror(f"{server.url}/hub.git")
    server.server.socket.close()
    with pytest.raises(Unreachable, match="connecting to http://localhost"):
        mirror.fetch()


@pytest.mark.parametrize(
    ("status", "error", "text"),
    [
        (401, Denied, "credentials"),
        (403, Denied, "HTTP 403"),
        (404, Denied, "no such repository, or we may not see it"),
        (429, Unreachable, "HTTP 429"),
        (503, Unreachable, "HTTP 503"),
        (301, TerminalError, "redirects"),
    ],
)
def test_an_http_status_becomes_an_error_that_says_what_to_do(
    server: HttpGit, open_mirror: Open, status: int, error: type[GitopsError], text: str
) -> None:
    server.server.status = status
    with pytest.raises(error, match=text):
        open_mirror(f"{server.url}/hub.git").fetch()


def test_a_server_that_hangs_is_unreachable_and_delays_no_read(
    work: Work, server: HttpGit, open_mirror: Open
) -> None:
    mirror = open_mirror(f"{server.url}/hub.git")
    head = mirror.fetch().head
    server.server.hang = threading.Event()
    pygit2.settings.server_timeout = 400
    failures: list[GitopsError] = []

    def fetch() -> None:
        try:
            mirror.fetch()
        except GitopsError as error:
            failures.append(error)

    thread = threading.Thread(target=fetch)
    thread.start()
    assert mirror.tree(head).read("README") == b"hello\n"
    assert thread.is_alive()
    thread.join(5)
    assert isinstance(failures[0], Unreachable)
    assert work.head() == mirror.head()


class TestCredentials:
    """Basic authentication, from files and variables."""

    @pytest.mark.parametrize("kind", ["password_file", "token_file", "password_env", "token_env"])
    def test_are_read_at_each_use(
        self, hub: Work, tmp_path: Path, open_mirror: Open, monkeypatch: pytest.MonkeyPatch, kind: str
    ) -> None:
        """A wrong password is Denied; after the file or variable is corrected the same mirror fetches."""
        secret = tmp_path / "secret"

        def provide(value: str) -> None:
            secret.write_text(value + "\n")
            monkeypatch.setenv("GIT_SECRET", value)

        place = {kind: secret if kind.endswith("file") else "GIT_SECRET"}
        with http_git(hub.path.parent, password=PASSWORD) as server:
            credentials = Credentials(username=USERNAME, **place)  # type: ignore[arg-type]
            mirror = open_mirror(f"{server.url}/hub.git", credentials=credentials)
            provide("wrong-" + PASSWORD)
            with pytest.raises(Denied, match="did not accept our credentials") as caught:
                mirror.fetch()
            assert PASSWORD not in str(caught.value)
            assert PASSWORD not in repr(mirror.remote) + repr(credentials)
            provide(PASSWORD)
            assert mirror.fetch().head == hub.head()

    def test_missing_ones_are_named(self, hub: Work, tmp_path: Path, open_mirror: Open) -> None:
        """The error says which file or variable should be there."""
        with http_git(hub.path.parent, password=PASSWORD) as server:
            url = f"{server.url}/hub.git"
            with pytest.raises(Denied, match="none are configured"):
                open_mirror(url).fetch()
            with pytest.raises(Denied, match=f"{tmp_path}/gone: No such file"):
                open_mirror(url, credentials=Credentials(password_file=tmp_path / "gone")).fetch()
            with pytest.raises(Denied, match="variable GIT_NOT_SET"):
                open_mirror(url, credentials=Credentials(token_env="GIT_NOT_SET")).fetch()
