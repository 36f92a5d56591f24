"""What live objects differ in from what was applied, by application and target; secrets redacted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from gitops.drift import Finding, told
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
    unseen: str = ""

    @property
    def clear(self) -> bool:
        """Whether everything is known to be as it was applied."""
        return not self.findings and not self.unseen


def form(environment: str, found: Iterable[TargetDrift]) -> JsonObject:
    """Give it as JSON; `patch` (RFC 6902) makes the live object what was applied."""
    return {"environment": environment, "targets": [_target(one) for one in found]}


def _target(one: TargetDrift) -> JsonObject:
    objects = [{**finding.as_json(), "since": rfc3339(finding.since)} for finding in one.findings]
    unseen = {"unseen": one.unseen} if one.unseen else {}
    return {
        "application": one.application,
        "target": one.target,
        "revision": one.revision,
        "drifted": objects,
        **unseen,
    }


def text(environment: str, found: Iterable[TargetDrift]) -> str:
    """Applications and targets, and below each what has drifted, with its author and its age."""
    return "\n".join(line for one in found for line in _lines(environment, one))


def _lines(environment: str, one: TargetDrift) -> Iterator[str]:
    place = f"{environment}/{one.application} on {one.target} at {one.revision[:_SHORT]}"
    if one.unseen:
        yield f"{place}: {one.unseen}"
    elif not one.findings:
        yield f"{place}: nothing has drifted"
    else:
        yield f"{place}: {len(one.findings)} drifted"
    for finding in one.findings:
        since = f", since {readable(finding.since)}" if finding.since else ""
        yield f"  {finding.object}: {finding.because}, by {told(finding.authors)}{since} ({finding.mode})"
        yield from (f"    {operation}" for operation in finding.operations)
