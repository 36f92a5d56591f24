"""Which of the volumes that are there a claim gets: one that waits for it, or the smallest that fits."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from simcluster.behaviour.meta import deleting, spec_of
from simcluster.kinds import quantities
from simcluster.values import JsonObject


def waits_for(volume: JsonObject, claim: JsonObject) -> bool:
    """Tell whether a volume says that it is this claim's (IsVolumeBoundToClaim)."""
    reference, own = spec_of(volume).get("claimRef") or {}, claim["metadata"]
    return (reference.get("namespace"), reference.get("name")) == (own["namespace"], own["name"]) and (
        reference.get("uid") or own["uid"]
    ) == own["uid"]


def is_free(volume: JsonObject) -> bool:
    """Tell whether a volume is nobody's, nor kept for somebody."""
    return not spec_of(volume).get("claimRef") and not deleting(volume)


def best(claim: JsonObject, volumes: Iterable[JsonObject], class_name: str) -> JsonObject | None:
    """Return the volume for a claim that names none; of those that fit the smallest.

    A volume that waits for the claim goes first.
    """
    found: list[tuple[Decimal, str, JsonObject]] = []
    for volume in volumes:
        if not _suits(volume, claim, class_name):
            continue
        if waits_for(volume, claim):
            return volume
        if is_free(volume):
            found.append((_size(spec_of(volume).get("capacity")), volume["metadata"]["name"], volume))
    return min(found, key=lambda each: each[:2])[2] if found else None


def _suits(volume: JsonObject, claim: JsonObject, class_name: str) -> bool:
    offered, wanted = spec_of(volume), spec_of(claim)
    return (
        not deleting(volume)
        and offered.get("storageClassName", "") == class_name
        and offered.get("volumeMode") == wanted.get("volumeMode")
        and set(wanted.get("accessModes") or ()) <= set(offered.get("accessModes") or ())
        and _size(offered.get("capacity")) >= _size(wanted["resources"].get("requests"))
    )


def _size(amounts: JsonObject | None) -> Decimal:
    return quantities.value((amounts or {}).get("storage", "0"))
