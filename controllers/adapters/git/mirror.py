"""One remote, mirrored into a bare repository of ours: what the rest of the controller knows of Git.

Talking to the remote holds a lock of its own: one that hangs delays no read and no record.
"""

from __future__ import annotations

import os
import re
import threading
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Self, TypeVar

import pygit2

from controllers.adapters.git import edit, history
from controllers.adapters.git.audit import SEEN, AuditCommit, AuditRefs, ref_target
from controllers.adapters.git.exchange import Exchange, Fetched
from controllers.adapters.git.failures import explained
from controllers.adapters.git.remote import Remote
from controllers.adapters.git.store import claim, open_store
from controllers.adapters.git.tree import TreeView
from controllers.adapters.git.wire import PushResult
from gitops.errors import TerminalError

_T = TypeVar("_T")
_FULL_HASH = re.compile(r"[0-9a-f]{40}")


class Mirror:
    """A repository that we follow. Safe to use from several threads."""

    def __init__(self, path: Path, remote: Remote, audit_remote: Remote | None = None) -> None:
        self.path = path
        self.remote = remote
        self.audit_remote = audit_remote
        self._lock = threading.RLock()
        self._branch = f"refs/heads/{remote.branch}"
        claimed = claim(path)
        self._release = weakref.finalize(self, os.close, claimed) if claimed is not None else None
        self._repository = open_store(path, remote.branch, alone=claimed is not None)
        self._audit = AuditRefs(self._repository, self._lock)
        self._roots_known = self._shallow_roots()
        self._exchange = Exchange(path, remote, audit_remote, self._lock)

    @classmethod
    def open(cls, path: Path, remote: Remote, audit_remote: Remote | None = None) -> Self:
        """Reopen the mirror in `path`, or make it. Talks to no remote.

        Audit refs live on `audit_remote` if given, else on `remote`. A damaged mirror is made anew;
        records in it that may not have been pushed are kept beside it, and a warning says where.
        """
        return cls(path, remote, audit_remote)

    def close(self) -> None:
        """Let go of files and memory; nothing may be called afterwards."""
        self._exchange.close()
        with self._lock:
            self._repository.free()
        if self._release is not None:
            self._release()

    def fetch(self) -> Fetched:
        """Ask the remote and accept where its branch went, within `on_force_push`.

        Raises TerminalError when the remote has no such branch or no commit, Denied, Unreachable, and
        TransientError when the disk is full; what was accepted before stays.
        """
        return self._exchange.fetch()

    def accept_force_push(self, revision: str) -> None:
        """Accept a revision that was seen and refused, as a person said. Raises Conflict if it moved on."""
        self._exchange.accept_force_push(revision)

    def head(self) -> str | None:
        """Name the branch's commit as accepted last; None before the first fetch."""
        with self._lock:
            return ref_target(self._repository, self._branch)

    def resolve(self, name: str) -> str | None:
        """Name the commit that people mean by `HEAD~1`, a short or full hash; None where there is none."""
        with self._lock:
            try:
                return str(self._repository.revparse_single(name).peel(pygit2.Commit).id)
            except (KeyError, ValueError, pygit2.GitError):
                return None

    def tree(self, revision: str) -> TreeView:
        """Open the files of a commit. Raises TerminalError for a commit that we do not have."""

        def view(repository: pygit2.Repository) -> TreeView:
            return TreeView(repository, self._lock, str(repository[revision].peel(pygit2.Tree).id))

        return self._with((revision,), view)

    def commits(
        self, newer: str, older: str | None, *, limit: int | None = None
    ) -> tuple[history.CommitInfo, ...]:
        """List what `newer` reaches and `older` does not, newest first."""
        ends = (newer,) if older is None else (newer, older)

        def read(repository: pygit2.Repository) -> tuple[history.CommitInfo, ...]:
            return history.commits(repository, newer, older, limit)

        found = self._with(ends, read)
        if self._shallow_roots() & {commit.oid for commit in found}:
            self._deepen()
            found = self._with(ends, read)
        return found

    def changed_paths(self, old: str, new: str, below: tuple[str, ...] = ()) -> tuple[str, ...]:
        """List files that differ between two commits, sorted; the cost follows the difference.

        `below`: only those at these paths and in these folders. Raises Refused where they are too many.
        """
        return self._with((old, new), lambda repository: history.changed_paths(repository, old, new, below))

    def is_ancestor(self, older: str, newer: str) -> bool:
        """Whether `newer` is `older` or contains it."""

        def contains(repository: pygit2.Repository) -> bool:
            return older == newer or repository.descendant_of(newer, older)

        return self._with((older, newer), contains)

    def write_commit(
        self,
        *,
        parent: str,
        message: str,
        author: edit.Signature,
        changes: Mapping[str, edit.Change] | None = None,
        tree: str | None = None,
    ) -> str:
        """Write a commit on `parent`, on no branch yet: of `tree`, or of the parent's tree with `changes`."""

        def write(repository: pygit2.Repository) -> str:
            content = tree or edit.edit_tree(repository, parent, changes or {})
            return edit.write_commit(repository, [parent], content, message, author)

        return self._with((parent,), write)

    def restore_paths(self, onto: str, paths: Mapping[str, str]) -> str:
        """Make the tree of `onto` with each path (file or folder) as it was in the revision given for it."""
        ends = (onto, *paths.values())
        return self._with(ends, lambda repository: edit.restore(repository, onto, paths))

    def revert_commit(
        self, commit: str, onto: str, paths: tuple[str, ...] | None = None
    ) -> str | edit.RevertConflict:
        """Make the tree of `onto` without what `commit` did to `paths` (default: to anything).

        It equals the tree of `onto` when there is nothing left to take back.
        """
        if commit in self._shallow_roots():
            self._deepen()
        return self._with((commit, onto), lambda repository: edit.revert(repository, commit, onto, paths))

    def push_branch(self, commit: str, *, expected_head: str) -> None:
        """Move the remote's branch from `expected_head` to `commit`, which must follow it.

        Raises Conflict when the branch moved, Denied (with the server's words) or Refused when we may not,
        Unreachable. The new head is accepted by the next fetch. A push that arrived before is done.
        """
        self._exchange.push_branch(commit, expected_head)

    def audit_tip(self, environment: str) -> str | None:
        """Name the newest record of an environment."""
        return self._audit.tip(environment)

    def audit_environments(self) -> tuple[str, ...]:
        """List environments with records, sorted."""
        return self._audit.environments()

    def append_audit(
        self,
        environment: str,
        *,
        message: str,
        files: Mapping[str, bytes],
        author: edit.Signature,
        expected_tip: str | None,
    ) -> str:
        """Record locally; see AuditRefs.append."""
        return self._audit.append(
            environment, message=message, files=files, author=author, expected_tip=expected_tip
        )

    def audit_log(self, environment: str, limit: int | None = None) -> Iterator[AuditCommit]:
        """Read an environment's records, newest first."""
        return self._audit.log(environment, limit)

    def read_commit_files(self, commit: str) -> Mapping[str, bytes]:
        """Read every file of a commit, by path; for records, which are small."""
        return self._audit.files(commit)

    def adopt_audit(self, environment: str) -> str:
        """Give up our unpushed records for the remote's; ours stay under `refs/gitops/aside/`."""
        return self._audit.adopt(environment)

    def unpushed_audit(self) -> tuple[str, ...]:
        """List environments with records that the remote is not known to have, sorted."""
        with self._lock:
            tips = {name: self._audit.tip(name) for name in self._audit.environments()}
            return tuple(
                name for name, tip in tips.items() if ref_target(self._repository, SEEN + name) != tip
            )

    def fetch_audit(self) -> tuple[str, ...]:
        """Bring the audit refs up to date, as `fetch` does for those on `remote`; returns who diverged."""
        return self._exchange.fetch_audit()

    def push_audit(self, environments: Sequence[str]) -> Mapping[str, PushResult]:
        """Push records, by environment, never forced. A chain that somebody else continued is a Conflict.

        Raises Unreachable or Denied when the remote as a whole cannot be used.
        """
        return self._exchange.push_audit(environments)

    def _with(self, needed: tuple[str, ...], read: Callable[[pygit2.Repository], _T]) -> _T:
        """Read under the lock; what a shallow mirror lacks is fetched first."""
        with self._lock:
            roots = self._shallow_roots()
            if roots != self._roots_known:  # the handle remembers commits with the parents they had
                self._reopen()
            complete = all(_has(self._repository, oid) for oid in needed)
        if roots and not complete:
            self._deepen()
        with self._lock, explained(f"reading the mirror of {self.remote}"):
            for oid in needed:
                if not _has(self._repository, oid):
                    raise TerminalError(f"{self.remote}: there is no commit {oid} in the branch's history")
            return read(self._repository)

    def _shallow_roots(self) -> frozenset[str]:
        try:
            return frozenset((self.path / "shallow").read_text(encoding="ascii").split())
        except FileNotFoundError:
            return frozenset()

    def _deepen(self) -> None:
        self._exchange.deepen()
        with self._lock:
            self._reopen()

    def _reopen(self) -> None:
        self._repository = pygit2.Repository(str(self.path))
        self._roots_known = self._shallow_roots()


def _has(repository: pygit2.Repository, oid: str) -> bool:
    """Whether a commit or tree is there by its full hash; prefixes and names of refs are not taken."""
    if not _FULL_HASH.fullmatch(oid):
        return False
    return isinstance(repository.get(oid), (pygit2.Commit, pygit2.Tree))
