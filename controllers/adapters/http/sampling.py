"""Ask again and again, and keep the newest samples for the judge."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import NoReturn, Protocol

from gitops.gates import Outcome, Sample, Sampling
from gitops.gates.judge import STALE_AFTER_INTERVALS
from gitops.model.gates import HttpGate

KEPT = 10
SHORTEST_INTERVAL = 0.1


class Prober(Protocol):
    """Takes one sample."""

    async def probe(self, gate: HttpGate, url: str, now: Callable[[], datetime]) -> Sample:
        """Ask `url` once."""


async def sample_forever(
    prober: Prober,
    gate: HttpGate,
    url: str,
    report: Callable[[Sampling], None],
    now: Callable[[], datetime],
    sleep: Callable[[float], Awaitable[None]],
) -> NoReturn:
    """Sample at once, then every `gate.interval` until cancelled; report after each.

    An interval below SHORTEST_INTERVAL (seconds) is lengthened to it.
    """
    sampling: Sampling | None = None
    while True:
        began = now()
        sample = await prober.probe(gate, url, now)
        sampling = extended(gate, sampling, sample, began)
        report(sampling)
        spent = (now() - began).total_seconds()
        wanted = max(gate.interval.total_seconds(), SHORTEST_INTERVAL)
        await sleep(min(max(wanted - spent, 0.0), wanted))


def extended(gate: HttpGate, before: Sampling | None, sample: Sample, began: datetime) -> Sampling:
    """Add a sample that was begun at `began`.

    `since` is when the present series of answers began: it starts anew where nobody asked for longer than
    the judge takes an answer for fresh (a machine that slept), and after `failure_threshold` samples in a row
    without data. Otherwise time in which nothing was known would count as time that was good.
    """
    if before is None or not before.samples:
        return Sampling(began, (sample,), began)
    pause = sample.at - before.samples[-1].at
    lost = pause > gate.interval * STALE_AFTER_INTERVALS + gate.timeout
    last = before.samples[-gate.failure_threshold :]
    silent = len(last) == gate.failure_threshold and all(one.outcome is Outcome.NO_DATA for one in last)
    since = began if lost or silent else before.since
    kept = max(KEPT, gate.failure_threshold)
    return Sampling(since, (*before.samples, sample)[-kept:], before.asked_since)
