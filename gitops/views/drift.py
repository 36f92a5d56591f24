"""What live objects differ in from what was applied, by application and target; secrets redacted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from gitops.drift import Finding, ForeignFinding, told
from gitops.model.kinds import DriftMode
from gitops.objects import JsonObject
from gitops.views.moments import readable, rfc3339

_SHORT = 12


@dataclass(frozen=True, slots=True)
class TargetDrift:
    """One application on one target as of the revision that it is on. `unseen`: why nobody can tell."""

    application: str
    target: str
    revision: str
    findings: tuple[Finding, ...] = ()
    foreign: tuple[ForeignFinding, ...] = ()
    unseen: str = ""

    @property
    def clear(self) -> bool:
        """Whether everything is known to be as it was applied, with nothing that is to be removed."""
        unwanted = any(one.mode is DriftMode.CORRECT for one in self.foreign)
        return not self.findings and not self.unseen and not unwanted


def form(environment: str, found: Iterable[TargetDrift]) -> JsonObject:
    """Give it as JSON; `patch` (RFC 6902) makes the live object what was applied."""
    return {"environment": environment, "targets": [_target(one) for one in found]}


def _target(one: TargetDrift) -> JsonObject:
    objects = [{**finding.as_json(), "since": rfc3339(finding.since)} for finding in one.findings]
    foreign = [{**found.as_json(), "since": rfc3339(found.since)} for found in one.foreign]
    unseen = {"unseen": one.unseen} if one.unseen else {}
    return {
        "application": one.application,
        "target": one.target,
        "revision": one.revision,
        "drifted": objects,
        "foreign": foreign,
        **unseen,
    }


def text(environment: str, found: Iterable[TargetDrift]) -> str:
    """Applications and targets, and below each what has drifted, with its author and its age."""
    return "\n".join(line for one in found for line in _lines(environment, one))


def _lines(environment: str, one: TargetDrift) -> Iterator[str]:
    place = f"{environment}/{one.application} on {one.target} at {one.revision[:_SHORT]}"
    if one.unseen:
        yield f"{place}: {one.unseen}"
    else:
        drifted = f"{len(one.findings)} drifted" if one.findings else "nothing has drifted"
        yield f"{place}: {drifted}" + (f", {len(one.foreign)} hold fields of others" if one.foreign else "")
    for finding in one.findings:
        since = f", since {readable(finding.since)}" if finding.since else ""
        yield f"  {finding.object}: {finding.because}, by {told(finding.authors)}{since} ({finding.mode})"
        yield from (f"    {operation}" for operation in finding.operations)
    for found in one.foreign:
        since = f", since {readable(found.since)}" if found.since else ""
        kept = "removed where it runs" if found.mode is DriftMode.CORRECT else "left there"
        yield f"  {found.object}: fields of others ({kept}){since}"
        yield from (f"    {held}" for held in found.held)
