"""Whether a chain of records is what it claims: linked, readable, and each state the fold of its events."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from gitops.audit.record import read_events, read_state
from gitops.errors import TerminalError
from gitops.rollout.state import EnvironmentState
from gitops.rollout.transitions import evolve


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One record as stored."""

    oid: str
    parent: str | None
    time: datetime
    files: Mapping[str, bytes]


def verify(entries: Iterable[AuditEntry]) -> tuple[str, ...]:
    """Check records, oldest first; returns what is wrong, nothing for an intact chain."""
    problems: list[str] = []
    state: EnvironmentState | None = EnvironmentState()
    before: AuditEntry | None = None
    for entry in entries:
        name = entry.oid[:12]
        expected = before.oid if before else None
        if entry.parent != expected:
            problems.append(f"{name}: its parent is {entry.parent}, not {expected}")
        if before is not None and entry.time < before.time:
            problems.append(f"{name}: is older than the record before it")
        state = _follow(entry, state, problems)
        before = entry
    return tuple(problems)


def _follow(
    entry: AuditEntry, state: EnvironmentState | None, problems: list[str]
) -> EnvironmentState | None:
    """Fold one record; after one that cannot be followed, its own snapshot is believed again."""
    name = entry.oid[:12]
    try:
        events, snapshot = read_events(entry.files), read_state(entry.files)
    except TerminalError as error:
        problems.append(f"{name}: {error}")
        return None
    if state is None:
        return snapshot
    try:
        folded = evolve(state, events)
    except TerminalError as error:
        problems.append(f"{name}: {error}")
        return snapshot
    if folded != snapshot:
        problems.append(f"{name}: its state does not follow from its events")
    return snapshot
