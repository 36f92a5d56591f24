"""Check a chain of audit records: each follows from the one before, and nothing was changed or left out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from gitops.audit.record import read_events, read_state
from gitops.errors import TerminalError
from gitops.rollout.state import EnvironmentState
from gitops.rollout.transitions import IllegalTransition, evolve

CLOCK_SKEW = timedelta(minutes=1)  # two leaders' clocks may differ by so much
_SHORT = 12


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One stored record: its commit, its parent's, the commit's time (aware) and its files."""

    oid: str
    parent: str | None
    time: datetime
    files: Mapping[str, bytes] = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Before:
    oid: str | None = None
    state: EnvironmentState | None = field(default_factory=EnvironmentState)
    time: datetime | None = None


def verify(entries: Iterable[AuditEntry]) -> tuple[str, ...]:
    """List everything that is wrong with a chain, oldest record first; empty when it is sound.

    Checked: each names its parent, the first has none; its snapshot is the fold of its events over the
    snapshot before; both can be read; time does not go backwards by more than `CLOCK_SKEW`. After a
    broken record the check goes on from that record's own snapshot, so one defect is told once.
    """
    problems: list[str] = []
    before = _Before()
    for entry in entries:
        found, before = _check(entry, before)
        problems += [f"{entry.oid[:_SHORT]}: {problem}" for problem in found]
    return tuple(problems)


def _check(entry: AuditEntry, before: _Before) -> tuple[list[str], _Before]:
    problems: list[str] = []
    if entry.parent != before.oid:
        names = entry.parent[:_SHORT] if entry.parent else "no parent"
        expected = before.oid[:_SHORT] if before.oid else "none, for it is the first"
        problems.append(f"names {names} as its parent, expected {expected}")
    moments = [entry.time]
    state: EnvironmentState | None = None
    try:
        state = read_state(entry.files)
        events = read_events(entry.files)
    except TerminalError as error:
        problems.append(str(error))
    else:
        moments = [*(event.at for event in events), entry.time]
        if not events:
            problems.append("holds no events")
        try:
            if before.state is not None and evolve(before.state, events) != state:
                problems.append("its snapshot is not what its events make of the one before")
        except IllegalTransition as error:
            problems.append(f"its events cannot have happened: {error}")
    problems += _backwards(before.time, moments)
    return problems, _Before(entry.oid, state, max(moments))


def _backwards(earlier: datetime | None, moments: list[datetime]) -> list[str]:
    for moment in moments:
        if earlier is not None and moment < earlier - CLOCK_SKEW:
            return [f"time goes backwards, from {earlier:%Y-%m-%d %H:%M:%S}Z to {moment:%Y-%m-%d %H:%M:%S}Z"]
        earlier = max(earlier, moment) if earlier else moment
    return []
