"""How large each ReplicaSet of a Deployment may be: surge, unavailability, proportional scaling."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence

from simcluster.behaviour.meta import age_key, annotations_of, scaled, spec_of, status_of
from simcluster.values import JsonObject

DESIRED = "deployment.kubernetes.io/desired-replicas"
MAX = "deployment.kubernetes.io/max-replicas"


def replicas(obj: JsonObject) -> int:
    """Return `spec.replicas`, of a Deployment or a ReplicaSet."""
    found = spec_of(obj).get("replicas")
    return 1 if found is None else int(found)


def total(replica_sets: Iterable[JsonObject]) -> int:
    """Add up `spec.replicas`."""
    return sum(map(replicas, replica_sets))


def available(replica_sets: Iterable[JsonObject]) -> int:
    """Add up `status.availableReplicas`."""
    return sum(status_of(each).get("availableReplicas", 0) for each in replica_sets)


def active(replica_sets: Iterable[JsonObject]) -> list[JsonObject]:
    """Return those that want pods."""
    return [each for each in replica_sets if replicas(each) > 0]


def _rolling(deployment: JsonObject) -> JsonObject | None:
    strategy = spec_of(deployment).get("strategy") or {}
    if strategy.get("type", "RollingUpdate") != "RollingUpdate":
        return None
    return strategy.get("rollingUpdate") or {"maxSurge": "25%", "maxUnavailable": "25%"}


def max_surge(deployment: JsonObject) -> int:
    """Return how many pods there may be above the wanted number."""
    rolling = _rolling(deployment)
    return 0 if rolling is None else scaled(rolling.get("maxSurge"), replicas(deployment), up=True)


def max_unavailable(deployment: JsonObject) -> int:
    """Return how many of the wanted pods may be missing; 1 where rounding leaves no room at all."""
    rolling, wanted = _rolling(deployment), replicas(deployment)
    if rolling is None or wanted == 0:
        return 0
    found = scaled(rolling.get("maxUnavailable"), wanted, up=False)
    if found == 0 and max_surge(deployment) == 0:
        return 1
    return min(found, wanted)


def desired(replica_set: JsonObject) -> int | None:
    """Return the Deployment's size when the ReplicaSet was last scaled; None where it is not noted."""
    text = annotations_of(replica_set).get(DESIRED, "")
    return int(text) if text.isdigit() else None


def annotate(deployment: JsonObject, replica_set: JsonObject) -> bool:
    """Note the Deployment's size on a ReplicaSet; tell whether that changed anything."""
    wanted = replicas(deployment)
    noted = {DESIRED: str(wanted), MAX: str(wanted + max_surge(deployment))}
    found: dict[str, str] = replica_set["metadata"].setdefault("annotations", {})
    if noted.items() <= found.items():
        return False
    found.update(noted)
    return True


def new_replicas(deployment: JsonObject, every: Sequence[JsonObject], new: JsonObject) -> int:
    """Return the size of the new ReplicaSet at this step (NewRSNewReplicas)."""
    wanted = replicas(deployment)
    if _rolling(deployment) is None:
        return wanted
    room = wanted + max_surge(deployment) - total(every)
    if room <= 0:
        return replicas(new)
    return replicas(new) + min(room, wanted - replicas(new))


def old_sizes(
    deployment: JsonObject, new: JsonObject, old: Sequence[JsonObject]
) -> list[tuple[JsonObject, int]]:
    """Return the old ReplicaSets that shrink at this step, and to what.

    First those with unhealthy replicas lose these, which costs no availability; then the oldest shrink as far
    as what is available allows.
    """
    if not total(old):
        return []
    least = replicas(deployment) - max_unavailable(deployment)
    new_unavailable = replicas(new) - status_of(new).get("availableReplicas", 0)
    room = total([*old, new]) - least - new_unavailable
    if room <= 0:
        return []
    sizes = {each["metadata"]["name"]: replicas(each) for each in old}
    oldest = sorted(old, key=age_key)
    for each in oldest:
        unhealthy = replicas(each) - status_of(each).get("availableReplicas", 0)
        fewer = max(min(room, unhealthy), 0)
        sizes[each["metadata"]["name"]] -= fewer
        room -= fewer
    spare = max(available([*old, new]) - least, 0)
    for each in oldest:
        fewer = min(sizes[each["metadata"]["name"]], spare)
        sizes[each["metadata"]["name"]] -= fewer
        spare -= fewer
    return [(each, sizes[each["metadata"]["name"]]) for each in oldest]


def proportions(
    deployment: JsonObject, new: JsonObject | None, old: Sequence[JsonObject]
) -> Iterator[tuple[JsonObject, int, bool]]:
    """Yield (ReplicaSet, size, whether its annotations must follow) after the Deployment's size changed."""
    wanted = replicas(deployment)
    only = _active_or_latest(new, old)
    if only is not None:
        yield only, wanted, False
    elif new is not None and _saturated(deployment, new):
        for each in active(old):
            yield each, 0, False
    elif _rolling(deployment) is not None:
        yield from _shares(deployment, active([*old, *([new] if new is not None else [])]))


def _active_or_latest(new: JsonObject | None, old: Sequence[JsonObject]) -> JsonObject | None:
    newest_first = sorted(old, key=age_key, reverse=True)
    every = [*newest_first, *([new] if new is not None else [])]
    found = active(every)
    if len(found) > 1 or not every:
        return None
    if found:
        return found[0]
    return new if new is not None else newest_first[0]


def _saturated(deployment: JsonObject, new: JsonObject) -> bool:
    wanted = replicas(deployment)
    return replicas(new) == desired(new) == available([new]) == wanted


def _shares(deployment: JsonObject, every: list[JsonObject]) -> Iterator[tuple[JsonObject, int, bool]]:
    """Spread the difference over all by their size; the largest takes what rounding leaves."""
    wanted = replicas(deployment)
    missing = (wanted + max_surge(deployment) if wanted else 0) - total(every)
    every.sort(key=age_key, reverse=missing > 0)
    every.sort(key=replicas, reverse=True)
    added, sizes = 0, []
    for each in every:
        share = _share(deployment, each, missing, missing - added) if missing else 0
        sizes.append(replicas(each) + share)
        added += share
    if missing and sizes:
        sizes[0] = max(sizes[0] + missing - added, 0)
    for each, size in zip(every, sizes, strict=True):
        yield each, size, True


def _share(deployment: JsonObject, replica_set: JsonObject, missing: int, left: int) -> int:
    if left == 0:
        return 0
    size, wanted = replicas(replica_set), replicas(deployment)
    if wanted == 0:
        fraction = -size
    else:
        text = annotations_of(replica_set).get(MAX, "")
        before = int(text) if text.isdigit() and int(text) else status_of(deployment).get("replicas", 0)
        if not before:
            return 0
        exact = size * (wanted + max_surge(deployment)) / before
        fraction = math.floor(exact + 0.5) - size
    return min(fraction, left) if missing > 0 else max(fraction, left)
