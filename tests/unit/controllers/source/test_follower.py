"""When fetches happen and what is told: hints, watched refs, polling, errors."""

from __future__ import annotations

import asyncio
import os
import subprocess
import threading
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, suppress
from pathlib import Path
from queue import Queue
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controllers.adapters.git import Change, Fetched, Mirror, Remote
from controllers.source import Follower, RefWatch, Timing
from controllers.source.refs import _Handler
from gitops.errors import GitopsError, TerminalError, TransientError, Unreachable

Outcomes = AsyncGenerator[Fetched | GitopsError, None]
Follow = Callable[[Path], Outcomes]
_ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "HOME": "/nonexistent",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.com",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.com",
}


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments], env=_ENVIRONMENT, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def commit(folder: Path) -> str:
    git(folder, "commit", "-q", "--allow-empty", "-m", "change")
    return git(folder, "rev-parse", "HEAD")


def fetched(head: str, change: Change = Change.NONE, seen: str | None = None) -> Fetched:
    return Fetched(head, None, change, seen or head)


class Script:
    """A source whose fetches answer from a list, the last one for ever."""

    def __init__(self, *outcomes: Fetched | GitopsError) -> None:
        self.outcomes = list(outcomes)
        self.fetches = 0

    def fetch(self) -> Fetched:
        """Return or raise what is next."""
        self.fetches += 1
        outcome = self.outcomes.pop(0) if len(self.outcomes) > 1 else self.outcomes[0]
        if isinstance(outcome, GitopsError):
            raise outcome
        return outcome


async def told(script: Script, fetches: int, waits: list[float] | None = None) -> list[Fetched | GitopsError]:
    """What a follower yields in so many fetches, without waiting in between."""
    seen: list[Fetched | GitopsError] = []
    enough = asyncio.Event()

    async def wait(hinted: asyncio.Event, seconds: float) -> None:
        del hinted
        if waits is not None:
            waits.append(seconds)
        if script.fetches >= fetches:
            enough.set()
            await asyncio.Event().wait()

    follower = Follower(script, timing=Timing(interval=60, jitter=0), rng=Random(0), wait=wait)

    async def listen() -> None:
        async with aclosing(follower.changes()) as changes:
            async for outcome in changes:
                seen.append(outcome)  # noqa: PERF401 - cancelled in the middle, which a comprehension loses

    task = asyncio.create_task(listen())
    await asyncio.wait_for(enough.wait(), 5)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    return seen


async def test_only_news_is_told() -> None:
    """The first outcome, each new head, each force push once, and that a force push was taken back."""
    a, b = fetched("a", Change.NEW), fetched("b", Change.FAST_FORWARD)
    forced = fetched("b", Change.FORCE_PUSHED, seen="x")
    back = fetched("b")
    script = Script(a, fetched("a"), fetched("a"), b, fetched("b"), forced, forced, back, back)
    assert await told(script, 9) == [a, b, forced, back]


async def test_errors_are_told_and_so_is_the_end_of_them() -> None:
    """Even a terminal error does not end the following: people may push the branch again."""
    gone, away = TerminalError("gone"), Unreachable("away")
    script = Script(fetched("a", Change.NEW), gone, away, fetched("a"), fetched("a"))
    assert await told(script, 5) == [fetched("a", Change.NEW), gone, away, fetched("a")]


async def test_errors_back_off_and_success_returns_to_the_interval() -> None:
    waits: list[float] = []
    away = Unreachable("away")
    slow = TransientError("busy", retry_after=90)
    await told(Script(away, away, away, slow, fetched("a"), away), 6, waits)
    assert waits == [1, 2, 4, 90, 60, 1]


@given(failures=st.integers(0, 10_000), seed=st.integers())
def test_a_wait_stays_within_its_jitter(failures: int, seed: int) -> None:
    timing = Timing(interval=60, jitter=0.1, backoff=1, longest=300)
    wait = timing.after(failures, Random(seed))
    base = 60 if not failures else min(2.0 ** min(failures - 1, 30), 300)
    assert base * 0.9 <= wait <= base * 1.1


