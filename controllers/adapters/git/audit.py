"""The audit refs: one chain of commits per environment, appended locally, pushed later, never forced."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import pygit2

from controllers.adapters.git.edit import Signature, edit_tree, write_commit
from controllers.adapters.git.failures import explained
from controllers.adapters.git.history import commit_time, message_of
from controllers.adapters.git.tree import TreeView
from gitops.errors import Conflict, InvalidInput, Location, Problem, TerminalError

REFS = "refs/gitops/environments/"  # ours, and the same name on the remote
SEEN = "refs/remotes/audit/"  # where the remote was when we last heard of it
_ASIDE = "refs/gitops/aside/"


@dataclass(frozen=True, slots=True)
class AuditCommit:
    """One record as stored. `files()` reads its tree when it is called."""

    oid: str
    parent: str | None
    message: str
    time: datetime
    files: Callable[[], Mapping[str, bytes]] = field(repr=False, compare=False)


class AuditRefs:
    """The chains of one mirror. One environment's chain is written by one leader at a time."""

    def __init__(self, repository: pygit2.Repository, lock: threading.RLock) -> None:
        self._repository = repository
        self._lock = lock

    def tip(self, environment: str) -> str | None:
        """Name the newest record."""
        with self._lock:
            return ref_target(self._repository, audit_ref(environment))

    def environments(self) -> tuple[str, ...]:
        """List the environments that have records, sorted."""
        with self._lock:
            return tuple(name.removeprefix(REFS) for name in _names(self._repository, REFS))

    def append(
        self,
        environment: str,
        *,
        message: str,
        files: Mapping[str, bytes],
        author: Signature,
        expected_tip: str | None,
    ) -> str:
        """Add a record after `expected_tip` (None: the first) and return its commit.

        Raises Conflict when the tip is elsewhere, TransientError when the disk is full.
        Equal arguments give the same commit, so a record that was written before a crash is found again.
        """
        ref = audit_ref(environment)
        with self._lock, explained(f"recording an event of {environment}"):
            tree = edit_tree(self._repository, None, files)
            commit = write_commit(
                self._repository, [expected_tip] if expected_tip else [], tree, message, author
            )
            found = ref_target(self._repository, ref)
            if found != expected_tip:
                raise Conflict(f"the audit ref of {environment} is at {found}, not at {expected_tip}")
            if expected_tip is None:
                self._repository.references.create(ref, commit)
            else:
                self._repository.references[ref].set_target(commit)  # libgit2 compares with what it read
        return commit

    def log(self, environment: str, limit: int | None) -> Iterator[AuditCommit]:
        """Read the chain from its tip, newest first."""
        oid = self.tip(environment)
        while oid is not None and (limit is None or limit > 0):
            record = self._record(oid)
            yield record
            oid = record.parent
            limit = None if limit is None else limit - 1

    def files(self, commit: str) -> Mapping[str, bytes]:
        """Read every file of a commit, by path, sorted."""
        with self._lock, explained(f"reading the record {commit}"):
            tree = self._repository[commit].peel(pygit2.Tree)
            view = TreeView(self._repository, self._lock, str(tree.id))
            return {entry.path: view.read(entry.path) for entry in view.walk()}

    def settle(self) -> tuple[str, ...]:
        """Bring our chains up to what was fetched; return the environments that diverged, sorted."""
        diverged = []
        with self._lock:
            for name in _names(self._repository, SEEN):
                environment = name.removeprefix(SEEN)
                ours = ref_target(self._repository, REFS + environment)
                theirs = ref_target(self._repository, name)
                if theirs is None or ours == theirs:
                    continue
                if ours is None:
                    self._repository.references.create(REFS + environment, theirs)
                elif self._repository.descendant_of(theirs, ours):
                    self._repository.references[REFS + environment].set_target(theirs)
                elif not self._repository.descendant_of(ours, theirs):
                    diverged.append(environment)
        return tuple(diverged)

    def adopt(self, environment: str) -> str:
        """Give up our chain for the remote's, and return its tip. Ours stays under `refs/gitops/aside/`."""
        with self._lock:
            theirs = ref_target(self._repository, SEEN + environment)
            if theirs is None:
                raise TerminalError(f"the remote has no audit ref for {environment}: nothing to adopt")
            ours = self.tip(environment)
            if ours is not None and ours != theirs:
                self._repository.references.create(f"{_ASIDE}{environment}/{ours}", ours, force=True)
            self._repository.references.create(audit_ref(environment), theirs, force=True)
            return theirs

    def _record(self, oid: str) -> AuditCommit:
        with self._lock, explained(f"reading the record {oid}"):
            commit = self._repository[oid].peel(pygit2.Commit)
            parent = str(commit.parent_ids[0]) if commit.parent_ids else None
            return AuditCommit(oid, parent, message_of(commit), commit_time(commit), lambda: self.files(oid))


def audit_ref(environment: str) -> str:
    """Name the ref of an environment. Raises InvalidInput when Git would not take the name."""
    if not can_be_recorded(environment):
        message = "the name of an environment must also be a valid part of a Git ref"
        raise InvalidInput(Problem(Location(environment), message))
    return REFS + environment


def can_be_recorded(environment: str) -> bool:
    """Whether Git takes the name for a ref: a folder may be called what no ref may."""
    return is_audit_ref(REFS + environment) and pygit2.reference_is_valid_name(REFS + environment)


def ref_target(repository: pygit2.Repository, name: str) -> str | None:
    """Where a ref points; None when it does not exist."""
    found = repository.references.get(name)
    return str(found.target) if found is not None else None


def is_audit_ref(name: str, prefix: str = REFS) -> bool:
    """Whether a ref can be an environment's. Whoever may push can make others, such as one in a folder."""
    return name.startswith(prefix) and "/" not in name.removeprefix(prefix)


def _names(repository: pygit2.Repository, prefix: str) -> list[str]:
    return sorted(name for name in repository.listall_references() if is_audit_ref(name, prefix))
