"""One gate, one wave: what its samplings say at a moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from gitops.gates.verdict import Outcome, Sampling, Verdict, VerdictKind
from gitops.model.gates import ApprovalGate, Gate, HttpGate

STALE_AFTER_INTERVALS = 3


@dataclass(frozen=True, slots=True)
class Soak:
    """The span that a gate must hold for: from `since`, for `length`."""

    since: datetime
    length: timedelta

    def covered_from(self, watched_since: datetime) -> datetime:
        """When the span is over for somebody who watches only since `watched_since`."""
        return max(self.since, watched_since) + self.length


def judge(
    gate: Gate, samplings: Mapping[str, Sampling | None], soak: Soak, *, approved: bool, now: datetime
) -> Verdict:
    """Judge `gate` over the samplings of the wave's targets (None: nobody has looked yet).

    Pass needs, for every target, sampling over the whole soak and a newest sample that is good and fresh.
    """
    if isinstance(gate, ApprovalGate):
        if approved:
            return Verdict(VerdictKind.PASS, "approved")
        return Verdict(VerdictKind.PENDING, "nobody has approved it yet")
    if not isinstance(gate, HttpGate):
        return Verdict(VerdictKind.PASS, "every target is healthy")
    verdicts = [_http(gate, target, sampling, soak, now) for target, sampling in sorted(samplings.items())]
    order = (VerdictKind.FAIL, VerdictKind.INCONCLUSIVE, VerdictKind.PENDING, VerdictKind.PASS)
    if not verdicts:
        return Verdict(VerdictKind.INCONCLUSIVE, "no target to ask")
    return min(verdicts, key=lambda verdict: order.index(verdict.kind))


def _http(gate: HttpGate, target: str, sampling: Sampling | None, soak: Soak, now: datetime) -> Verdict:
    if sampling is None or not sampling.samples:
        return Verdict(VerdictKind.PENDING, f"{target}: not asked yet")
    newest = sampling.samples[-1]
    last = sampling.samples[-gate.failure_threshold :]
    if len(last) == gate.failure_threshold and all(sample.outcome is Outcome.BAD for sample in last):
        return Verdict(VerdictKind.FAIL, f"{target}: {newest.seen}, {len(last)} times in a row")
    stale = now - newest.at > gate.interval * STALE_AFTER_INTERVALS + gate.timeout
    if newest.outcome is Outcome.NO_DATA or stale:
        return Verdict(VerdictKind.INCONCLUSIVE, f"{target}: {'no fresh answer' if stale else newest.seen}")
    if newest.outcome is Outcome.BAD:
        return Verdict(VerdictKind.PENDING, f"{target}: {newest.seen}")
    until = soak.covered_from(sampling.since)
    if now < until:
        return Verdict(VerdictKind.PENDING, f"{target}: good so far, asked until {until:%H:%M:%S}")
    return Verdict(VerdictKind.PASS, f"{target}: {newest.seen}")
