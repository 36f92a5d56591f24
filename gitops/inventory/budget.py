"""How much may be deleted, and what is never deleted without being told to."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

from gitops.errors import Refused
from gitops.model.kinds import PruneBudget
from gitops.objects import GroupKind, ObjectKey

ALLOW_PRUNE = "Gitops-Allow-Prune"
PRUNE = "gitops-waves.io/prune"

# Deleting one of these deletes data, or every object inside or of that kind.
HOLDING = frozenset(
    {
        GroupKind("", "Namespace"),
        GroupKind("", "PersistentVolume"),
        GroupKind("", "PersistentVolumeClaim"),
        GroupKind("apiextensions.k8s.io", "CustomResourceDefinition"),
        GroupKind("snapshot.storage.k8s.io", "VolumeSnapshot"),
        GroupKind("snapshot.storage.k8s.io", "VolumeSnapshotContent"),
    }
)
# Kept like those; but its claims outlive it, so a revert takes back one that the failed revision added.
STATEFUL = HOLDING | {GroupKind("apps", "StatefulSet")}


class Asked(NamedTuple):
    """What a rollout would do to one target: how many objects it has there, renders, and would delete.

    `elsewhere`: how many it deletes on the wave's other targets.
    """

    tracked: int
    rendered: int
    deleting: int
    elsewhere: int = 0


class PruneWord(StrEnum):
    """What the annotation `gitops-waves.io/prune` may say.

    `disabled`: the object stays in the cluster when it leaves the repository. `enabled`: it goes without
    further permission, even where its kind asks for one.
    """

    DISABLED = "disabled"
    ENABLED = "enabled"


def unknown_word(annotations: Mapping[str, str]) -> str:
    """Say what is wrong with the prune annotation; "" where nothing is.

    A word that is misspelt would otherwise leave an object unprotected that somebody meant to protect.
    """
    word = annotations.get(PRUNE)
    if word is None or word in tuple(PruneWord):
        return ""
    return f'{PRUNE} is "disabled" or "enabled"'


def how_to_release(key: ObjectKey, scope: str) -> str:
    """Say what lets an object go that is held back because of its kind; `scope` as in `prune_allowed`."""
    return (
        f"a {key.kind} is deleted only with the annotation {PRUNE}: {PruneWord.ENABLED} on it, or by a "
        f"commit with the trailer `{ALLOW_PRUNE}: {scope}` (gitops allow-prune {scope})"
    )


def prune_allowed(budget: PruneBudget, scope: str, asked: Asked) -> None:
    """Raise Refused, with the numbers and how to allow it, where a rollout would delete too much.

    `scope` is `<environment>/<application>`. A render without any object deletes nothing, whatever the
    budget: an empty folder is more often a mistake than a wish.
    """
    tracked, deleting = asked.tracked, asked.deleting
    if not deleting:
        return
    how = f"to allow it, push a commit with the trailer `{ALLOW_PRUNE}: {scope}` (gitops allow-prune {scope})"
    if not asked.rendered:
        raise Refused(f"{scope} renders no object at all, which would delete all {deleting} it has; {how}")
    wave = budget.max_objects_per_wave
    limits = [(budget.max_objects.of(tracked), "maxObjects")]
    if wave.percent is not None:
        limits.append((wave.of(tracked), "maxObjectsPerWave"))
    limit, name = min(limits)
    if deleting > limit:
        raise Refused(
            f"{scope} would delete {deleting} of its {tracked} objects, more than the prune budget "
            f"of {limit} allows; {how}, or raise prune.{name} of the environment"
        )
    if wave.count is not None and deleting + asked.elsewhere > wave.count:
        raise Refused(
            f"{scope} would delete {deleting} objects here beside {asked.elsewhere} on other targets of the "
            f"wave, more than its prune budget of {wave.count} allows; {how}, or raise "
            "prune.maxObjectsPerWave of the environment"
        )
