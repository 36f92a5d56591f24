"""What is known of an application on a target, and which of two tellings counts."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from controllers.drift.place import Place
from gitops.drift import Sight, Verdict
from gitops.inventory import Entry, Inventory
from gitops.objects import ObjectKey
from tests.unit.controllers.drift.yard import SCOPE

KEY = ObjectKey("", "ConfigMap", "shop", "a")
OTHER = ObjectKey("", "ConfigMap", "shop", "b")
ENTRY = Entry(KEY, "v1", digest="d1", fields="f1", uid="u1")
SIGHT = Sight("u1", "10", 0, "f1", "12:00", SCOPE.applyset, terminating=False)


def stored(*entries: Entry) -> Inventory:
    return Inventory(*SCOPE, revision="r1", digest="d", entries={entry.key: entry for entry in entries})


def placed(*entries: Entry) -> Place:
    place = Place(SCOPE)
    place.take(stored(*entries))
    return place


def test_only_new_records_are_told_and_what_left_is_forgotten() -> None:
    place = Place(SCOPE)
    assert place.take(stored(ENTRY)) == (KEY,)
    assert place.take(stored(ENTRY)) == ()
    place.times[KEY] = "12:00"
    place.suspects.add(KEY)
    assert place.take(stored(replace(ENTRY, key=OTHER))) == (OTHER,)
    assert (set(place.entries), place.times, place.suspects) == ({OTHER}, {}, set())
    assert not place.lost
    assert place.take(None) == ()
    assert (place.entries, place.lost) == ({}, True)
    assert place.take(stored(ENTRY)) == (KEY,)
    assert not place.lost


def test_what_a_correction_told_counts_until_it_is_stored() -> None:
    """An inventory that was read a moment too early does not take it back."""
    place = placed(ENTRY)
    better = replace(ENTRY, uid="u2")
    place.put(better, SIGHT._replace(uid="u2"))
    assert place.take(stored(ENTRY)) == ()
    assert place.entries[KEY] == better


def test_another_manifest_counts_more_than_what_a_correction_told() -> None:
    place = placed(ENTRY)
    place.put(replace(ENTRY, uid="u2"), SIGHT._replace(uid="u2"))
    newer = replace(ENTRY, digest="d2", fields="f2")
    assert place.take(stored(newer)) == (KEY,)
    assert place.entries[KEY] == newer


def test_news_from_before_our_own_write_say_nothing() -> None:
    place = placed(ENTRY)
    place.put(ENTRY, SIGHT._replace(resource_version="20"))
    taken = SIGHT._replace(fields="taken", resource_version="15")
    assert place.judge(KEY, taken).verdict is Verdict.INTACT
    assert place.judge(KEY, taken._replace(resource_version="21")).verdict is Verdict.SUSPICIOUS


def test_a_later_apply_under_our_name_is_told_by_its_time_where_there_is_no_generation() -> None:
    place = placed(ENTRY)
    place.seen_applied(KEY, SIGHT)
    assert place.judge(KEY, SIGHT).verdict is Verdict.INTACT
    assert place.judge(KEY, SIGHT._replace(applied_at="12:01")).verdict is Verdict.REAPPLIED
    place.take(stored(replace(ENTRY, digest="d2")))  # a rollout applied since: its time is not known yet
    assert place.judge(KEY, SIGHT._replace(applied_at="12:01")).verdict is Verdict.INTACT


async def test_a_rollout_gets_its_way_once_what_is_being_written_is_written() -> None:
    """From then on the record is not sure, until it was read again."""
    place = placed(ENTRY)
    place.confirmed = place.turn
    with place.writing():
        waiting = asyncio.create_task(place.give_way())
        await asyncio.sleep(0)
        assert not waiting.done()
        assert not place.sure
    await asyncio.wait_for(waiting, 1)
