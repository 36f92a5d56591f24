"""How much may be deleted, and what is never deleted without being told to."""

from __future__ import annotations

from gitops.errors import Refused
from gitops.model.kinds import PruneBudget
from gitops.objects import GroupKind

ALLOW_PRUNE = "Gitops-Allow-Prune"

# Deleting one of these deletes data, or every object inside or of that kind.
STATEFUL = frozenset(
    {
        GroupKind("", "Namespace"),
        GroupKind("", "PersistentVolume"),
        GroupKind("", "PersistentVolumeClaim"),
        GroupKind("apiextensions.k8s.io", "CustomResourceDefinition"),
    }
)


def prune_allowed(budget: PruneBudget, scope: str, *, tracked: int, rendered: int, deleting: int) -> None:
    """Raise Refused, with the numbers and how to allow it, where a rollout would delete too much.

    `scope` is `<environment>/<application>`; the counts are those of one target. A render without any
    object deletes nothing, whatever the budget: an empty folder is more often a mistake than a wish.
    """
    if not deleting:
        return
    how = f"to allow it, push a commit with the trailer `{ALLOW_PRUNE}: {scope}` (gitops allow-prune {scope})"
    if not rendered:
        raise Refused(f"{scope} renders no object at all, which would delete all {deleting} it has; {how}")
    limit = budget.max_objects.of(tracked)
    if deleting > limit:
        raise Refused(
            f"{scope} would delete {deleting} of its {tracked} objects, more than the prune budget "
            f"of {limit} allows; {how}, or raise prune.maxObjects of the environment"
        )
