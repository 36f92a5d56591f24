"""Work trees of a local repository that have a branch checked out, and how they follow a push to it.

The rules are those of Git's `receive.denyCurrentBranch=updateInstead`: a clean work tree is brought to the
new commit, a changed one refuses the push. An explicit setting of the repository is honoured.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pygit2
from pygit2.enums import CheckoutStrategy, FileStatus

from controllers.adapters.git.failures import plain
from controllers.adapters.git.remote import Remote
from gitops.errors import Refused

_UNTOUCHED = FileStatus.CURRENT | FileStatus.IGNORED | FileStatus.WT_NEW
_LEAVE_ALONE = frozenset({"ignore", "warn", "false"})
_REFUSE = frozenset({"refuse", "true"})


class Checkouts:
    """Every work tree, main or linked, whose HEAD is `branch`."""

    def __init__(self, repository: pygit2.Repository, branch: str, remote: Remote) -> None:
        self._repository = repository
        self._branch = branch
        self._remote = remote

    def advance(self, after: str) -> None:
        """Bring the work trees to the branch's next commit, while the branch is locked.

        Called before the branch moves: who is killed in between leaves the change staged in the work tree,
        where the next push finds it done. The other way round the old files would look like an edit that
        undoes the push. Raises Refused, and changes nothing, when a work tree has changes.
        """
        trees = [tree for tree in self._affected() if not self._holds(tree, after)]
        for tree in trees:
            self._require_clean(tree)
        for tree in trees:
            try:
                tree.checkout_tree(tree[after], strategy=CheckoutStrategy.SAFE)  # type: ignore[no-untyped-call]
            except pygit2.GitError as error:
                raise Refused(
                    f"cannot bring the work tree {tree.workdir} to {after}: {plain(str(error))}"
                ) from None

    def _affected(self) -> list[pygit2.Repository]:
        setting = self._setting()
        found = [tree for tree in self._all() if tree.references["HEAD"].target == self._branch]
        if found and setting in _REFUSE:
            raise Refused(
                f"{self._remote} has {self._branch} checked out and refuses pushes to it "
                f"(receive.denyCurrentBranch={setting}); set it to updateInstead, or check out another branch"
            )
        return [] if setting in _LEAVE_ALONE else found

    def _setting(self) -> str:
        name = "receive.denyCurrentBranch"
        return str(self._repository.config[name]).lower() if name in self._repository.config else ""

    def _all(self) -> Iterator[pygit2.Repository]:
        if not self._repository.is_bare:
            yield self._repository
        for name in self._repository.list_worktrees():
            path = Path(self._repository.lookup_worktree(name).path)
            if path.is_dir():
                yield pygit2.Repository(str(path))

    def _require_clean(self, tree: pygit2.Repository) -> None:
        if any(status & ~_UNTOUCHED for status in tree.status().values()):
            raise Refused(
                f"the work tree {tree.workdir} has {self._branch} checked out and uncommitted changes in it; "
                "commit or stash them, or check out another branch, so that the push can go through"
            )

    @staticmethod
    def _holds(tree: pygit2.Repository, commit: str) -> bool:
        """Whether it has the commit's files already: a push was killed before the branch moved."""
        wanted = tree[commit].peel(pygit2.Tree)
        return len(wanted.diff_to_index(tree.index)) == 0 and len(tree.diff()) == 0
