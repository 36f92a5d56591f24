"""What one metadata event says about one object that we applied. A suspicion is not yet drift."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, NamedTuple

from gitops.fields import fields_hash, our_entry
from gitops.foreign import Claim, claims
from gitops.inventory import PRUNE, Entry, PruneWord
from gitops.ownership import PART_OF


class Verdict(StrEnum):
    """How an object stands. `SUSPICIOUS` and `UNRECORDED` need a dry-run to tell more.

    `REAPPLIED`: we own what we did, and somebody applied under our name since: the values tell.
    """

    INTACT = "Intact"
    SUSPICIOUS = "Suspicious"
    REAPPLIED = "Reapplied"
    GONE = "Gone"
    RECREATED = "Recreated"
    TERMINATING = "Terminating"
    NOT_OURS = "NotOurs"
    UNRECORDED = "Unrecorded"


class Sight(NamedTuple):
    """What is kept of an object's metadata.

    `fields` is the hash of what we own, "" where nothing; `applied_at` the time in our entry of
    managedFields, which the server sets anew whenever an apply under our name changed the object; `foreign`
    what others own in its spec, of which most objects have nothing; `prune` the word of its annotation, ""
    where it says nothing that counts.
    """

    uid: str
    resource_version: str
    generation: int
    fields: str
    applied_at: str
    part_of: str
    terminating: bool
    foreign: tuple[Claim, ...] = ()
    prune: str = ""

    @classmethod
    def of(cls, metadata: Mapping[str, Any]) -> Sight:
        """Read `metadata` as the API server sends it.

        Where somebody's fields are nested too deeply to be read, `fields` is "": that is never as applied, so
        the object is looked at closely.
        """
        ours = our_entry(metadata.get("managedFields") or ())
        try:
            fields, foreign = fields_hash(metadata), claims(metadata)
        except RecursionError:
            fields, foreign = "", ()
        return cls(
            uid=str(metadata.get("uid", "")),
            resource_version=str(metadata.get("resourceVersion", "")),
            generation=int(metadata.get("generation", 0)),
            fields=fields,
            applied_at=str(ours.get("time", "")) if ours else "",
            part_of=str((metadata.get("labels") or {}).get(PART_OF, "")),
            terminating=metadata.get("deletionTimestamp") is not None,
            foreign=foreign,
            prune=_prune_word(metadata),
        )


def _prune_word(metadata: Mapping[str, Any]) -> str:
    word = str((metadata.get("annotations") or {}).get(PRUNE, ""))
    return word if word in frozenset(PruneWord) else ""


class Judgement(NamedTuple):
    """A verdict and its reason, a clause for people."""

    verdict: Verdict
    because: str


_INTACT = Judgement(Verdict.INTACT, "it is as it was applied")


def judge(entry: Entry, sight: Sight | None, applyset: str, applied_at: str = "") -> Judgement:
    """Compare what was applied with what is seen; None is an object that is not there.

    `applied_at` is the time of our last apply as far as it is known: for kinds without a generation
    nothing else tells that somebody applied other values under our own name. A generation below the
    entry's is news that was overtaken by our own write.
    """
    if sight is None:
        return Judgement(Verdict.GONE, "it is not there any more")
    if sight.part_of and sight.part_of != applyset:
        return Judgement(Verdict.NOT_OURS, f"it now belongs to ApplySet {sight.part_of}")
    if sight.terminating:
        return Judgement(Verdict.TERMINATING, "it is being deleted")
    if not entry.digest:
        return Judgement(Verdict.UNRECORDED, "an earlier apply was not confirmed")
    if entry.uid != sight.uid:
        return Judgement(Verdict.RECREATED, "somebody deleted it and created it again")
    if sight.generation < entry.generation:
        return _INTACT
    return _of_ownership(entry, sight, applied_at)


def _of_ownership(entry: Entry, sight: Sight, applied_at: str) -> Judgement:
    if not sight.fields:
        return Judgement(Verdict.SUSPICIOUS, "none of its fields is recorded as ours any more")
    if sight.fields != entry.fields:
        return Judgement(Verdict.SUSPICIOUS, "fields that we own changed hands")
    if sight.generation != entry.generation:
        return Judgement(Verdict.SUSPICIOUS, "its spec changed, and our fields are still ours")
    if applied_at and sight.applied_at != applied_at:
        return Judgement(Verdict.REAPPLIED, "somebody applied it under our name")
    return _INTACT
