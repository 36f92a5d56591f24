"""Reach a repository on this machine: by libgit2's local transport the first time, by copying afterwards.

libgit2 pushes to bare local repositories only, and its local fetch costs with the size of the tree
(50 ms with 100,000 files); copying what is missing does neither.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pygit2

from controllers.adapters.git.answers import Answers, ensure_room
from controllers.adapters.git.audit import is_audit_ref
from controllers.adapters.git.checkouts import Checkouts
from controllers.adapters.git.failures import explained
from controllers.adapters.git.objects import copy_closure
from controllers.adapters.git.remote import Remote
from controllers.adapters.git.wire import PushResult, Update, check_seen
from gitops.errors import Conflict, GitopsError, Refused, TransientError, Unreachable

# A ref is locked for milliseconds.
_DEAD_LOCK_SECONDS = 10.0
_GUARDS = ("pre-receive", "update", "reference-transaction")


def common_folder(path: Path) -> Path:
    """Find where a local repository (bare, not bare, or a linked work tree) keeps its refs and objects.

    Raises Unreachable when there is no repository; it may be on a volume that is not mounted yet.
    """
    dot_git = path / ".git"
    folder = path
    if dot_git.is_dir():
        folder = dot_git
    elif dot_git.is_file():  # a linked work tree or a submodule: one line, `gitdir: PATH`
        folder = path / dot_git.read_text(encoding="utf-8").partition(":")[2].strip()
    shared = folder / "commondir"
    if shared.is_file():
        folder = folder / shared.read_text(encoding="utf-8").strip()
    if not (folder / "HEAD").is_file():
        raise Unreachable(f"there is no Git repository in {path}")
    return folder.resolve()


class LocalWire:
    """A path or a `file://` address. Hooks are never run."""

    def __init__(self, repository: pygit2.Repository, remote: Remote, path: Path) -> None:
        self._repository = repository
        self._remote = remote
        self._path = path

    @contextmanager
    def session(self, *, push: bool = False) -> Iterator[_LocalSession]:
        """Open the repository anew: it may have been replaced since."""
        del push
        with explained(f"opening {self._remote}"):
            folder = common_folder(self._path)
            theirs = pygit2.Repository(str(folder))
            refs = {
                name: str(theirs.references[name].resolve().target)
                for name in theirs.listall_references()
                if name.startswith(("refs/heads/", "refs/gitops/"))
            }
        try:
            yield _LocalSession(self._repository, theirs, self._remote, refs)
        finally:
            theirs.free()


class _LocalSession:
    def __init__(
        self, ours: pygit2.Repository, theirs: pygit2.Repository, remote: Remote, refs: Mapping[str, str]
    ) -> None:
        self.refs = refs
        self._ours = ours
        self._theirs = theirs
        self._remote = remote

    def fetch(self, refs: Mapping[str, str], depth: int = 0) -> None:
        """Bring the objects of refs whole; `depth` does not apply."""
        del depth
        doing = f"fetching {self._remote}"
        folder = Path(self._ours.path)
        with explained(doing):
            ensure_room(folder, doing)
            if not self._ours.listall_references():
                specs = [f"+{theirs}:{ours}" for theirs, ours in sorted(refs.items())]
                connection = self._ours.remotes.create_anonymous(self._theirs.path)
                connection.fetch(specs, callbacks=Answers(self._remote, folder, None))
                return
            for theirs, ours in sorted(refs.items()):
                copy_closure(self._theirs, self._ours, self.refs[theirs])
                self._ours.references.create(ours, self.refs[theirs], force=True)

    def push(self, updates: Sequence[Update]) -> Mapping[str, PushResult]:
        """Move refs as `git push` would, work trees included (`receive.denyCurrentBranch=updateInstead`)."""
        return {update.ref: self._push(update) for update in updates}

    def _push(self, update: Update) -> PushResult:
        result = check_seen(update, self.refs, self._remote)
        if result.problem is not None or self.refs.get(update.ref) == update.new:
            return result
        try:
            with explained(f"pushing to {self._remote}"):
                self._refuse_guarded()
                self._unlock(update)
                copy_closure(self._ours, self._theirs, update.new)
                self._swap(update)
        except GitopsError as problem:
            return PushResult(update.expected, problem)
        return result

    def _refuse_guarded(self) -> None:
        hooks = Path(self._theirs.path, "hooks")
        for name in _GUARDS:
            if os.access(hooks / name, os.X_OK):
                raise Refused(
                    f"{self._remote} guards its refs with the hook {name}, which only Git itself can run; "
                    "follow it by ssh:// or https://, or remove the hook"
                )

    def _unlock(self, update: Update) -> None:
        """Remove the lock of a process that was killed; of audit refs, which only controllers write.

        A lock says nothing of who leads: while it may be alive, the push is to be tried again.
        """
        lock = Path(self._theirs.path, f"{update.ref}.lock")
        if not is_audit_ref(update.ref) or not lock.exists():
            return
        if time.time() - lock.stat().st_mtime < _DEAD_LOCK_SECONDS:
            raise TransientError(f"{self._remote}: {update.ref} is locked by another process")
        lock.unlink(missing_ok=True)

    def _swap(self, update: Update) -> None:
        if update.expected is None:
            if update.ref in self._theirs.references:
                raise Conflict(f"{self._remote}: {update.ref} exists by now")
            self._theirs.references.create(update.ref, update.new)
            return
        if not self._theirs.descendant_of(update.new, update.expected):
            raise Conflict(f"{self._remote}: {update.new} does not follow {update.expected} on {update.ref}")
        with self._theirs.transaction() as transaction:
            transaction.lock_ref(update.ref)
            found = str(self._theirs.references[update.ref].target)
            if found != update.expected:
                raise Conflict(f"{self._remote}: {update.ref} moved to {found}")
            Checkouts(self._theirs, update.ref, self._remote).advance(update.new)
            transaction.set_target(update.ref, update.new, message="push: gitops-waves")
