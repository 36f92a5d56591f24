"""One environment's loop: look, decide, record, act, report, once each and in that order."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from functools import cache, partial

from controllers.drift.environment import EnvironmentDrift, Following
from controllers.rollout.board import Board
from controllers.rollout.branch import Branch
from controllers.rollout.crew import Crew
from controllers.rollout.errands import Errands
from controllers.rollout.hands import Hands
from controllers.rollout.tools import Tools
from controllers.rollout.wishes import Wishes
from gitops import audit
from gitops.drift import DriftRules
from gitops.errors import Conflict, GitopsError, TerminalError
from gitops.model.kinds import OnFailure
from gitops.rollout.decide import Decision, advance
from gitops.rollout.desired import Wish
from gitops.rollout.events import Event, RevertPushed
from gitops.rollout.explain import explain
from gitops.rollout.observation import Observation
from gitops.rollout.quiet import Quiet
from gitops.rollout.rest import as_wanted, at_rest
from gitops.rollout.state import EnvironmentState
from gitops.rollout.wait import Wait

log = logging.getLogger(__name__)

# A pass that failed unexpectedly, or whose record could not be written, is tried again after this.
_RETRY_SECONDS = 2.0
# The longest sleep between passes: clocks step, and a deadline may have been misjudged.
_LONGEST_SLEEP_SECONDS = 60.0
# A commit is read by all environments, for it may ask something of any; most of them it does not concern.
_OTHERS_FIRST_SECONDS = 0.25
# A pass costs with the number of targets, and their reports come with it too: without a rest in proportion,
# passes over a thousand targets would take the processor from the work itself.
_REST_PER_PASS = 3.0
_LONGEST_REST_SECONDS = 1.0


class EnvironmentLoop:
    """Drives one environment. `notice` is a hint; everything is read again."""

    def __init__(self, name: str, tools: Tools, hint: Callable[[], None]) -> None:
        """`hint` asks for a fetch: after our own push there is news."""
        self.name = name
        self.state = EnvironmentState()
        self.passes = 0
        self.error = ""
        self.as_wanted = False
        self._loaded = False
        self._rested_at = ""
        self._tools = tools
        self._hint = hint
        self._branch = Branch(name, tools.mirror, follow_force_push=tools.follow_force_push)
        self._board = Board()
        self._errands = Errands(name, tools.revisions, tools.clusters, tools.secrets)
        self._wishes = Wishes(name, tools.revisions, self._errands, tools.trials)
        self._hands = Hands(name, self._board, self._errands, tools, self._current)
        self._drift = EnvironmentDrift(name, self._board, self._errands, tools, self._writing)
        self._crew = Crew(self._hands.do, self._board, self._drift.give_way)
        self._head = ""
        self._wish = Wish("")
        self._quiet = Quiet()
        self._wished_for: object = None
        self._waits: Callable[[], tuple[Wait, ...]] = tuple

    def notice(self, head: str, *, soon: bool = True) -> None:
        """Say where the branch is now. Not `soon`: nothing here changed, and other environments go first."""
        self._head = head
        if soon:
            self._board.changed.set()
        else:
            asyncio.get_running_loop().call_later(_OTHERS_FIRST_SECONDS, self._board.changed.set)

    async def run(self) -> None:
        """Loop until cancelled; then end all work in an orderly way."""
        watching = asyncio.create_task(self._drift.run(), name=f"drift {self.name}")
        try:
            while True:
                await self._pass_once()
        finally:
            self._wishes.stop()
            watching.cancel()
            await asyncio.wait({watching})
            await self._crew.stop()

    @property
    def waits(self) -> tuple[Wait, ...]:
        """Why nothing moves, as of the newest pass; put into words when somebody asks."""
        return self._waits()

    @property
    def watched(self) -> tuple[int, bool]:
        """How many objects are watched for drift, and whether all were looked at."""
        return self._drift.tracked, self._drift.synced

    async def _pass_once(self) -> None:
        self._board.changed.clear()
        head = self._head
        started = time.perf_counter()
        pause = _RETRY_SECONDS
        try:
            decision = await self.step()
            self.error = ""
            pause = self._pause(decision)
        except Conflict as error:
            # Somebody else leads this environment: stop acting, and keep saying so.
            self._crew.reconcile(frozenset())
            self._drift.follow(None)
            self._stuck(error, head)
        except TerminalError as error:
            self._stuck(error, head)
        except GitopsError as error:
            self._failed(error)
        except Exception as error:
            log.exception("a pass failed unexpectedly; trying again", extra={"environment": self.name})
            self._failed(error)
        # A pass that failed is a sign of life too: a restart would not get over what it failed for.
        self._tools.beat(self.name)
        await asyncio.sleep(_rest(time.perf_counter() - started))
        # Not wait_for: Python 3.11's loses a cancellation that comes together with a change.
        try:
            async with asyncio.timeout(pause):
                await self._board.changed.wait()
        except TimeoutError:
            return

    async def step(self) -> Decision:
        """One pass. Nothing is acted on before it is recorded."""
        if not self._loaded:
            self.state = await self._tools.recorder.load(self.name, self._board.changed.set)
            self._loaded = True
        self._tools.recorder.require_lead(self.name)
        seen = await self._look()
        now = self._tools.clock()
        decision = advance(self.state, seen, now, self._quiet)
        self._quiet = decision.quiet
        if decision.events:
            await self._tools.recorder.append(self.name, decision.events, decision.state, now)
            before, self.state = self.state, decision.state
            self._tell(decision.events, before)
        self._board.drift_recorded(seen.drift_facts)
        self._crew.reconcile(decision.work)
        self._follow_drift()
        self._waits = cache(partial(explain, self.name, self.state, seen, now))
        resting = at_rest(self.state, seen, now) and await self._branch.shows_push(seen.revision)
        self._rested_at = seen.revision if resting else ""
        self.as_wanted = as_wanted(self.state, seen, self._quiet)
        self.passes += 1
        self._tools.observer.passed(self.name, self.state, decision.work)
        return decision

    @property
    def at_rest(self) -> bool:
        """Whether nothing is due at the branch's newest head that we know of, or nothing can be done."""
        return bool(self._head) and self._rested_at == self._head

    def _current(self) -> tuple[EnvironmentState, str]:
        return self.state, self._head

    def _follow_drift(self) -> None:
        """Watch live objects by the rules of Git; of an environment that left Git nobody looks after them."""
        spec = self._wish.spec
        if self._tools.watch_drift and spec is not None:
            self._drift.follow(Following(self.state, DriftRules.of(spec)))
        elif spec is None and not self._wish.problems:
            self._drift.follow(None)

    def _writing(self, application: str, target: str) -> bool:
        return self._crew.writing(application, target)

    def _stuck(self, error: GitopsError, head: str) -> None:
        """Note an error that no pass at `head` gets over: a person, or another commit, has to help."""
        self._failed(error)
        self._rested_at = head
        self.as_wanted = False

    def _failed(self, error: Exception) -> None:
        if str(error) != self.error:
            log.error("%s: %s", self.name, error)
        self.error = str(error)

    def _tell(self, events: tuple[Event, ...], before: EnvironmentState) -> None:
        for event in events:
            if isinstance(event, RevertPushed):
                self._branch.pushed = event.commit
                self._hint()
            log.info(audit.narrate(event), extra={"environment": self.name, "event": event.type})
        self._tools.observer.recorded(self.name, events, before, self.state)

    def _pause(self, decision: Decision) -> float:
        if decision.events:
            return 0.0  # perhaps nothing wakes the loop again: only another pass can tell that it is at rest
        until = min(self._wishes.stale_in, _LONGEST_SLEEP_SECONDS)
        if decision.look_again_at is not None:
            until = min(until, (decision.look_again_at - self._tools.clock()).total_seconds())
        return max(until, 0.0)

    async def _look(self) -> Observation:
        wanted = await self._wanted()
        spec = wanted.spec
        drift, done = self._board.drift()
        return Observation(
            revision=wanted.revision,
            desired=wanted.desired,
            problems=wanted.problems,
            awaiting=wanted.awaiting,
            commands=await self._branch.commands(self.state, wanted.revision),
            suspended=spec.suspended if spec else False,
            on_failure=spec.on_failure if spec else OnFailure(),
            max_concurrent_rollouts=spec.max_concurrent_rollouts if spec else 1,
            targets=self._board.targets(),
            samplings=self._board.samplings(),
            reverts=self._board.reverts(),
            reachable=self._board.reachable(),
            drift=drift,
            drift_facts=done,
        )

    async def _wanted(self) -> Wish:
        """What Git wants; computed once per revision and set of applications, or of targets to be left."""
        head = self._head
        if self._wish_depends_on(head) != self._wished_for or self._wishes.stale_in <= 0:
            await self._branch.refuse_rewritten(self.state.observed, head)
            self._wish = await asyncio.to_thread(self._wishes.read, head, self.state)
            self._wished_for = self._wish_depends_on(head)
        return self._wish

    def _wish_depends_on(self, head: str) -> object:
        """What the wish at `head` follows; who holds an application counts only once that left Git."""
        wanted = self._wish.desired
        left = [name for name in self.state.applications if name in wanted and wanted[name].removed]
        held = tuple((name, tuple(self.state.applications[name].on)) for name in sorted(left))
        return head, frozenset(self.state.applications), held


def _rest(spent: float) -> float:
    """How long to rest after a pass that took `spent` seconds."""
    return min(_REST_PER_PASS * spent, _LONGEST_REST_SECONDS)
