"""Samples in, one verdict out: only fresh good answers over the whole soak pass."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from gitops.gates import Outcome, Sample, Sampling, Verdict, VerdictKind, judge
from gitops.gates.judge import Soak
from gitops.model.gates import ApprovalGate, HealthGate
from tests.unit.gitops.rollout.world import MINUTE, SECOND, START, http

SOAK = Soak(START, MINUTE)
GATE = http(failure_threshold=3)
END = START + MINUTE


def sampling(*outcomes: Outcome, since_seconds: int = 0, end: int = 60) -> Sampling:
    """One sample a second, the last at `end`."""
    first = end - len(outcomes) + 1
    samples = tuple(
        Sample(START + (first + index) * SECOND, outcome, f"HTTP {outcome}")
        for index, outcome in enumerate(outcomes)
    )
    return Sampling(START + since_seconds * SECOND, samples)


def verdict(samplings: Mapping[str, Sampling | None], seconds: int = 60) -> Verdict:
    return judge(GATE, samplings, SOAK, approved=False, now=START + seconds * SECOND)


GOOD, BAD, NO_DATA = Outcome.GOOD, Outcome.BAD, Outcome.NO_DATA


def test_good_over_the_whole_soak_passes() -> None:
    assert verdict({"a": sampling(GOOD), "b": sampling(GOOD, GOOD)}).kind is VerdictKind.PASS


def test_good_before_the_end_of_the_soak_is_pending() -> None:
    assert verdict({"a": sampling(GOOD, end=59)}, seconds=59).kind is VerdictKind.PENDING


def test_sampling_that_began_late_is_pending_until_it_covers_a_whole_soak() -> None:
    late = sampling(GOOD, since_seconds=30)
    assert verdict({"a": late}).kind is VerdictKind.PENDING
    covered = Sampling(late.since, (Sample(START + 90 * SECOND, GOOD, "HTTP 200"),))
    assert verdict({"a": covered}, seconds=90).kind is VerdictKind.PASS


def test_a_target_that_nobody_asked_yet_is_pending() -> None:
    assert verdict({"a": sampling(GOOD), "b": None}).kind is VerdictKind.PENDING
    assert verdict({"a": Sampling(START)}).kind is VerdictKind.PENDING


def test_no_target_at_all_is_inconclusive() -> None:
    assert verdict({}).kind is VerdictKind.INCONCLUSIVE


def test_bad_answers_in_a_row_fail_and_fewer_are_pending() -> None:
    assert verdict({"a": sampling(GOOD), "b": sampling(BAD, BAD, BAD)}).kind is VerdictKind.FAIL
    assert verdict({"a": sampling(BAD, BAD)}).kind is VerdictKind.PENDING
    assert verdict({"a": sampling(BAD, GOOD, BAD, BAD)}).kind is VerdictKind.PENDING


def test_no_answer_is_neither_a_yes_nor_a_no() -> None:
    assert verdict({"a": sampling(GOOD, GOOD, NO_DATA)}).kind is VerdictKind.INCONCLUSIVE
    assert verdict({"a": sampling(NO_DATA, NO_DATA, NO_DATA, NO_DATA)}).kind is VerdictKind.INCONCLUSIVE


def test_a_good_answer_that_is_old_is_no_answer() -> None:
    assert verdict({"a": sampling(GOOD, end=40)}).kind is VerdictKind.INCONCLUSIVE


def test_a_failure_outweighs_everything_else_and_names_the_target() -> None:
    found = verdict({"a": None, "b": sampling(NO_DATA), "c": sampling(BAD, BAD, BAD)})
    assert found.kind is VerdictKind.FAIL
    assert found.because == "c: HTTP Bad, 3 times in a row"


def test_an_approval_passes_by_a_person_alone_and_health_is_asked_elsewhere() -> None:
    approval = ApprovalGate(type="approval")
    assert judge(approval, {}, SOAK, approved=False, now=END).kind is VerdictKind.PENDING
    assert judge(approval, {}, SOAK, approved=True, now=START).kind is VerdictKind.PASS
    assert judge(HealthGate(type="health"), {}, SOAK, approved=False, now=END).kind is VerdictKind.PASS


@given(
    st.dictionaries(
        st.sampled_from(["a", "b"]),
        st.none() | st.lists(st.sampled_from(Outcome), max_size=5).map(lambda outcomes: sampling(*outcomes)),
        min_size=1,
    ),
    st.integers(0, 120),
)
def test_a_pass_needs_a_fresh_good_answer_of_every_target(
    samplings: dict[str, Sampling | None], seconds: int
) -> None:
    found = verdict(samplings, seconds)
    if found.kind is VerdictKind.PASS:
        for each in samplings.values():
            assert each is not None
            assert each.samples[-1].outcome is GOOD
            assert START + seconds * SECOND - each.samples[-1].at <= 3 * GATE.interval + GATE.timeout
            assert seconds >= timedelta(minutes=1).total_seconds()
