"""What Git wants of one environment at a revision, and which of it can be rendered."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from typing import NamedTuple

from controllers import processors
from controllers.rollout.errands import Errands
from controllers.rollout.trials import Trials
from controllers.source.attempts import FAILED_SECONDS
from controllers.source.revisions import Revisions
from gitops.errors import Denied, ToolMissing, TransientError
from gitops.mappings import changed, differing
from gitops.rollout.desired import Wish, wish
from gitops.rollout.observation import Desired
from gitops.rollout.state import ApplicationState, EnvironmentState

# Fewer are rendered sooner than threads are started for them.
_SIDE_BY_SIDE = 4
# What is wrong in a manifest stays wrong; a key or a tool may come, a build may be quicker another time.
_FAILED_SECONDS = FAILED_SECONDS + 1
_UNABLE_SECONDS = 30.0


class Stopped(TransientError):  # noqa: N818 - nothing went wrong
    """Nobody waits for the wish any more."""


class _Checked(NamedTuple):
    """What is wrong with the renders of an application that has these inputs, and when to look again.

    `awaiting` is what they wait for, where that says nothing about the inputs.
    """

    digest: str
    problems: tuple[str, ...]
    until: float = math.inf
    awaiting: str = ""


@dataclass(frozen=True, slots=True)
class _Before:
    """What the wish before followed from, and what of it was to be rendered."""

    wanted: Wish = field(default_factory=partial(Wish, ""))
    applications: Mapping[str, ApplicationState] = field(default_factory=dict)
    due: Mapping[str, Desired] = field(default_factory=dict)


class Wishes:
    """Reads wishes, each from what is known of the one before. Synchronous: call it from a worker thread."""

    def __init__(
        self,
        environment: str,
        revisions: Revisions,
        errands: Errands,
        trials: Trials | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._environment = environment
        self._revisions = revisions
        self._errands = errands
        self._trials = trials or Trials()
        self._before = _Before()
        self._checked: dict[str, _Checked] = {}
        self._stopped = threading.Event()

    def stop(self) -> None:
        """End a read that is under way, in another thread: nobody waits for it any more."""
        self._stopped.set()

    @property
    def stale_in(self) -> float:
        """In how many seconds to read again, though nothing changed: what cannot be rendered may be then."""
        return min((one.until for one in self._checked.values()), default=math.inf) - self._clock()

    def read(self, revision: str, state: EnvironmentState) -> Wish:
        """Give what Git wants at `revision`; what is new to `state` and cannot be rendered is a problem.

        What waits for something that says nothing about `revision`, such as a registry, is in `awaiting`.
        Raises TerminalError for a commit that the mirror does not have, Stopped after `stop`.
        """
        catalog = self._revisions.catalog(revision)
        before = self._before
        wanted = wish(catalog, self._environment, revision, state, before.wanted)
        due = _due(before, wanted, state)
        self._before = _Before(wanted, state.applications, due)
        now = self._clock()
        over = [name for name, one in self._checked.items() if name not in due or one.until <= now]
        for name in over:
            del self._checked[name]
        self._check(due, revision)
        problems: dict[str, tuple[str, ...]] = {}
        for name, one in due.items():
            # Gates are no inputs: what is wrong with them is mended without another digest.
            found = (*self._checked[name].problems, *self._errands.check_gates(name, one, revision))
            if found:
                problems[name] = found
        awaiting = {name: one.awaiting for name, one in self._checked.items() if one.awaiting}
        return replace(
            wanted,
            desired=changed(wanted.desired, dict.fromkeys((*problems, *awaiting))),
            problems=changed(wanted.problems, problems),
            awaiting=awaiting,
        )

    def _check(self, due: Mapping[str, Desired], revision: str) -> None:
        """Render what was not rendered before: tools side by side, many plain applications in processes."""
        new = self._unchecked(due)
        if self._trials.pay(sum(len(one.targets) for one in new.values())):
            self._try(new, revision)
        left = self._unchecked(new)
        render = partial(self._render, revision)
        if len(left) < _SIDE_BY_SIDE:
            for name, one in left.items():
                render(name, one)
            return
        with ThreadPoolExecutor(processors.available(), thread_name_prefix="render") as threads:
            for _ in threads.map(render, left, left.values()):
                pass

    def _unchecked(self, due: Mapping[str, Desired]) -> dict[str, Desired]:
        return {
            name: one
            for name, one in due.items()
            if name not in self._checked or self._checked[name].digest != one.digest
        }

    def _try(self, new: Mapping[str, Desired], revision: str) -> None:
        """Take note of what certainly renders; why something does not is for this process to find out."""
        trials = {
            name: trial
            for name, one in new.items()
            if not self._stopped.is_set()
            and (trial := self._errands.trial(name, revision, tuple(sorted(one.targets)))) is not None
        }
        if not self._trials.pay(sum(len(trial.targets) for trial in trials.values())):
            return
        succeeded = self._trials.run(tuple(trials.values()), self._stopped.is_set)
        for name, good in zip(trials, succeeded, strict=True):
            if good:
                self._checked[name] = _Checked(new[name].digest, ())

    def _render(self, revision: str, name: str, desired: Desired) -> None:
        if self._stopped.is_set():
            raise Stopped(f"{self._environment} is not read any more")
        now = self._clock()
        try:
            found = self._errands.check(name, revision, tuple(sorted(desired.targets)))
        except (TransientError, Denied, ToolMissing) as error:  # not its own fault: others can be rendered
            awaiting = f"{error} (tried again every {_UNABLE_SECONDS:g} s)"
            self._checked[name] = _Checked(desired.digest, (), now + _UNABLE_SECONDS, awaiting)
            return
        self._checked[name] = _Checked(desired.digest, found, now + _FAILED_SECONDS if found else math.inf)


def _due(before: _Before, wanted: Wish, state: EnvironmentState) -> Mapping[str, Desired]:
    """Say what is to be rendered before a rollout of it starts: only what differs is looked at."""
    names = {
        *differing(before.wanted.desired, wanted.desired),
        *differing(before.applications, state.applications),
    }
    now = {name: wanted.desired.get(name) for name in sorted(names)}
    return changed(
        before.due, {name: one if one and _is_due(name, one, state) else None for name, one in now.items()}
    )


def _is_due(name: str, desired: Desired, state: EnvironmentState) -> bool:
    """Whether to render before a rollout starts; what is known to render, or is not new, costs nothing."""
    application = state.applications.get(name)
    if application is None:
        return not desired.removed
    if application.good is not None and application.good.digest == desired.digest:
        return False
    running = application.rollout and application.rollout.digest
    return not desired.removed and desired.digest != running and desired.digest not in application.quarantine
