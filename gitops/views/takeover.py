"""`gitops take-over`: what was taken over from whom, for people and for programs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from gitops.fields import Owner, Path, describe
from gitops.objects import JsonObject
from gitops.takeover import Share

_SHOWN = 6


@dataclass(frozen=True, slots=True)
class TakenOver:
    """One object. `because` says why it was left alone; `claim` is who its marks say it belongs to."""

    application: str
    target: str
    object: str
    shares: tuple[Share, ...] = ()
    beside_us: tuple[Owner, ...] = ()
    marks: tuple[str, ...] = ()
    marks_removed: bool = False
    claim: str = ""
    because: str = ""

    @property
    def idle(self) -> bool:
        """Whether there was nothing to do and there is nothing to tell."""
        return not (self.shares or self.marks or self.beside_us or self.because)


def form(environment: str, found: Iterable[TakenOver], *, dry_run: bool) -> JsonObject:
    """The form of `-o json`: every object that exists."""
    return {
        "environment": environment,
        "dryRun": dry_run,
        "objects": [_object(one) for one in found],
    }


def text(found: Iterable[TakenOver], *, dry_run: bool) -> str:
    """A paragraph per target; objects of which there is nothing to tell are counted only."""
    every = tuple(found)
    lines: list[str] = []
    for place in dict.fromkeys((one.application, one.target) for one in every):
        here = [one for one in every if (one.application, one.target) == place]
        lines.append(f"{place[0]} on {place[1]}")
        for one in here:
            if not one.idle:
                lines += [f"  {one.object}", *(f"    {line}" for line in _lines(one, dry_run=dry_run))]
        idle = sum(one.idle for one in here)
        if idle:
            lines.append(f"  {idle} {'object is' if idle == 1 else 'objects are'} nobody else's already")
    return "\n".join(lines)


def _lines(one: TakenOver, *, dry_run: bool) -> Iterator[str]:
    if one.because:
        yield f"left alone: {one.because}"
    for share in one.shares:
        if share.moved:
            fields = "1 field" if len(share.moved) == 1 else f"{len(share.moved)} fields"
            verb = "would be" if dry_run else "is" if len(share.moved) == 1 else "are"
            yield f"{fields} of {_named(share.owner)} {verb} ours alone"
        if share.left:
            yield f"{_named(share.owner)} keeps what Git does not write: {_listed(share.left)}"
    for owner in one.beside_us:
        yield f"{_named(owner)} owns fields of ours too: --manager {owner.manager} takes them over"
    if one.marks:
        verb = ("would be removed" if dry_run else "removed") if one.marks_removed else "left as they are"
        says = f", which say it belongs to {one.claim}" if one.claim else ""
        yield f"marks{says}, {verb}: {', '.join(one.marks)}"


def _named(owner: Owner) -> str:
    return f"{owner.manager} ({owner.operation})"


def _listed(found: tuple[Path, ...]) -> str:
    more = len(found) - _SHOWN
    return ", ".join(map(describe, found[:_SHOWN])) + (f" and {more} more" if more > 0 else "")


def _object(one: TakenOver) -> JsonObject:
    return {
        "application": one.application,
        "target": one.target,
        "object": one.object,
        "from": [
            {
                "manager": share.owner.manager,
                "operation": share.owner.operation,
                "moved": [describe(path) for path in share.moved],
                "left": [describe(path) for path in share.left],
            }
            for share in one.shares
        ],
        "besideUs": sorted({owner.manager for owner in one.beside_us}),
        "marks": list(one.marks),
        "marksRemoved": one.marks_removed,
        "claimedBy": one.claim,
        "leftAlone": one.because,
    }
