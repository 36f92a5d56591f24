"""What Git wants of one environment at a revision, and which of it can be rendered."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from controllers import processors
from controllers.rollout.errands import Errands
from controllers.rollout.trials import Trials
from controllers.source.revisions import Revisions
from gitops.errors import Denied, TransientError
from gitops.rollout.desired import Wish, wish
from gitops.rollout.observation import Desired
from gitops.rollout.state import EnvironmentState

# Fewer are rendered sooner than threads are started for them.
_SIDE_BY_SIDE = 4


class Stopped(TransientError):  # noqa: N818 - nothing went wrong
    """Nobody waits for the wish any more."""


class Wishes:
    """Reads wishes, each from what is known of the one before. Synchronous: call it from a worker thread."""

    def __init__(
        self, environment: str, revisions: Revisions, errands: Errands, trials: Trials | None = None
    ) -> None:
        self._environment = environment
        self._revisions = revisions
        self._errands = errands
        self._trials = trials or Trials()
        self._before: Wish | None = None
        self._checked: dict[str, tuple[str, ...]] = {}
        self._awaiting: dict[str, str] = {}
        self._stopped = threading.Event()

    def stop(self) -> None:
        """End a read that is under way, in another thread: nobody waits for it any more."""
        self._stopped.set()

    def read(self, revision: str, state: EnvironmentState) -> Wish:
        """Give what Git wants at `revision`; what is new to `state` and cannot be rendered is a problem.

        What only cannot be rendered now, because something else does not answer, is tried at every read.

        Raises TerminalError for a commit that the mirror does not have, Stopped after `stop`.
        """
        catalog = self._revisions.catalog(revision)
        wanted = self._before = wish(catalog, self._environment, revision, state, self._before)
        problems = dict(wanted.problems)
        desired = dict(wanted.desired)
        current = {one.digest for one in desired.values()}
        self._checked = {digest: found for digest, found in self._checked.items() if digest in current}
        due = {name: one for name, one in wanted.desired.items() if _is_due(name, one, state)}
        self._awaiting = {}
        self._check(due)
        for name in self._awaiting:
            del desired[name], due[name]
        for name, one in due.items():
            # Gates are no inputs: what is wrong with them is mended without another digest.
            found = (*self._checked[one.digest], *self._errands.check_gates(name, one))
            if found:
                problems[name] = found
                del desired[name]
        return replace(wanted, desired=desired, problems=problems, awaiting=self._awaiting, basis=None)

    def _check(self, due: Mapping[str, Desired]) -> None:
        """Render what was not rendered before: tools side by side, many plain applications in processes."""
        new = {name: one for name, one in due.items() if one.digest not in self._checked}
        if self._trials.pay(sum(len(one.targets) for one in new.values())):
            self._try(new)
        left = {name: one for name, one in new.items() if one.digest not in self._checked}
        if len(left) < _SIDE_BY_SIDE:
            for name, one in left.items():
                self._render(name, one)
            return
        with ThreadPoolExecutor(processors.available(), thread_name_prefix="render") as threads:
            for _ in threads.map(self._render, left, left.values()):
                pass

    def _try(self, new: Mapping[str, Desired]) -> None:
        """Take note of what certainly renders; why something does not is for this process to find out."""
        trials = {
            one.digest: trial
            for name, one in new.items()
            if not self._stopped.is_set()
            and (trial := self._errands.trial(name, one.revision, tuple(sorted(one.targets)))) is not None
        }
        if not self._trials.pay(sum(len(trial.targets) for trial in trials.values())):
            return
        succeeded = self._trials.run(tuple(trials.values()), self._stopped.is_set)
        self._checked.update({digest: () for digest, good in zip(trials, succeeded, strict=True) if good})

    def _render(self, name: str, desired: Desired) -> None:
        if self._stopped.is_set():
            raise Stopped(f"{self._environment} is not read any more")
        targets = tuple(sorted(desired.targets))
        try:
            self._checked[desired.digest] = self._errands.check(name, desired.revision, targets)
        except (TransientError, Denied) as error:
            self._awaiting[name] = str(error)


def _is_due(name: str, desired: Desired, state: EnvironmentState) -> bool:
    """Whether to render before a rollout starts; what is known to render, or is not new, costs nothing."""
    application = state.applications.get(name)
    if application is None:
        return not desired.removed
    if application.good is not None and application.good.digest == desired.digest:
        return False
    running = application.rollout and application.rollout.digest
    return not desired.removed and desired.digest != running and desired.digest not in application.quarantine
