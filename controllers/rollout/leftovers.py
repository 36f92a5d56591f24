"""Goes on with what could not be pruned at once: looks anew, and deletes nothing but that."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from controllers.adapters.kube.patience import Patience
from controllers.rollout.applier import Applier
from controllers.rollout.observer import Access, Siblings, TargetObserver
from controllers.rollout.pruning import Pruner, named, told
from gitops import plan as planning
from gitops.inventory import Inventory
from gitops.objects import ObjectKey
from gitops.plan import Plan, PlanPolicy, Wanted

log = logging.getLogger(__name__)

# Whoever refuses a deletion, or holds it up, is a person or a controller that may take its time.
PRUNE_PATIENCE = Patience(first_wait=2.0, longest_wait=300.0)
# Others wait meanwhile: a rollout, and whoever corrects drift.
_GONE_WITHIN_SECONDS = 3.0


async def prune_again(
    wanted: Wanted,
    siblings: Siblings,
    access: Access,
    names: frozenset[str],
    redact: Callable[[str], str],
) -> Mapping[str, str]:
    """Try once more to delete the objects of these names; return what is left, with the reasons.

    What was decided when they were first deleted stands, so neither budget nor kind holds them back; but one
    that is wanted again, is others' by now, or protected, is not deleted. Raises what the client raises.
    """
    policy = PlanPolicy(prune_permitted=True)
    observed = await TargetObserver(access).look(wanted, siblings)
    plan = planning.make(wanted, observed.view, policy, observed.settled)
    if plan.before is None:
        return {}
    done = await Pruner(access.objects).delete(
        named(plan.prune, names), observed.discovery, within=_GONE_WITHIN_SECONDS
    )
    after = _after(plan, plan.before, done.gone, names)
    if after != plan.before:
        await Applier(access).store(after, observed)
    return told(done.left, redact)


def _after(plan: Plan, before: Inventory, gone: frozenset[ObjectKey], names: frozenset[str]) -> Inventory:
    untracked = {key for key in plan.untracked if str(key) in names}
    after = before.without(gone | untracked)
    complete = not plan.writes and not plan.refusals and {one.key for one in plan.prune} <= gone
    return after.settled(plan.wanted.digest) if complete else replace(after, digest="")


class Leftovers:
    """What a rollout's prune left on its target, for as long as it is watched."""

    def __init__(
        self,
        wanted: Wanted,
        siblings: Siblings,
        access: Access,
        redact: Callable[[str], str],
        clock: Callable[[], datetime],
    ) -> None:
        self._asked = wanted, siblings, access
        self._redact = redact
        self._clock = clock
        self._names: frozenset[str] = frozenset()
        self._tries = 0
        self._again_at = clock()

    @property
    def due(self) -> bool:
        """Whether there is something left, and it is time to try again."""
        return bool(self._names) and self._clock() >= self._again_at

    def found(self, left: Mapping[str, str]) -> None:
        """Take in what is left now."""
        for key in sorted(left.keys() - self._names):
            log.warning("%s stays in the inventory and is tried again: %s", key, left[key])
        self._names = frozenset(left)
        self._tries = self._tries + 1 if left else 0
        self._again_at = self._clock() + timedelta(seconds=PRUNE_PATIENCE.wait(max(self._tries, 1)))

    async def prune(self) -> Mapping[str, str]:
        """Try again; see `prune_again`."""
        return await prune_again(*self._asked, self._names, self._redact)
