"""Foreign fields in the records: open until they are removed or end, whatever the process forgot."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from gitops.drift import DriftReport, ForeignDeed, ForeignFact, ForeignFinding
from gitops.drift.foreign import MOST_PATHS
from gitops.fields import Owner
from gitops.foreign import ForeignFields
from gitops.model.kinds import DriftMode
from gitops.objects import ObjectKey
from gitops.rollout import events as e
from gitops.rollout.decide import advance
from gitops.rollout.drifting import MOST_OPEN
from gitops.rollout.explain import explain
from gitops.rollout.observation import Observation
from gitops.rollout.state import EnvironmentState
from tests.unit.gitops.rollout.test_drifting import settled
from tests.unit.gitops.rollout.world import START

HOUR = timedelta(hours=1)
WEB = ObjectKey("apps", "Deployment", "shop", "web")


def held(*fields: str, by: str = "eve", at: str = "2026-03-01T11:00:00Z") -> ForeignFields:
    """What somebody owns in a spec."""
    return ForeignFields(Owner(by, "Update", time=at), tuple(("f:spec", f"f:{name}") for name in fields))


def finding(*found: ForeignFields, name: str = "web") -> ForeignFinding:
    """What was found in a Deployment."""
    return ForeignFinding.of(WEB._replace(name=name), DriftMode.REPORT, found or (held("paused"),))


def report(*findings: ForeignFinding, complete: bool = True) -> DriftReport:
    """What a watch tells."""
    return DriftReport(complete=complete, foreign={one.object: one for one in findings})


def told(state: EnvironmentState, seen: Observation) -> tuple[EnvironmentState, list[e.Event]]:
    """One pass."""
    decision = advance(state, seen, START)
    return decision.state, [event for event in decision.events if event.type.startswith("Foreign")]


def test_what_is_found_is_recorded_once_with_its_age_and_stays_open() -> None:
    state, seen, target = settled()
    seen = replace(seen, drift={("web", target): report(finding())})
    state, events = told(state, seen)
    (event,) = events
    assert isinstance(event, e.ForeignFieldsFound)
    assert (event.since, event.by[0].manager, event.by[0].fields) == (START - HOUR, "eve", ("spec.paused",))
    assert state.application("web").foreign_fields[0][:2] == (target, "Deployment.apps shop/web")
    # The same, written again later, is no news.
    again = finding(held("paused", at="2026-03-01T11:30:00Z"))
    assert told(state, replace(seen, drift={("web", target): report(again)})) == (state, [])


def test_a_restart_ends_nothing_before_it_has_looked_at_everything() -> None:
    state, seen, target = settled()
    state, _ = told(state, replace(seen, drift={("web", target): report(finding())}))
    assert told(state, seen)[1] == []
    assert told(state, replace(seen, drift={("web", target): report(complete=False)}))[1] == []
    state, events = told(state, replace(seen, drift={("web", target): report()}))
    assert [event.type for event in events] == ["ForeignFieldsEnded"]
    assert state.application("web").foreign == {}


def test_another_field_is_recorded_anew_and_keeps_the_age() -> None:
    state, seen, target = settled()
    state, _ = told(state, replace(seen, drift={("web", target): report(finding())}))
    more = finding(held("paused", "extra", at="2026-03-01T11:59:00Z"))
    state, events = told(state, replace(seen, drift={("web", target): report(more)}))
    assert len(events) == 1
    known = state.application("web").foreign[target][more.object]
    assert (known.since, known.fields) == (START - HOUR, ("spec.paused", "spec.extra"))


def test_a_removal_closes_what_was_open_and_a_fight_is_told() -> None:
    state, seen, target = settled()
    state, _ = told(state, replace(seen, drift={("web", target): report(finding())}))
    removed = ForeignFact(ForeignDeed.REMOVED, "web", target, finding())
    fought = replace(removed, deed=ForeignDeed.CONTESTED, rounds=3, until=START + HOUR)
    facts = (removed, fought, replace(removed, application="unknown"))
    state, events = told(state, replace(seen, drift={("web", target): report()}, drift_facts=facts))
    assert [event.type for event in events] == ["ForeignFieldsRemoved", "ForeignFieldsContested"]
    assert isinstance(events[1], e.ForeignFieldsContested)
    assert (events[1].rounds, events[1].until) == (3, START + HOUR)
    assert state.application("web").foreign == {}


def test_floods_are_bounded() -> None:
    """Objects, fields of one manager, and the length of a name: records are kept for ever."""
    state, seen, target = settled()
    many = [finding(name=f"{number:04}") for number in range(MOST_OPEN + 50)]
    state, events = told(state, replace(seen, drift={("web", target): report(*many)}))
    assert len(events) == len(state.application("web").foreign_fields) == MOST_OPEN
    wide = finding(held(*(f"x{number:03}" for number in range(MOST_PATHS + 7)), "y" * 10_000))
    assert len(wide.paths) == MOST_PATHS + 1
    assert wide.held[0].paths[-1] == "… and 8 more"
    assert len(finding(held("y" * 10_000)).paths[0]) == 300


def test_secrets_are_taken_out_of_names_and_no_line_is_added() -> None:
    found = ForeignFields(Owner("eve", "Update"), (("f:spec", 'v:"hunter2\\nfake"'),))
    told_of = ForeignFinding.of(WEB, DriftMode.REPORT, [found], lambda text: text.replace("hunter2", "***"))
    assert told_of.paths == ("spec[=*** fake]",)


def test_open_foreign_fields_are_explained_with_owner_and_age() -> None:
    state, seen, target = settled()
    kept = finding().kept_back("they cannot be removed: no")
    state, _ = told(state, replace(seen, drift={("web", target): report(kept)}))
    sentence = next(str(wait) for wait in explain("production", state, seen, START) if "others" in str(wait))
    assert sentence == (
        f"web@{target} holds fields of others in Deployment.apps shop/web; seen: spec.paused, by eve; they "
        "cannot be removed: no; since 2026-03-01 11:00:00Z; released by whoever removes them, or a commit "
        "that allows them (foreignFields)."
    )
