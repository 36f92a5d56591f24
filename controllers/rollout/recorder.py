"""Records events as commits: locally before anything is done, pushed soon after, off the hot path."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime

from controllers.adapters.git.edit import Signature
from controllers.adapters.git.mirror import Mirror
from controllers.adapters.kube.patience import Patience
from gitops import audit
from gitops.errors import Conflict, GitopsError
from gitops.rollout.events import Event
from gitops.rollout.state import EnvironmentState

log = logging.getLogger(__name__)

# Events come in bursts; one push carries a burst.
_GATHER_SECONDS = 0.2


class Recorder:
    """The audit refs of one repository."""

    def __init__(
        self,
        mirror: Mirror,
        author: Callable[[datetime], Signature],
        patience: Patience,
        on_unpushed: Callable[[str, int], None] = lambda _environment, _records: None,
    ) -> None:
        self._mirror = mirror
        self._author = author
        self._patience = patience
        self._on_unpushed = on_unpushed
        self._unpushed: Counter[str] = Counter()
        self._known: dict[str, Mapping[str, bytes]] = {}
        self._tips: dict[str, str | None] = {}
        self._on_fenced: dict[str, Callable[[], None]] = {}
        self._wanted = asyncio.Event()
        self.fenced: dict[str, str] = {}
        self.push_error = ""

    async def load(self, environment: str, on_fenced: Callable[[], None] = lambda: None) -> EnvironmentState:
        """Rebuild an environment's state from its newest record; a new state where there is none.

        `on_fenced` is called when somebody else is found to lead the environment. Raises TerminalError where
        the record cannot be read.
        """
        tip = await asyncio.to_thread(self._mirror.audit_tip, environment)
        state = EnvironmentState()
        if tip is not None:
            state = audit.read_state(await asyncio.to_thread(self._mirror.read_commit_files, tip))
        self._known.pop(environment, None)
        self._tips[environment] = tip
        self._on_fenced[environment] = on_fenced
        return state

    def require_lead(self, environment: str) -> None:
        """Raise Conflict when somebody else leads this environment now: nothing may be done about it."""
        if environment in self.fenced:
            raise Conflict(self.fenced[environment])

    async def append(
        self, environment: str, events: tuple[Event, ...], state: EnvironmentState, now: datetime
    ) -> str:
        """Record `events`, which led to `state`, as one commit. Returns it. `load` comes before it.

        Raises Conflict when somebody else leads this environment now: for good, since `state` does not hold
        what they recorded, even where a fetch has brought their records under our own ref.
        """
        self.require_lead(environment)
        record = audit.record(environment, events, state, self._known.get(environment))
        try:
            commit = await asyncio.to_thread(
                self._mirror.append_audit,
                environment,
                message=record.message,
                files=record.files,
                author=self._author(now),
                expected_tip=self._tips[environment],
            )
        except Conflict:
            self.fence(environment)
            raise Conflict(self.fenced[environment]) from None
        self._known[environment] = record.files
        self._tips[environment] = commit
        self._unpushed[environment] += 1
        self._on_unpushed(environment, self._unpushed[environment])
        self._wanted.set()
        return commit

    def fence(self, environment: str) -> None:
        """Stop recording an environment, and with that acting on it: another controller leads it now."""
        if environment not in self.fenced:
            self.fenced[environment] = (
                f"another controller records {environment}: this one has stopped acting on it; "
                "end one of the two, and restart this one to take over"
            )
            log.error(self.fenced[environment])
            self._on_fenced.get(environment, lambda: None)()

    async def push_forever(self) -> None:
        """Push what was recorded; what cannot be pushed now is pushed later."""
        failures = 0
        self._wanted.set()
        while True:
            await self._wanted.wait()
            await asyncio.sleep(_GATHER_SECONDS)
            self._wanted.clear()
            try:
                await self.push()
            except Exception as error:
                failures += 1
                self.push_error = str(error)
                unexpected = None if isinstance(error, GitopsError) else error
                log.warning("audit records wait to be pushed: %s", error, exc_info=unexpected)
                self._wanted.set()
                await self._patience.sleep(self._patience.wait(failures))
            else:
                failures = 0
                self.push_error = ""

    async def push(self) -> None:
        """Push everything once. An environment whose chain somebody else continued is fenced off.

        Raises what kept any of the records here, after all of them were tried.
        """
        sent = dict(self._unpushed)
        waiting = await asyncio.to_thread(self._mirror.unpushed_audit)
        results = await asyncio.to_thread(self._mirror.push_audit, waiting) if waiting else {}
        problems: list[GitopsError] = []
        for environment in sorted({*sent, *results}):
            problem = results[environment].problem if environment in results else None
            if isinstance(problem, Conflict):
                self.fence(environment)
            elif problem is not None:
                problems.append(problem)
            else:
                self._unpushed[environment] -= sent.get(environment, 0)
                self._on_unpushed(environment, self._unpushed[environment])
        if problems:
            raise problems[0]
