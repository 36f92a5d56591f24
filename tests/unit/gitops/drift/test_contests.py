"""Fights over a field: noticed at the third correction, held off longer each time, forgotten in calm."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from gitops.drift import Contest, corrected

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
PATHS = ("/data/colour",)


def fought(rounds: int, paths: tuple[str, ...] = PATHS) -> Contest:
    """So many corrections, each as soon as it may be."""
    now, contest = START, None
    for _ in range(rounds):
        contest = corrected(contest, ["painter"], paths, now)
        now = contest.open_at(paths, now)
    assert contest is not None
    return contest


def test_two_corrections_are_no_fight_and_wait_for_nothing() -> None:
    contest = fought(2)
    assert not contest.fought
    assert contest.open_at(PATHS, contest.last) == contest.last


def test_from_the_third_on_the_wait_doubles_up_to_an_hour() -> None:
    holds = [fought(rounds).hold.total_seconds() for rounds in range(3, 15)]
    assert holds[:4] == [5, 10, 20, 40]
    assert holds[-1] == 3600


def test_another_field_is_not_held_off() -> None:
    contest = fought(5)
    assert contest.open_at(("/data/sound",), contest.last) == contest.last
    assert corrected(contest, ["singer"], ("/data/sound",), contest.last).rounds == 1


def test_both_sides_of_a_fight_are_named() -> None:
    contest = corrected(fought(2), ["singer"], PATHS, START)
    assert contest.managers == ("painter", "singer")


def test_calm_ends_a_fight() -> None:
    contest = fought(6)
    later = contest.last + timedelta(minutes=11)
    assert corrected(contest, ["painter"], PATHS, later).rounds == 1


@given(st.lists(st.integers(0, 100_000), max_size=40))
def test_corrections_of_one_field_never_come_faster_than_the_hold_allows(pauses: list[int]) -> None:
    now = START
    contest: Contest | None = None
    for pause in pauses:
        now += timedelta(milliseconds=pause)
        if contest is not None:
            earliest = contest.open_at(PATHS, now)
            assert earliest >= now
            now = earliest
        before, contest = contest, corrected(contest, ["painter"], PATHS, now)
        if before is not None and before.fought and contest.rounds > 1:
            assert contest.last - before.last >= before.hold
