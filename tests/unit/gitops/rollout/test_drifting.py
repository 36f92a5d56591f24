"""Drift in the records: what is found is open until it is corrected or ends, whatever the process forgot."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from gitops.diff import Operation
from gitops.drift import Author, Deed, DriftFact, DriftKind, DriftReport, Finding
from gitops.fields import Owner
from gitops.model.kinds import DriftMode
from gitops.rollout import events as e
from gitops.rollout.decide import advance
from gitops.rollout.drifting import MOST_OPEN
from gitops.rollout.explain import explain
from gitops.rollout.observation import Observation
from gitops.rollout.state import EnvironmentState
from tests.unit.gitops.rollout.world import START, World

HOUR = timedelta(hours=1)
EVE = Author(Owner("eve", "Update", time="2026-03-01T11:00:00Z"), certain=True)
FINDING = Finding(
    "ConfigMap shop/web",
    "ConfigMap",
    DriftKind.CHANGED,
    DriftMode.REPORT,
    "fields that we applied were changed",
    (Operation("replace", "/data/colour", "green", "red"),),
    (EVE,),
    START - HOUR,
)


def settled() -> tuple[EnvironmentState, Observation, str]:
    """An application on its targets, what a pass sees of it, and one of the targets."""
    world = World()
    world.commit("web", "A")
    world.settle()
    (target, *_) = world.state.application("web").on
    return world.state, Observation(revision=world.state.observed, desired={}), target


def told(state: EnvironmentState, seen: Observation) -> tuple[EnvironmentState, list[e.Event]]:
    """One pass."""
    decision = advance(state, seen, START)
    return decision.state, [event for event in decision.events if type(event).__name__.startswith("Drift")]


def report(*findings: Finding, complete: bool = True) -> DriftReport:
    """What a watch tells."""
    return DriftReport({finding.object: finding for finding in findings}, complete)


def test_what_is_found_is_recorded_once_and_stays_open() -> None:
    state, seen, target = settled()
    seen = replace(seen, drift={("web", target): report(FINDING)})
    state, events = told(state, seen)
    (event,) = events
    assert isinstance(event, e.DriftFound)
    assert (event.since, event.by[0].manager) == (START - HOUR, "eve")
    assert state.application("web").drifted[0][:2] == (target, "ConfigMap shop/web")
    assert told(state, seen) == (state, [])


def test_a_restart_ends_nothing_before_it_has_looked_at_everything() -> None:
    state, seen, target = settled()
    state, _ = told(state, replace(seen, drift={("web", target): report(FINDING)}))
    assert told(state, seen)[1] == []
    assert told(state, replace(seen, drift={("web", target): report(complete=False)}))[1] == []
    state, events = told(state, replace(seen, drift={("web", target): report()}))
    assert [type(event) for event in events] == [e.DriftEnded]
    assert state.application("web").drift == {}


def test_another_difference_is_recorded_anew_and_keeps_the_age() -> None:
    state, seen, target = settled()
    state, _ = told(state, replace(seen, drift={("web", target): report(FINDING)}))
    other = replace(FINDING, operations=(Operation("remove", "/data/colour", live="x"),), since=START)
    state, events = told(state, replace(seen, drift={("web", target): report(other)}))
    assert len(events) == 1
    assert state.application("web").drift[target][FINDING.object].since == START - HOUR


def test_a_correction_closes_what_was_open() -> None:
    state, seen, target = settled()
    state, _ = told(state, replace(seen, drift={("web", target): report(FINDING)}))
    fact = DriftFact(Deed.CORRECTED, "web", target, FINDING)
    state, events = told(state, replace(seen, drift={("web", target): report()}, drift_facts=(fact,)))
    assert [type(event) for event in events] == [e.DriftCorrected]
    assert state.application("web").drift == {}


def test_facts_about_what_nobody_knows_are_dropped() -> None:
    state, seen, target = settled()
    fact = DriftFact(Deed.MUTATED, "unknown", target, FINDING)
    assert told(state, replace(seen, drift_facts=(fact,)))[1] == []


def test_a_fight_is_told_with_how_often_and_until_when() -> None:
    state, seen, target = settled()
    fact = DriftFact(Deed.CONTESTED, "web", target, FINDING, rounds=3, until=START + HOUR)
    _, (event,) = told(state, replace(seen, drift_facts=(fact,)))
    assert isinstance(event, e.DriftContested)
    assert (event.rounds, event.until) == (3, START + HOUR)


def test_a_flood_is_recorded_up_to_a_bound() -> None:
    state, seen, target = settled()
    many = [replace(FINDING, object=f"ConfigMap shop/{number:04}") for number in range(MOST_OPEN + 50)]
    state, events = told(state, replace(seen, drift={("web", target): report(*many)}))
    assert len(events) == len(state.application("web").drifted) == MOST_OPEN


def test_a_long_value_is_named_by_its_size() -> None:
    state, seen, target = settled()
    long = replace(FINDING, operations=(Operation("replace", "/data/x", "y" * 100_000, "z"),))
    _, (event,) = told(state, replace(seen, drift={("web", target): report(long)}))
    assert isinstance(event, e.DriftFound)
    assert event.patch[0]["value"] == "(100000 characters)"


def test_open_drift_is_explained_with_its_author_and_age() -> None:
    state, seen, target = settled()
    state, _ = told(state, replace(seen, drift={("web", target): report(FINDING)}))
    sentence = next(str(wait) for wait in explain("production", state, seen, START) if "drifted" in str(wait))
    assert sentence == (
        f"web@{target} has drifted in ConfigMap shop/web; seen: fields that we applied were changed, by eve; "
        "since 2026-03-01 11:00:00Z; released by whoever undoes it, or a commit (gitops adopt)."
    )
