"""Talk to the remote: list its refs, fetch some, push some. One conversation at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pygit2

from controllers.adapters.git.answers import Answers, ensure_room
from controllers.adapters.git.failures import explain, explained, plain
from controllers.adapters.git.hostkeys import trusting
from controllers.adapters.git.remote import Remote, Scheme
from gitops.errors import Conflict, Denied, GitopsError

UNSHALLOW = 2**31 - 1  # libgit2's GIT_FETCH_DEPTH_UNSHALLOW
_CONNECT_MS, _ANSWER_MS = 10_000, 30_000
_FASTER = ("fetch first", "non-fast-forward", "stale info", "cannot lock ref", "failed to update ref")


@dataclass(frozen=True, slots=True)
class Update:
    """One ref to move: from where we saw it (None: it must not exist yet) to a commit that we have."""

    ref: str
    new: str
    expected: str | None


@dataclass(frozen=True, slots=True)
class PushResult:
    """What became of one ref: the remote holds `head`, or `problem` says why not."""

    head: str | None
    problem: GitopsError | None = None


class Session(Protocol):
    """An open conversation with a remote."""

    refs: Mapping[str, str]

    def fetch(self, refs: Mapping[str, str], depth: int = 0) -> None:
        """Bring the objects of remote refs, and set our refs to them (remote name → our name)."""

    def push(self, updates: Sequence[Update]) -> Mapping[str, PushResult]:
        """Move remote refs, each by compare-and-swap and only forward; one result per ref."""


class Wire(Protocol):
    """How one remote is reached."""

    def session(self, *, push: bool = False) -> AbstractContextManager[Session]:
        """Connect. Raises Unreachable or Denied."""


def configure(remote: Remote) -> None:
    """Set what libgit2 knows per process only: how long to wait, whom to trust."""
    pygit2.settings.server_connect_timeout = _CONNECT_MS
    pygit2.settings.server_timeout = _ANSWER_MS
    if remote.ca_file is not None:
        with explained(f"reading the authorities in {remote.ca_file}"):
            pygit2.settings.set_ssl_cert_locations(str(remote.ca_file), None)


class NetworkWire:
    """HTTPS and SSH."""

    def __init__(self, repository: pygit2.Repository, remote: Remote) -> None:
        self._repository = repository
        self._remote = remote
        configure(remote)

    @contextmanager
    def session(self, *, push: bool = False) -> Iterator[Session]:
        """Connect and list the remote's refs."""
        with ExitStack() as stack:
            trusted = None
            if self._remote.scheme is Scheme.SSH:
                known = self._remote.credentials.known_hosts_file if self._remote.credentials else None
                trusted = stack.enter_context(trusting(known))
            answers = Answers(self._remote, Path(self._repository.path), trusted)
            connection = self._repository.remotes.create_anonymous(self._remote.url)
            with explained(f"connecting to {self._remote}"):
                connection.connect(callbacks=answers, direction=int(push), proxy=True)
                heads = connection.list_heads(connect=False)
            refs = {head.name: str(head.oid) for head in heads if head.name}
            yield _NetworkSession(connection, answers, self._remote, refs)


class _NetworkSession:
    def __init__(
        self, connection: pygit2.Remote, answers: Answers, remote: Remote, refs: Mapping[str, str]
    ) -> None:
        self.refs = refs
        self._connection = connection
        self._answers = answers
        self._remote = remote

    def fetch(self, refs: Mapping[str, str], depth: int = 0) -> None:
        specs = [f"+{theirs}:{ours}" for theirs, ours in sorted(refs.items())]
        doing = f"fetching {self._remote}"
        with explained(doing):
            ensure_room(self._answers.folder, doing)
            self._connection.fetch(specs, callbacks=self._answers, proxy=True, depth=depth)

    def push(self, updates: Sequence[Update]) -> Mapping[str, PushResult]:
        results = {update.ref: check_seen(update, self.refs, self._remote) for update in updates}
        due = [update for update in updates if results[update.ref].problem is None]
        due = [update for update in due if self.refs.get(update.ref) != update.new]
        if not due:
            return results
        doing = f"pushing to {self._remote}"
        self._answers.expected = {update.ref: update.expected for update in due}
        try:
            self._connection.push([f"{u.new}:{u.ref}" for u in due], callbacks=self._answers, proxy=True)
        except pygit2.GitError as error:
            raise self._failed(error, doing) from None
        return results | {
            ref: PushResult(self.refs.get(ref), self._rejection(ref, message))
            for ref, message in self._answers.rejected.items()
        }

    def _failed(self, error: Exception, doing: str) -> GitopsError:
        failure = explain(error, doing)
        said = self._answers.said
        return (
            Denied(f"{failure}; the server says: {said}") if isinstance(failure, Denied) and said else failure
        )

    def _rejection(self, ref: str, message: str) -> GitopsError:
        text = f"{self._remote} rejected our push to {ref}: {plain(message)}"
        if any(sign in message for sign in _FASTER):
            return Conflict(text)
        return Denied(f"{text}; the server says: {self._answers.said}" if self._answers.said else text)


def check_seen(update: Update, refs: Mapping[str, str], remote: Remote) -> PushResult:
    """Compare what the remote has with what the update expects; a push that arrived before is done."""
    found = refs.get(update.ref)
    if found in {update.expected, update.new}:
        return PushResult(update.new)
    return PushResult(
        found,
        Conflict(f"{remote}: {update.ref} is at {found or 'nothing'}, not at {update.expected or 'nothing'}"),
    )
