"""What came of applying a plan: what is to be watched from then on, or what stopped it."""

from __future__ import annotations

from dataclasses import dataclass

from controllers.rollout.observer import Observed
from gitops import plan as planning
from gitops.errors import GitopsError
from gitops.inventory import Entry
from gitops.objects import ObjectKey
from gitops.plan import Plan


@dataclass(frozen=True, slots=True)
class Applied:
    """A plan that was carried out up to its prune."""

    plan: Plan
    observed: Observed
    confirmed: tuple[Entry, ...]

    @property
    def expected(self) -> dict[ObjectKey, Entry]:
        """How each wanted object was when it was last applied, as far as that is known."""
        before = self.plan.before.entries if self.plan.before else {}
        known = {**before, **{entry.key: entry for entry in self.confirmed}}
        finished = {item.key for item in self.plan.objects if item.action is planning.Action.FINISHED}
        wanted = {item.key for item in self.plan.objects} - finished
        return {key: known.get(key) or Entry(key, "") for key in sorted(wanted)}


class NotHealthy(GitopsError):  # noqa: N818 - what was seen
    """Objects that later layers depend on failed."""

    def __init__(self, because: str, evidence: tuple[str, ...]) -> None:
        self.evidence = evidence
        super().__init__(because)
