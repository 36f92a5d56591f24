"""Drift as facts: what the watch over live objects tells, against what is recorded as open."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, TypeAlias

from gitops.drift import Deed, DriftFact, DriftReport, Finding, ForeignFact, author_form
from gitops.objects import JsonObject, short_digest
from gitops.rollout import events as e
from gitops.rollout.observation import LONGEST_LINE, Observation, shortened
from gitops.rollout.state import ApplicationState, EnvironmentState, OpenDrift

MOST_OPEN = 100
"""The most open drift that is recorded of one application on one target: records are kept for ever."""
_MOST_OPERATIONS = 50
# Application and target.
Place: TypeAlias = tuple[str, str]


def new_facts(state: EnvironmentState, seen: Observation, now: datetime) -> Iterator[e.Event]:
    """What was done, then what is found, then what has ended; nothing about what nobody knows any more."""
    facts = [fact for fact in seen.drift_facts if isinstance(fact, DriftFact) and known(fact, state)]
    yield from (_done(fact, now) for fact in facts)
    corrected = {
        (fact.application, fact.target, fact.finding.object) for fact in facts if fact.deed is Deed.CORRECTED
    }
    opened = {(name, target) for name, one in state.applications.items() for target in one.drift}
    reported = {place for place, report in seen.drift.items() if report.findings}
    for name, target in places(state, opened, reported):
        application = state.applications[name]
        before = {
            key: one
            for key, one in application.drift.get(target, {}).items()
            if (name, target, key) not in corrected
        }
        yield from _news(name, target, before, looked_at(name, target, application, seen), now)


def places(state: EnvironmentState, opened: Iterable[Place], reported: Iterable[Place]) -> tuple[Place, ...]:
    """Where there may be news, in order: something is open, or reported of an application that is there.

    Most applications have neither, and thousands of them are passed over at every pass.
    """
    there = {
        (name, target)
        for name, target in reported
        if name in state.applications and target in state.applications[name].on
    }
    return tuple(sorted(there.union(opened)))


def known(fact: DriftFact | ForeignFact, state: EnvironmentState) -> bool:
    """Whether a fact is about an application that was ever rolled out."""
    application = state.applications.get(fact.application)
    return application is not None and application.rollouts > 0


def looked_at(name: str, target: str, application: ApplicationState, seen: Observation) -> DriftReport:
    """What is seen of an application on a target; when it has left, with it went whatever was open there."""
    if target not in application.on:
        return DriftReport(complete=True)
    return seen.drift.get((name, target), DriftReport())


def _news(
    name: str, target: str, before: Mapping[str, OpenDrift], report: DriftReport, now: datetime
) -> Iterator[e.Event]:
    for key, finding in sorted(report.findings.items())[:MOST_OPEN]:
        recorded = before.get(key)
        if recorded is None or recorded.seen != fingerprint(finding):
            yield _found(name, target, finding, now)
    if report.complete:
        for gone in sorted(before.keys() - report.findings.keys()):
            yield e.DriftEnded(at=now, application=name, target=target, object=gone)


def fingerprint(finding: Finding) -> str:
    """Tell one difference of an object from another."""
    patch = [operation.as_json() for operation in finding.operations]
    return short_digest([str(finding.kind), str(finding.mode), patch])


def _found(name: str, target: str, finding: Finding, now: datetime) -> e.DriftFound:
    return e.DriftFound(
        at=now,
        application=name,
        target=target,
        since=finding.since or now,
        seen=fingerprint(finding),
        **_told(finding),
    )


def _done(fact: DriftFact, now: datetime) -> e.Event:
    about: dict[str, Any] = {
        "at": now,
        "application": fact.application,
        "target": fact.target,
        **_told(fact.finding),
    }
    match fact.deed:
        case Deed.CORRECTED:
            return e.DriftCorrected(**about)
        case Deed.MUTATED:
            return e.DriftMutated(**about)
        case Deed.CONTESTED:
            return e.DriftContested(**about, rounds=fact.rounds, until=fact.until or now)


def _told(finding: Finding) -> dict[str, Any]:
    operations = finding.operations[:_MOST_OPERATIONS]
    return {
        "object": finding.object,
        "kind": finding.kind,
        "group_kind": finding.group_kind,
        "mode": finding.mode,
        "because": shortened(finding.because),
        "by": tuple(e.ChangedBy(**author_form(author)) for author in finding.authors),
        "patch": tuple(_bounded(operation.as_json()) for operation in operations),
    }


def _bounded(operation: JsonObject) -> JsonObject:
    """Keep values that a person reads; a longer one is named by its size."""
    return {
        key: f"({len(str(value))} characters)" if len(str(value)) > LONGEST_LINE else value
        for key, value in operation.items()
    }
