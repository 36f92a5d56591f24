"""A sound chain has no problems; each kind of tampering is told, once, with the record's name."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from gitops.audit import AuditEntry, record, verify
from gitops.rollout import events as e
from gitops.rollout.state import EnvironmentState
from gitops.rollout.transitions import evolve
from tests.unit.gitops.rollout.world import START, World


def chain() -> list[AuditEntry]:
    """A record for each event of a good rollout."""
    world = World()
    world.commit("web", "A")
    world.settle()
    entries: list[AuditEntry] = []
    state = EnvironmentState()
    files = None
    for number, event in enumerate(world.events):
        state = evolve(state, (event,))
        files = record("production", (event,), state, files).files
        parent = entries[-1].oid if entries else None
        entries.append(AuditEntry(f"{number:040x}", parent, event.at, files))
    return entries


def test_a_sound_chain_has_no_problems() -> None:
    assert verify(chain()) == ()


def test_a_record_left_out_breaks_the_chain() -> None:
    entries = chain()
    problems = verify(entries[:3] + entries[4:])
    assert any("as its parent" in problem and entries[4].oid[:12] in problem for problem in problems)
    assert any("cannot have happened" in problem or "snapshot is not" in problem for problem in problems)


def test_a_chain_that_begins_in_the_middle_says_so() -> None:
    assert "expected none, for it is the first" in verify(chain()[2:])[0]


@pytest.mark.parametrize("at", [0, 3, -1])
def test_a_changed_snapshot_is_told_at_its_record_and_only_where_it_shows(at: int) -> None:
    entries = chain()
    files = {**entries[at].files, "state/environment.json": b'{"observed": "forged", "refused": ""}'}
    entries[at] = replace(entries[at], files=files)
    problems = verify(entries)
    assert problems[0].startswith(f"{entries[at].oid[:12]}: its snapshot is not")
    assert len(problems) <= 2


def test_an_event_that_cannot_have_happened_is_told() -> None:
    entries = chain()
    forged = e.RolloutSucceeded(at=entries[2].time, application="web", rollout="web#1")
    events = e.EVENTS.dump_json((forged,))
    entries[2] = replace(entries[2], files={**entries[2].files, "events.json": events})
    assert "cannot have happened" in verify(entries)[0]


def test_a_record_that_cannot_be_read_is_told_and_the_check_goes_on() -> None:
    entries = chain()
    entries[2] = replace(entries[2], files={})
    problems = verify(entries)
    assert problems == (f"{entries[2].oid[:12]}: the audit record has no file format",)


def test_time_that_goes_backwards_is_told_but_for_the_skew_of_clocks() -> None:
    entries = chain()
    entries[5] = replace(entries[5], time=entries[5].time + timedelta(seconds=30))
    assert verify(entries) == ()
    entries[5] = replace(entries[5], time=START - timedelta(hours=1))
    problems = verify(entries)
    assert len(problems) == 1
    assert "time goes backwards" in problems[0]


def test_a_record_without_events_is_told() -> None:
    entry = AuditEntry("a" * 40, None, START, record("production", (), EnvironmentState()).files)
    assert verify([entry]) == ("aaaaaaaaaaaa: holds no events",)
