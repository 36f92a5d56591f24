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
from gitops.errors import Conflict, Denied, Refused, TransientError
from gitops.revert import Change, NoRevert, ReverseCommit
from gitops.rollout.desired import wish
from gitops.rollout.observation import RevertReport, RevertWork
from gitops.rollout.state import ApplicationState, EnvironmentState, Rollout

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
                say(await asyncio.to_thread(self._once, environment, work.application, state))
            except (Denied, Refused) as error:
                say(RevertReport(refused=f"the push was refused: {error}"))
            except Conflict:
                continue  # the branch moved on: look again, at once
            except TransientError as error:
                failures += 1
                say(RevertReport(waiting_for=str(error)))
                await self._patience.sleep(self._patience.wait(failures, error.retry_after))
                continue
            return

    def _once(self, environment: str, application: str, state: ApplicationState) -> RevertReport:
        rollout, good = state.rollout, state.good
        if rollout is None or good is None:
            return RevertReport(refused="there is nothing to revert to")
        head = self._mirror.fetch().head
        since = self._mirror.commits(head, rollout.revision)
        ours = {("Gitops-Environment", environment), ("Gitops-Rollout", rollout.id)}
        done = next((commit for commit in since if ours <= set(commit.trailers)), None)
        if done is not None:
            return RevertReport(commit=done.oid)
        path = self._path(environment, application, rollout.revision)
        changes = self._changes(environment, path, good.revision, rollout.revision)
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
            return RevertReport(refused=f"the reverse does not apply to the branch: {tree}")
        return RevertReport(commit=self._push(environment, application, rollout, changes, head, tree))

    def _push(
        self,
        environment: str,
        application: str,
        rollout: Rollout,
        changes: tuple[Change, ...],
        head: str,
        tree: str,
    ) -> str:
        record = self._mirror.audit_tip(environment) or ""
        message = revert.message(environment, application, rollout, changes, record)
        author = self._author(self._clock())
        commit = self._mirror.write_commit(parent=head, message=message, author=author, tree=tree)
        self._mirror.push_branch(commit, expected_head=head)
        log.info(
            "pushed revert", extra={"environment": environment, "application": application, "commit": commit}
        )
        return commit

    def _path(self, environment: str, application: str, revision: str) -> str:
        source = self._revisions.catalog(revision).environments.get(environment)
        found = source.applications.get(application) if source else None
        return found.path if found else f"environments/{environment}/{application}"

    def _differs(self, environment: str, application: str, rollout: Rollout, head: str) -> bool:
        """Whether the branch's head has other inputs than the rollout that failed."""
        catalog = self._revisions.catalog(head)
        desired = wish(catalog, environment, head, EnvironmentState()).desired.get(application)
        if desired is None:
            return not rollout.removed
        return desired.digest != rollout.digest

    def _changes(self, environment: str, path: str, good: str, failed: str) -> tuple[Change, ...]:
        """First-parent commits that touched the application's inputs, newest first."""
        environment_file = f"environments/{environment}/environment.yaml"

        def bears(changed: str) -> bool:
            return changed.startswith((f"{path}/", "clusters/")) or changed in (
                environment_file,
                "gitops.yaml",
            )

        found = []
        for commit in _first_parents(self._mirror.commits(failed, good)):
            before = commit.parents[0] if commit.parents else None
            if before is None:
                continue
            touched = tuple(filter(bears, self._mirror.changed_paths(before, commit.oid)))
            if touched:
                found.append(
                    Change(
                        commit=commit.oid,
                        subject=commit.subject,
                        author=commit.author_name,
                        paths=touched,
                        is_revert=revert.is_revert(commit.trailers),
                        is_merge=len(commit.parents) > 1,
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
