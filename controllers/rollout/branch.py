"""What one environment reads in the branch's history: commands, rewritten history, and its own pushes."""

from __future__ import annotations

import asyncio
import logging

from controllers.adapters.git import Mirror
from gitops.errors import Refused, TerminalError
from gitops.rollout.observation import Command
from gitops.rollout.state import EnvironmentState
from gitops.rollout.trailers import Authored, commands_of

log = logging.getLogger(__name__)


class Branch:
    """History is read in threads. `pushed` is our newest commit, until a pass has seen it; then empty."""

    def __init__(self, environment: str, mirror: Mirror, *, follow_force_push: bool) -> None:
        self.pushed = ""
        self._environment = environment
        self._mirror = mirror
        self._follow_force_push = follow_force_push
        self._commands: tuple[Command, ...] = ()
        self._read_for: object = None

    async def commands(self, state: EnvironmentState, head: str) -> tuple[Command, ...]:
        """Commands in the commits since they were last read."""
        key = (state.observed, head)
        if key != self._read_for:
            self._commands = await asyncio.to_thread(self._read, state, head)
            self._read_for = key
        return self._commands

    async def shows_push(self, revision: str) -> bool:
        """Whether the revision that was decided by holds the newest revert that we pushed."""
        if self.pushed:
            if not await asyncio.to_thread(self._mirror.is_ancestor, self.pushed, revision):
                return False
            self.pushed = ""
        return True

    async def refuse_rewritten(self, observed: str, head: str) -> None:
        """Notice a branch that was force-pushed while nobody watched: the records know where it was.

        Raises Refused unless the operator follows force pushes.
        """
        if not observed or self._follow_force_push:
            return
        try:
            contained = await asyncio.to_thread(self._mirror.is_ancestor, observed, head)
        except TerminalError:
            contained = False
        if not contained:
            raise Refused(
                f"the branch at {head[:12]} no longer contains {observed[:12]}, which is recorded: it was "
                "force-pushed; push a commit on top of the recorded one, or set onForcePush: Follow"
            )

    def _read(self, state: EnvironmentState, head: str) -> tuple[Command, ...]:
        since = state.observed or _oldest_revision(state)
        if not since or since == head:
            return ()
        try:
            commits = self._mirror.commits(head, since)
        except TerminalError:
            log.warning("revision %s is gone from the branch: only %s is read for commands", since, head)
            commits = self._mirror.commits(head, None, limit=1)
        authored = [Authored(commit.oid, commit.author_name, commit.trailers) for commit in reversed(commits)]
        return commands_of(authored, self._environment)


def _oldest_revision(state: EnvironmentState) -> str:
    """The first revision that anything is recorded of: before it, no commit could have meant anything."""
    known = [(one.good.at, one.good.revision) for one in state.applications.values() if one.good]
    known += [
        (one.rollout.started_at, one.rollout.revision) for one in state.applications.values() if one.rollout
    ]
    known += [
        (held.at, held.revision) for one in state.applications.values() for held in one.quarantine.values()
    ]
    return min(known)[1] if known else ""
