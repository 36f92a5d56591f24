"""One followed repository: its branch, its environments' loops, and the audit records that go back to it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import aclosing
from typing import NamedTuple

from controllers.adapters.git import Fetched, can_be_recorded
from controllers.adapters.kube.patience import Patience
from controllers.rollout.environment import EnvironmentLoop
from controllers.rollout.tools import Tools
from controllers.source import Follower
from gitops.errors import GitopsError, TransientError
from gitops.model.catalog import Catalog
from gitops.rollout.desired import EVERYTHING
from gitops.rollout.wait import Wait

log = logging.getLogger(__name__)


class _Read(NamedTuple):
    """What a commit says, which environments are recorded, and whose records diverged."""

    catalog: Catalog
    diverged: frozenset[str]
    recorded: frozenset[str]


class RepositoryController:
    """Follows a branch and keeps one loop for every environment that Git or the records know."""

    def __init__(self, name: str, tools: Tools, follower: Follower, claims: dict[str, str]) -> None:
        """`claims` says which repository has which environment; shared by all of them."""
        self.name = name
        self.loops: dict[str, EnvironmentLoop] = {}
        self.error = ""
        self.fetched: Fetched | None = None
        self._tools = tools
        self._follower = follower
        self._claims = claims
        self._catalog: Catalog | None = None
        self._patience = Patience(first_wait=1.0, longest_wait=30.0)
        self._records_read = False
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Follow until cancelled; then end the loops and push what was recorded."""
        pusher = asyncio.create_task(self._tools.recorder.push_forever(), name=f"push {self.name}")
        try:
            async with aclosing(self._follower.changes()) as changes:
                async for outcome in changes:
                    if isinstance(outcome, GitopsError):
                        self._complain(str(outcome))
                    else:
                        await self._accept_safely(outcome)
        finally:
            await self._stop([*self._tasks.values(), pusher])
            await self._last_push()

    def hint(self) -> None:
        """Fetch soon."""
        self._follower.hint()

    @property
    def ready(self) -> bool:
        """Whether the repository was read and every environment made a pass."""
        return self.fetched is not None and all(loop.passes for loop in self.loops.values())

    @property
    def at_rest(self) -> bool:
        """Whether nothing is due: all that is left waits for people, or for clusters that do not answer."""
        if self.fetched is None:
            return bool(self.error)
        return all(loop.at_rest for loop in self.loops.values())

    @property
    def as_wanted(self) -> bool:
        """Whether everything is as Git says."""
        return self.ready and not self.error and all(loop.as_wanted for loop in self.loops.values())

    def waits(self, environment: str) -> tuple[Wait, ...]:
        """Why an environment's applications do not move; what holds up all of them comes first."""
        loop = self.loops[environment]
        troubles = (
            Wait(
                EVERYTHING, "", "follows no newer commit", self.error, release="a person, at the repository"
            ),
            Wait(EVERYTHING, "", "could not make its last pass, and tries again", loop.error),
        )
        return (*(trouble for trouble in troubles if trouble.seen), *loop.waits)

    async def _accept_safely(self, fetched: Fetched) -> None:
        """Accept; a defect of ours that one repository's content meets must not stop the others."""
        try:
            await self._accept(fetched)
        except Exception as error:
            log.exception("%s could not be read", self.name)
            self.error = f"{fetched.head[:12]} could not be read, by a defect of the controller: {error}"

    async def _accept(self, fetched: Fetched) -> None:
        read = await self._read(fetched)
        if read is None:
            return
        self.error = ""
        if fetched.seen != fetched.head:
            self._complain(
                f"the branch was force-pushed to {fetched.seen[:12]}; still following {fetched.head[:12]}: "
                "push a commit on top of it, or set onForcePush: Follow"
            )
        changed = _changed(self._catalog, read.catalog)
        self._catalog = read.catalog
        every = {*read.catalog.environments, *read.recorded, *self.loops}
        for environment in sorted(every, key=lambda name: (name not in changed, name)):
            if not self._may_lead(environment):
                continue
            if environment in read.diverged:
                await self._settle_divergence(environment)
            if environment not in self.loops:
                self._start(environment)
            self.loops[environment].notice(fetched.head, soon=environment in changed or not changed)
        self.fetched = fetched

    async def _read(self, fetched: Fetched) -> _Read | None:
        """Try until somebody answers: the follower has told its news, and will not tell it again."""
        failures = 0
        while True:
            try:
                catalog = await asyncio.to_thread(self._tools.revisions.catalog, fetched.head)
                diverged = {*fetched.diverged, *await self._read_records()}
                recorded = await asyncio.to_thread(self._tools.mirror.audit_environments)
            except TransientError as error:
                failures += 1
                self._complain(str(error))
                await self._patience.sleep(self._patience.wait(failures, error.retry_after))
            except GitopsError as error:
                self._complain(str(error))
                return None
            else:
                return _Read(catalog, frozenset(diverged), frozenset(recorded))

    def _may_lead(self, environment: str) -> bool:
        """Whether an environment can be one, and is no other repository's; else it is said why not."""
        if not can_be_recorded(environment):
            self._complain(f"environments/{environment} cannot be an environment: no Git ref may be named so")
            return False
        owner = self._claims.setdefault(environment, self.name)
        if owner != self.name:
            self._complain(
                f"environment {environment} belongs to repository {owner} already: give it another name"
            )
        return owner == self.name

    def _complain(self, text: str) -> None:
        self.error = text
        log.error("%s: %s", self.name, text)

    async def _read_records(self) -> tuple[str, ...]:
        """Fetch records from a remote of their own. It has to answer: nobody may lead without knowing them.

        Returns the environments whose records diverged. Later news come with what we push.
        """
        mirror = self._tools.mirror
        if mirror.audit_remote is None or self._records_read:
            return ()
        diverged = await asyncio.to_thread(mirror.fetch_audit)
        self._records_read = True
        return diverged

    async def _settle_divergence(self, environment: str) -> None:
        """Somebody else recorded while we had unpushed records: before we lead theirs hold, later we stop."""
        if environment in self.loops:
            self._tools.recorder.fence(environment)
            return
        tip = await asyncio.to_thread(self._tools.mirror.adopt_audit, environment)
        log.warning(
            "another controller has recorded %s meanwhile: going on from its record %s; our own unpushed "
            "ones are kept under refs/gitops/aside/",
            environment,
            tip[:12],
        )

    def _start(self, environment: str) -> None:
        loop = EnvironmentLoop(environment, self._tools, self._follower.hint)
        self.loops[environment] = loop
        self._tasks[environment] = asyncio.create_task(loop.run(), name=f"environment {environment}")
        self._tasks[environment].add_done_callback(self._ended(environment))

    def _ended(self, environment: str) -> Callable[[asyncio.Task[None]], None]:
        def ended(task: asyncio.Task[None]) -> None:
            if not task.cancelled() and (error := task.exception()) is not None:
                self.error = f"environment {environment} has stopped: {error}"
                log.error("%s: %s", self.name, self.error)

        return ended

    async def _stop(self, tasks: list[asyncio.Task[None]]) -> None:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _last_push(self) -> None:
        try:
            await self._tools.recorder.push()
        except GitopsError as error:
            log.warning("records stay local until the next start: %s", error)


def _changed(before: Catalog | None, after: Catalog) -> frozenset[str]:
    """Name the environments that a commit bears on; all of them where that cannot be told."""
    names = frozenset(after.environments)
    if before is None or before.clusters is not after.clusters or before.problems or after.problems:
        return names
    return frozenset(name for name in names if after.environments[name] is not before.environments.get(name))
