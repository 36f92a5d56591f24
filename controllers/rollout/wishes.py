"""What Git wants of one environment at a revision, and which of it can be rendered."""

from __future__ import annotations

from controllers.rollout.errands import Errands
from controllers.source.revisions import Revisions
from gitops.rollout.desired import Wish, wish
from gitops.rollout.observation import Desired
from gitops.rollout.state import EnvironmentState


class Wishes:
    """Reads wishes, each from what is known of the one before. Synchronous: call it from a worker thread."""

    def __init__(self, environment: str, revisions: Revisions, errands: Errands) -> None:
        self._environment = environment
        self._revisions = revisions
        self._errands = errands
        self._before: Wish | None = None
        self._checked: dict[str, tuple[str, ...]] = {}

    def read(self, revision: str, state: EnvironmentState) -> Wish:
        """Give what Git wants at `revision`; what is new to `state` and cannot be rendered is a problem.

        Raises TerminalError for a commit that the mirror does not have.
        """
        catalog = self._revisions.catalog(revision)
        wanted = self._before = wish(catalog, self._environment, revision, state, self._before)
        problems = dict(wanted.problems)
        desired = dict(wanted.desired)
        current = {one.digest for one in desired.values()}
        self._checked = {digest: found for digest, found in self._checked.items() if digest in current}
        for name, one in wanted.desired.items():
            good = state.applications[name].good if name in state.applications else None
            if good is not None and good.digest == one.digest:
                continue
            found = self._check(name, one, state)
            if found:
                problems[name] = found
                del desired[name]
        return Wish(wanted.revision, wanted.spec, desired, problems, wanted.targets)

    def _check(self, name: str, desired: Desired, state: EnvironmentState) -> tuple[str, ...]:
        """Render before a rollout starts; inputs that are known to render, or are not new, cost nothing."""
        application = state.application(name)
        running = application.rollout.digest if application.rollout else ""
        if desired.removed or desired.digest in application.quarantine or desired.digest == running:
            return ()
        if desired.digest not in self._checked:
            targets = tuple(sorted(desired.targets))
            self._checked[desired.digest] = self._errands.check(name, desired.revision, targets)
        # Gates are no inputs: what is wrong with them is mended without another digest.
        return (*self._checked[desired.digest], *self._errands.check_gates(name, desired))
