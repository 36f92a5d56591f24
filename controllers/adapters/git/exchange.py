"""Bring the mirror and its remotes together: fetch and accept the branch, push it, exchange audit refs.

What the branch is counts as accepted (`refs/heads/`); what the remote has is only seen (`refs/remotes/`).
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import pygit2

from controllers.adapters.git.audit import REFS, SEEN, AuditRefs, audit_ref, is_audit_ref, ref_target
from controllers.adapters.git.failures import explained
from controllers.adapters.git.local import LocalWire
from controllers.adapters.git.remote import OnForcePush, Remote
from controllers.adapters.git.wire import UNSHALLOW, NetworkWire, PushResult, Session, Update, Wire
from gitops.errors import Conflict, TerminalError

_SEEN_BRANCH = "refs/remotes/origin/"


class Change(StrEnum):
    """How the branch moved since the last fetch."""

    NONE = "None"
    NEW = "New"
    FAST_FORWARD = "FastForward"
    FORCE_PUSHED = "ForcePushed"


@dataclass(frozen=True, slots=True)
class Fetched:
    """Outcome of one fetch.

    `head` is accepted now, `previous` was before, `seen` is what the remote has: after a force push that is
    refused, `head` stays `previous` and `seen` differs. `diverged` names environments where somebody else
    recorded events while we had unpushed ones.
    """

    head: str
    previous: str | None
    change: Change
    seen: str
    diverged: tuple[str, ...] = ()


class Exchange:
    """All that talks to remotes, one conversation at a time, on a handle of its own.

    `records` guards the local audit refs; it is never held while waiting for a remote.
    """

    def __init__(
        self, path: Path, remote: Remote, audit_remote: Remote | None, records: threading.RLock
    ) -> None:
        self._path = path
        self._remote = remote
        self._branch = f"refs/heads/{remote.branch}"
        self._seen = _SEEN_BRANCH + remote.branch
        self._lock = threading.RLock()
        self._audit_remote = audit_remote
        self._records = records
        self._open()

    def _open(self) -> None:
        self._repository = pygit2.Repository(str(self._path))
        self._audit = AuditRefs(self._repository, self._records)
        self._wire = self._connect(self._remote)
        self._audit_wire = self._connect(self._audit_remote) if self._audit_remote else self._wire

    def _connect(self, remote: Remote) -> Wire:
        local = remote.local_path
        return LocalWire(self._repository, remote, local) if local else NetworkWire(self._repository, remote)

    def close(self) -> None:
        """Let go of files and memory."""
        with self._lock:
            self._repository.free()

    def fetch(self) -> Fetched:
        """Ask the remote, and accept where its branch went within `on_force_push`."""
        with self._lock, explained(f"fetching {self._remote}"):
            depth = self._depth()
            with self._wire.session() as session:
                seen = self._tip(session)
                refs = {self._branch: self._seen}
                if self._shares_wire and not depth:
                    refs |= self._audit_refs(session)
                self._bring(session, refs, depth)
            if self._shares_wire and depth:  # the branch may be shallow, the audit refs never
                return self._accept(seen, self.fetch_audit())
            return self._accept(seen, self._audit.settle() if self._shares_wire else ())

    @property
    def _shares_wire(self) -> bool:
        return self._audit_wire is self._wire

    def _depth(self) -> int:
        first = ref_target(self._repository, self._seen) is None
        return (self._remote.depth or 0) if first and self._remote.local_path is None else 0

    def _tip(self, session: Session) -> str:
        found = session.refs.get(self._branch)
        if found is not None:
            return found
        branches = sorted(
            ref.removeprefix("refs/heads/") for ref in session.refs if ref.startswith("refs/heads/")
        )
        if not branches:
            raise TerminalError(
                f"{self._remote} has no commit yet: push one to the branch {self._remote.branch}"
            )
        gone = ref_target(self._repository, self._branch) is not None
        raise TerminalError(
            f"{self._remote} has no branch {self._remote.branch}{' any more' if gone else ''} (it has "
            f"{', '.join(branches[:5])}): push it, or follow another one; targets stay as they are"
        )

    def _audit_refs(self, session: Session) -> dict[str, str]:
        found = {ref: SEEN + ref.removeprefix(REFS) for ref in session.refs if is_audit_ref(ref)}
        for name in self._repository.listall_references():
            if name.startswith(SEEN) and name not in found.values():
                self._repository.references.delete(name)
        return found

    def _bring(self, session: Session, refs: Mapping[str, str], depth: int = 0) -> None:
        due = {
            theirs: ours
            for theirs, ours in refs.items()
            if ref_target(self._repository, ours) != session.refs[theirs]
        }
        if due:
            session.fetch(due, depth)

    def _accept(self, seen: str, diverged: tuple[str, ...]) -> Fetched:
        previous = ref_target(self._repository, self._branch)
        change, head = Change.NONE, seen
        if previous is None:
            change = Change.NEW
        elif previous != seen:
            forward = self._repository.descendant_of(seen, previous)
            change = Change.FAST_FORWARD if forward else Change.FORCE_PUSHED
            if not forward and self._remote.on_force_push is OnForcePush.REFUSE:
                head = previous
        if head != previous:
            self._repository.references.create(self._branch, head, force=True)
        return Fetched(head, previous, change, seen, diverged)

    def accept_force_push(self, revision: str) -> None:
        """Accept a revision that was seen and refused. Raises Conflict when the remote went on since."""
        with self._lock:
            if ref_target(self._repository, self._seen) != revision:
                raise Conflict(f"{self._remote}: the branch {self._remote.branch} is not at {revision}")
            self._repository.references.create(self._branch, revision, force=True)

    def deepen(self) -> None:
        """Fetch the whole history of the branch."""
        with self._lock, explained(f"fetching the history of {self._remote}"):
            with self._wire.session() as session:
                session.fetch({self._branch: self._seen}, UNSHALLOW)
            self._open()  # the handle remembers commits without their parents

    def push_branch(self, commit: str, expected_head: str) -> None:
        """Move the remote's branch from `expected_head` to `commit`, or raise why not."""
        update = Update(self._branch, commit, expected_head)
        with self._lock, explained(f"pushing to {self._remote}"), self._wire.session(push=True) as session:
            problem = session.push([update])[self._branch].problem
        if problem is not None:
            raise problem

    def fetch_audit(self) -> tuple[str, ...]:
        """Bring audit refs up to date; returns the environments that diverged, sorted."""
        with self._lock, explained("fetching audit refs"):
            with self._audit_wire.session() as session:
                self._bring(session, self._audit_refs(session))
            return self._audit.settle()

    def push_audit(self, environments: Sequence[str]) -> Mapping[str, PushResult]:
        """Push chains that the remote's own are the beginning of; the others are a Conflict each."""
        tips = {name: tip for name in sorted(environments) if (tip := self._audit.tip(name)) is not None}
        if not tips:
            return {}
        with self._lock, explained("pushing audit refs"):
            with self._audit_wire.session(push=True) as session:
                updates = [
                    Update(audit_ref(name), tip, self._base(session.refs.get(audit_ref(name)), tip))
                    for name, tip in tips.items()
                ]
                pushed = session.push(updates)
            results = {name: pushed[audit_ref(name)] for name in tips}
            for name, result in results.items():
                if result.problem is None:
                    self._repository.references.create(SEEN + name, tips[name], force=True)
        return results

    def _base(self, theirs: str | None, tip: str) -> str | None:
        """Where the remote may be for a push of `tip`: at any ancestor; else where ours was before it."""
        if theirs is None or theirs == tip:
            return theirs
        known = theirs in self._repository and self._repository.descendant_of(tip, theirs)
        parents = self._repository[tip].peel(pygit2.Commit).parent_ids
        return theirs if known else (str(parents[0]) if parents else None)