async def test_a_hint_during_a_fetch_causes_exactly_one_more() -> None:
    """However many hints there were; without one, the next fetch is an hour away."""
    script = Script(fetched("a", Change.NEW), fetched("b", Change.FAST_FORWARD))
    waits: list[bool] = []
    idle = asyncio.Event()

    async def wait(hinted: asyncio.Event, seconds: float) -> None:
        assert seconds == 3600
        waits.append(hinted.is_set())
        if not hinted.is_set():
            idle.set()
            await hinted.wait()

    class Hinting:
        """Hints arrive while it fetches for the first time."""

        def fetch(self) -> Fetched:
            """As the script says."""
            if not script.fetches:
                for _ in range(5):
                    loop.call_soon_threadsafe(follower.hint)
            return script.fetch()

    loop = asyncio.get_running_loop()
    follower = Follower(Hinting(), timing=Timing(interval=3600, jitter=0), wait=wait)
    async with aclosing(follower.changes()) as changes:
        assert [(await anext(changes)), (await anext(changes))] == [
            fetched("a", Change.NEW),
            fetched("b", Change.FAST_FORWARD),
        ]
        waiting = asyncio.ensure_future(anext(changes))
        await asyncio.wait_for(idle.wait(), 5)
        waiting.cancel()
        with suppress(asyncio.CancelledError):
            await waiting
    assert waits == [True, False]
    assert script.fetches == 2


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A work tree with one commit."""
    git(tmp_path, "init", "-q", "-b", "main", "work")
    commit(tmp_path / "work")
    return tmp_path / "work"


class TestLocalRepositories:
    """Watched, not polled: the interval here is an hour."""

    @pytest.fixture
    def follow(self, tmp_path: Path) -> Follow:
        """Follow a folder with a mirror of its own."""

        def start(folder: Path) -> Outcomes:
            mirror = Mirror.open(tmp_path / "mirror", Remote(str(folder)))
            return Follower(mirror, watch=folder, timing=Timing(interval=3600, backoff=0.05)).changes()

        return start

    @staticmethod
    async def next_head(changes: Outcomes) -> str:
        """Wait for the next outcome that is not an error."""
        async with asyncio.timeout(10):
            while isinstance(outcome := await anext(changes), GitopsError):
                pass
        return outcome.head

    @pytest.mark.parametrize("kind", ["work tree", "bare", "linked", "packed"])
    async def test_a_commit_is_seen(
        self,
        repository: Path,
        tmp_path: Path,
        follow: Follow,
        kind: str,
    ) -> None:
        """Whatever kind of repository; also when its refs were packed before."""
        writer, folder = repository, repository
        if kind == "bare":
            folder = tmp_path / "bare.git"
            git(tmp_path, "clone", "-q", "--bare", str(repository), str(folder))
            git(repository, "remote", "add", "origin", str(folder))
        elif kind == "linked":
            folder = tmp_path / "linked"
            git(repository, "worktree", "add", "-q", "-b", "side", str(folder))
        elif kind == "packed":
            git(repository, "pack-refs", "--all")
        async with aclosing(follow(folder)) as changes:
            await self.next_head(changes)
            for _ in range(3):
                head = await asyncio.to_thread(commit, writer)
                if kind == "bare":
                    await asyncio.to_thread(git, repository, "push", "-q", "origin", "main")
                assert await self.next_head(changes) == head

    async def test_a_reset_and_packed_refs_are_seen(self, repository: Path, follow: Follow) -> None:
        """A reset is a force push; packing alone is no news."""
        first = git(repository, "rev-parse", "HEAD")
        commit(repository)
        async with aclosing(follow(repository)) as changes:
            await self.next_head(changes)
            await asyncio.to_thread(git, repository, "pack-refs", "--all")
            await asyncio.to_thread(git, repository, "reset", "-q", "--hard", first)
            async with asyncio.timeout(10):
                outcome = await anext(changes)
            assert isinstance(outcome, Fetched)
            assert (outcome.change, outcome.seen) == (Change.FORCE_PUSHED, first)

    async def test_a_repository_that_comes_later_is_watched_then(
        self, repository: Path, tmp_path: Path, follow: Follow
    ) -> None:
        """As is one that is replaced by another."""
        place = tmp_path / "later"
        async with aclosing(follow(place)) as changes:
            assert isinstance(await anext(changes), Unreachable)
            await asyncio.to_thread(repository.rename, place)
            first = await self.next_head(changes)
            assert first == git(place, "rev-parse", "HEAD")
            head = await asyncio.to_thread(commit, place)
            assert await self.next_head(changes) == head

    async def test_watching_ends_with_the_iterator(self, repository: Path, follow: Follow) -> None:
        """No thread is left behind."""
        before = {thread for thread in threading.enumerate() if "asyncio" not in thread.name}
        async with aclosing(follow(repository)) as changes:
            await self.next_head(changes)
        after = {thread for thread in threading.enumerate() if "asyncio" not in thread.name}
        assert after <= before


def test_reading_a_repository_is_no_event(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Our own fetch must not wake us, nor Git's work on its index; a written ref must.

    The kernel reports events in order, so what was not reported before the ref never will be.
    """
    events: Queue[str] = Queue()
    concerns = _Handler._concerns

    def noting(self: _Handler, path: bytes | str) -> bool:
        if concerns(self, path):
            events.put(str(path))
        return False

    monkeypatch.setattr(_Handler, "_concerns", noting)
    mirror = Mirror.open(tmp_path / "mirror", Remote(str(repository)))
    with RefWatch(repository, lambda: None):
        mirror.fetch()
        mirror.fetch()
        git(repository, "add", "-A")
        git(repository, "branch", "new")
        assert Path(events.get(timeout=5)).name in {"heads", "new"}
