"""Fights over a field: noticed at the third correction, held off longer each time, forgotten in calm."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import cycle, islice

from hypothesis import given
from hypothesis import strategies as st

from gitops.drift import Contest, Contests

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
PATHS = ("/data/colour",)
OTHERS = ("/data/sound",)


def open_at(contests: Contests, paths: Iterable[str], now: datetime) -> datetime:
    """The moment from which a change of `paths` may be corrected; `now` where nothing holds it off."""
    contest = contests.over(paths, now)
    return now if contest is None else max(now, contest.until)


def at_once(turns: Iterable[tuple[str, ...]]) -> Contests:
    """Corrections of these paths one after the other, each as soon as it may be."""
    now, contests = START, Contests()
    for paths in turns:
        now = open_at(contests, paths, now)
        contests = contests.corrected(["painter"], paths, now)
    return contests


def fought(rounds: int) -> Contests:
    """So many corrections of one field."""
    return at_once([PATHS] * rounds)


def of(contests: Contests, paths: tuple[str, ...] = PATHS) -> Contest:
    """What is known right after the newest correction."""
    contest = contests.over(paths, contests.fields[paths[0]].last)
    assert contest is not None
    return contest


def test_two_corrections_are_no_fight_and_wait_for_nothing() -> None:
    contest = of(fought(2))
    assert not contest.fought
    assert contest.until == contest.last


def test_from_the_third_on_the_wait_doubles_up_to_an_hour() -> None:
    holds = [of(fought(rounds)).hold.total_seconds() for rounds in range(3, 15)]
    assert holds[:4] == [5, 10, 20, 40]
    assert holds[-1] == 3600
    assert [of(fought(rounds)).rounds for rounds in (3, 4)] == [3, 4]


def test_another_field_is_not_held_off_however_long_the_fight() -> None:
    contests = fought(12)
    now = of(contests).last
    assert open_at(contests, OTHERS, now) == now
    assert contests.corrected(["singer"], OTHERS, now).fields[OTHERS[0]].rounds == 1


def test_who_takes_several_fields_waits_for_the_one_that_is_fought_over() -> None:
    contests = fought(5)
    assert open_at(contests, (*PATHS, *OTHERS), of(contests).last) == of(contests).until


def test_both_sides_of_a_fight_are_named() -> None:
    assert of(fought(2).corrected(["singer"], PATHS, START)).managers == ("painter", "singer")


def test_calm_ends_a_fight_and_leaves_nothing() -> None:
    contests = fought(6)
    later = of(contests).last + timedelta(minutes=11)
    assert contests.over(PATHS, later) is None
    contests = contests.corrected(["singer"], OTHERS, later)
    assert contests.fields.keys() == {*OTHERS}
    assert contests.across is not None
    assert (contests.across.rounds, contests.across.managers) == (1, ("singer",))


def test_two_who_take_different_fields_in_turn_both_fight() -> None:
    """The one's correction does not end what is known of the other."""
    contests = at_once(islice(cycle([PATHS, OTHERS]), 20))
    assert [of(contests, paths).rounds for paths in (PATHS, OTHERS)] == [10, 10]
    assert [of(contests, paths).fought for paths in (PATHS, OTHERS)] == [True, True]


def test_ever_other_fields_of_one_object_are_a_fight_from_the_twentieth_on() -> None:
    """Generated names, say: no field is ever corrected twice."""
    contests = at_once([(f"/data/{number}",) for number in range(22)])
    assert contests.across is not None
    assert (contests.across.rounds, contests.across.hold) == (22, timedelta(seconds=20))
    assert open_at(contests, ("/data/new",), contests.across.last) == contests.across.until
    before = at_once([(f"/data/{number}",) for number in range(19)]).across
    assert before is not None
    assert not before.fought


@given(st.lists(st.tuples(st.integers(0, 100_000), st.sets(st.integers(0, 30), min_size=1)), max_size=60))
def test_whoever_takes_whatever_corrections_do_not_come_thick_and_fast(
    turns: list[tuple[int, set[int]]],
) -> None:
    """Never faster than the hold allows, and of one object at most 30 within its first ten minutes."""
    now, contests, made = START, Contests(), 0
    for pause, fields in turns:
        paths = [f"/data/{number}" for number in fields]
        asked = now + timedelta(milliseconds=pause)
        now = open_at(contests, paths, asked)
        assert now >= asked
        holding = contests.over(paths, now)
        assert holding is None or now - holding.last >= holding.hold
        contests = contests.corrected(["painter"], paths, now)
        made += now - START <= timedelta(minutes=10)
    assert made <= 30
