"""Sampling again and again, and what the judge makes of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controllers.adapters.http.sampling import KEPT, extended, sample_forever
from gitops.gates import Outcome, Sample, Sampling, VerdictKind, judge
from gitops.gates.judge import Soak
from gitops.model.gates import HttpGate

START = datetime(2026, 1, 2, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def gate(threshold: int = 3, interval: timedelta = 5 * SECOND) -> HttpGate:
    return HttpGate(type="http", url="http://x/", failure_threshold=threshold, interval=interval)


class Script:
    """A prober whose answers, and a clock whose steps, are the test's. It ends by cancelling the sampler."""

    def __init__(self, outcomes: list[Outcome], took: timedelta = SECOND) -> None:
        self.outcomes = list(outcomes)
        self.took = took
        self.now = START
        self.slept: list[float] = []
        self.reports: list[Sampling] = []

    async def probe(self, gate: HttpGate, url: str, now: Callable[[], datetime]) -> Sample:
        """Take the next outcome; `took` passes."""
        assert (gate.type, url) == ("http", "http://target/")
        self.now += self.took
        return Sample(now(), self.outcomes.pop(0), "seen")

    async def sleep(self, seconds: float) -> None:
        """Let time pass; the end of the script is the end of the sampler."""
        self.slept.append(seconds)
        self.now += timedelta(seconds=seconds)
        if not self.outcomes:
            raise asyncio.CancelledError

    async def run(self, gate: HttpGate) -> Sampling:
        """Sample to the end of the script; give the last report."""
        with pytest.raises(asyncio.CancelledError):
            await sample_forever(
                self, gate, "http://target/", self.reports.append, lambda: self.now, self.sleep
            )
        return self.reports[-1]


async def test_samples_start_at_once_and_keep_the_interval_from_start_to_start() -> None:
    script = Script([Outcome.GOOD] * 3)
    sampling = await script.run(gate())
    assert script.slept == [4.0, 4.0, 4.0]
    assert sampling.since == START
    assert [sample.at - START for sample in sampling.samples] == [1 * SECOND, 6 * SECOND, 11 * SECOND]
    assert [len(report.samples) for report in script.reports] == [1, 2, 3]


async def test_the_newest_samples_are_kept_and_as_many_as_the_judge_needs() -> None:
    for threshold, kept in ((3, KEPT), (30, 30)):
        sampling = await Script([Outcome.GOOD] * 40).run(gate(threshold))
        assert len(sampling.samples) == kept
        assert sampling.since == START


async def test_a_tiny_interval_does_not_spin() -> None:
    script = Script([Outcome.GOOD] * 3, took=timedelta(0))
    await script.run(gate(interval=timedelta(milliseconds=1)))
    assert script.slept == [0.1] * 3


async def test_time_without_data_does_not_count_as_soaked() -> None:
    """Promise 4: an address that was silent for most of the soak and then answers has not passed it."""
    asked = gate()
    script = Script([Outcome.GOOD] + [Outcome.NO_DATA] * 12 + [Outcome.GOOD])
    sampling = await script.run(asked)
    soak = Soak(START, 60 * SECOND)
    verdict = judge(asked, {"a": sampling}, soak, approved=False, now=START + 66 * SECOND)
    assert verdict.kind is VerdictKind.PENDING
    assert sampling.since == START + 65 * SECOND


async def test_a_single_lost_answer_does_not_start_the_soak_again() -> None:
    script = Script([Outcome.GOOD, Outcome.NO_DATA, Outcome.GOOD])
    assert (await script.run(gate())).since == START


def test_a_pause_in_which_nobody_asked_starts_the_series_again() -> None:
    """A machine that slept for an hour has not watched for that hour."""
    before = Sampling(START, (Sample(START + SECOND, Outcome.GOOD, ""),))
    later = START + timedelta(hours=1)
    sampling = extended(gate(), before, Sample(later + SECOND, Outcome.GOOD, ""), later)
    assert sampling.since == later


@given(st.lists(st.tuples(st.sampled_from(list(Outcome)), st.integers(0, 40)), min_size=1, max_size=30))
def test_since_never_moves_back_and_lies_before_the_newest_sample(steps: list[tuple[Outcome, int]]) -> None:
    sampling: Sampling | None = None
    at, since = START, START
    for outcome, seconds in steps:
        began, at = at, at + seconds * SECOND
        sampling = extended(gate(), sampling, Sample(at, outcome, ""), began)
        assert since <= sampling.since <= at
        assert sampling.samples[-1].at == at
        since = sampling.since
