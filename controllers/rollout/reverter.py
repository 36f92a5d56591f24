"""Writes the revert commit and gets it onto the branch, or finds out why not."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime

from controllers.adapters.git.edit import RevertConflict, Signature
from controllers.adapters.git.history import CommitInfo
from controllers.adapters.git.mirror import Mirror
from controllers.adapters.kube.patience import Patience
from controllers.source.revisions import Revisions
from gitops import revert
from gitops.errors import Conflict, Denied, GitopsError, Refused, TransientError
from gitops.model.catalog import ApplicationSource
from gitops.revert import Change, NoRevert, RestorePaths, ReverseCommit
from gitops.rollout.desired import wish
from gitops.rollout.observation import RevertReport, RevertWork
from gitops.rollout.state import ApplicationState, EnvironmentState, Good, Rollout

log = logging.getLogger(__name__)


class Reverter:
    """Reverts in one repository. A commit that was pushed before a crash is found, not made again."""

    def __init__(
        self,
        mirror: Mirror,
        revisions: Revisions,
        author: Callable[[datetime], Signature],
        clock: Callable[[], datetime],
        patience: Patience,
    ) -> None:
        self._mirror = mirror
        self._revisions = revisions
        self._author = author
        self._clock = clock
        self._patience = patience

    async def run(
        self,
        environment: str,
        work: RevertWork,
        state: ApplicationState,
        say: Callable[[RevertReport], None],
    ) -> None:
        """Get the revert of `state`'s rollout onto the branch; reports a commit, or why there is none."""
        failures = 0
        while True:
            try:
                head = await asyncio.to_thread(self._head)
            except GitopsError as error:  # also credentials and branches are mended without a new commit
                waits: GitopsError = error
            else:
                try:
                    say(await asyncio.to_thread(self._once, environment, work.application, state, head))
                except (Denied, Refused) as error:
                    say(RevertReport(refused=f"the push was refused: {error}"))
                    return
                except GitopsError as error:
                    waits = error
                else:
                    return
            failures += 1
            if isinstance(waits, Conflict) and failures == 1:
                continue  # the branch moved on: look again, at once
            say(RevertReport(waiting_for=str(waits)))
            wish = waits.retry_after if isinstance(waits, TransientError) else None
            await self._patience.sleep(self._patience.wait(failures, wish))

    def _head(self) -> str:
        """The branch as it is now. Raises GitopsError while nobody can say, or a person has to."""
        fetched = self._mirror.fetch()
        if fetched.seen != fetched.head:
            raise TransientError(
                f"the branch was force-pushed to {fetched.seen[:12]}, which does not contain "
                f"{fetched.head[:12]}: push a commit on top of that one, or set onForcePush: Follow"
            )
        return fetched.head

    def _once(self, environment: str, application: str, state: ApplicationState, head: str) -> RevertReport:
        rollout, good = state.rollout, state.good
        if rollout is None or good is None:
            return RevertReport(refused="there is nothing to revert to")
        done = self._pushed_before(environment, application, rollout, head)
        if done:
            return RevertReport(commit=done)
        path = self._path(environment, application, rollout.revision, good.revision)
        changes = self._changes(environment, application, path, good, rollout.revision)
        plan = revert.plan(
            application_path=path,
            changes=changes,
            good_revision=good.revision,
            head_changed=self._differs(environment, application, rollout, head),
        )
        if isinstance(plan, NoRevert):
            return RevertReport(refused=plan.because)
        if isinstance(plan, ReverseCommit):
            tree = self._mirror.revert_commit(plan.commit, head, plan.paths)
        else:
            tree = self._mirror.restore_paths(head, dict.fromkeys(plan.paths, plan.revision))
        if isinstance(tree, RevertConflict):
            return RevertReport(refused=_conflict(tree))
        taken_back = _taken_back(plan, changes)
        return RevertReport(commit=self._push(environment, application, rollout, taken_back, head, tree))

    def _pushed_before(self, environment: str, application: str, rollout: Rollout, head: str) -> str:
        """Find the revert that was pushed before a crash.

        Anybody can write its trailers, so it counts on the branch itself, not on what was merged into it, and
        only where it did take the failed inputs away.
        """
        ours = {("Gitops-Environment", environment), ("Gitops-Rollout", rollout.id)}
        for commit in _first_parents(self._mirror.commits(head, rollout.revision)):
            if ours <= set(commit.trailers) and self._differs(environment, application, rollout, commit.oid):
                return commit.oid
        return ""

    def _push(
        self,
        environment: str,
        application: str,
        rollout: Rollout,
        taken_back: tuple[Change, ...],
        head: str,
        tree: str,
    ) -> str:
        record = self._mirror.audit_tip(environment) or ""
        message = revert.message(environment, application, rollout, taken_back, record)
        author = self._author(self._clock())
        commit = self._mirror.write_commit(parent=head, message=message, author=author, tree=tree)
        self._mirror.push_branch(commit, expected_head=head)
        log.info(
            "pushed revert", extra={"environment": environment, "application": application, "commit": commit}
        )
        return commit

    def _application(self, environment: str, application: str, revision: str) -> ApplicationSource | None:
        source = self._revisions.catalog(revision).environments.get(environment)
        return source.applications.get(application) if source else None

    def _path(self, environment: str, application: str, *revisions: str) -> str:
        """The application's folder, in the first of `revisions` that has it."""
        found = (self._application(environment, application, revision) for revision in revisions)
        return next((one.path for one in found if one), f"environments/{environment}/{application}")

    def _linked(self, environment: str, application: str, revision: str) -> frozenset[str]:
        """Files that symlinks of the application lead to: shared with others, and its inputs all the same."""
        found = self._application(environment, application, revision)
        if found is None or found.problems:
            return frozenset()
        tree = self._mirror.tree(revision)
        resolved = (tree.resolve(file.path) for file in found.files)
        return frozenset(entry.path for entry in resolved if entry is not None)

    def _differs(self, environment: str, application: str, rollout: Rollout, head: str) -> bool:
        """Whether the branch's head has other inputs than the rollout that failed."""
        digest = self._digest(environment, application, head)
        return not rollout.removed if digest is None else digest != rollout.digest

    def _digest(self, environment: str, application: str, revision: str) -> str | None:
        catalog = self._revisions.catalog(revision)
        desired = wish(catalog, environment, revision, EnvironmentState()).desired.get(application)
        return desired.digest if desired is not None else None

    def _changes(
        self, environment: str, application: str, path: str, good: Good, failed: str
    ) -> tuple[Change, ...]:
        """First-parent commits that touched the application's inputs, newest first.

        Those since the last good revision, or since a revert of ours that brought its inputs back: where that
        put a whole folder back, its paths do not tell all that it took back.
        """
        shared = {f"environments/{environment}/environment.yaml", "gitops.yaml"}
        for revision in (good.revision, failed):
            shared |= self._linked(environment, application, revision)

        places = tuple(sorted({path, "clusters", *shared}))
        found = []
        for commit in _first_parents(self._mirror.commits(failed, good.revision)):
            before = commit.parents[0] if commit.parents else None
            ours = revert.is_revert(commit.trailers)
            if ours and self._digest(environment, application, commit.oid) == good.digest:
                break
            if before is None:
                continue
            touched = self._mirror.changed_paths(before, commit.oid, places)
            if touched:
                found.append(
                    Change(
                        commit=commit.oid,
                        subject=commit.subject,
                        author=commit.author_name,
                        paths=touched,
                        is_revert=ours,
                        reverts=revert.reverted_by(commit.trailers),
                    )
                )
        return tuple(found)


def _first_parents(commits: tuple[CommitInfo, ...]) -> list[CommitInfo]:
    """The mainline: what a merged branch brought in counts as its merge commit."""
    by_oid = {commit.oid: commit for commit in commits}
    line: list[CommitInfo] = []
    current = commits[0] if commits else None
    while current is not None:
        line.append(current)
        current = by_oid.get(current.parents[0]) if current.parents else None
    return line


def _taken_back(plan: ReverseCommit | RestorePaths, changes: tuple[Change, ...]) -> tuple[Change, ...]:
    """The changes that the plan's commit takes back: not those that earlier reverts took back already."""
    if isinstance(plan, ReverseCommit):
        return tuple(change for change in changes if change.commit == plan.commit)
    before = {commit for change in changes if change.is_revert for commit in (change.commit, *change.reverts)}
    folders = tuple(f"{path}/" for path in plan.paths)
    return tuple(
        change
        for change in changes
        if change.commit not in before and any(path.startswith(folders) for path in change.paths)
    )


def _conflict(conflict: RevertConflict) -> str:
    return (
        f"later commits changed the same lines of {', '.join(conflict.paths)}: take the change back by hand, "
        "or merge a fix"
    )
