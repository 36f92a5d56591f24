"""Foreign fields as facts: what the watch over live objects tells, against what is recorded as open."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from gitops.drift import DriftReport, ForeignDeed, ForeignFact, ForeignFinding
from gitops.rollout import events as e
from gitops.rollout.drifting import MOST_OPEN, known, looked_at, places
from gitops.rollout.observation import Observation, shortened
from gitops.rollout.state import EnvironmentState, OpenForeign


def new_facts(state: EnvironmentState, seen: Observation, now: datetime) -> Iterator[e.Event]:
    """What was done, then what is found, then what has ended; nothing about what nobody knows any more."""
    facts = [fact for fact in seen.drift_facts if isinstance(fact, ForeignFact) and known(fact, state)]
    yield from (_done(fact, now) for fact in facts)
    removed = {
        (fact.application, fact.target, fact.finding.object)
        for fact in facts
        if fact.deed is ForeignDeed.REMOVED
    }
    opened = {(name, target) for name, one in state.applications.items() for target in one.foreign}
    reported = {place for place, report in seen.drift.items() if report.foreign}
    for name, target in places(state, opened, reported):
        application = state.applications[name]
        before = {
            key: one
            for key, one in application.foreign.get(target, {}).items()
            if (name, target, key) not in removed
        }
        yield from _news(name, target, before, looked_at(name, target, application, seen), now)


def _news(
    name: str, target: str, before: Mapping[str, OpenForeign], report: DriftReport, now: datetime
) -> Iterator[e.Event]:
    for key, finding in sorted(report.foreign.items())[:MOST_OPEN]:
        recorded = before.get(key)
        if recorded is None or recorded.seen != finding.fingerprint:
            yield e.ForeignFieldsFound(
                **_told(name, target, finding, now),
                since=finding.since or now,
                seen=finding.fingerprint,
            )
    if report.complete:
        for gone in sorted(before.keys() - report.foreign.keys()):
            yield e.ForeignFieldsEnded(at=now, application=name, target=target, object=gone)


def _done(fact: ForeignFact, now: datetime) -> e.Event:
    about = _told(fact.application, fact.target, fact.finding, now)
    match fact.deed:
        case ForeignDeed.REMOVED:
            return e.ForeignFieldsRemoved(**about)
        case ForeignDeed.CONTESTED:
            return e.ForeignFieldsContested(**about, rounds=fact.rounds, until=fact.until or now)


def _told(name: str, target: str, finding: ForeignFinding, now: datetime) -> dict[str, Any]:
    held = tuple(
        e.HeldBy(
            manager=one.owner.manager,
            operation=one.owner.operation,
            time=one.owner.time,
            fields=one.paths,
        )
        for one in finding.held
    )
    return {
        "at": now,
        "application": name,
        "target": target,
        "object": finding.object,
        "group_kind": finding.group_kind,
        "by": held,
        "because": shortened(finding.because),
    }
