"""Facts about the branch itself: what its commits asked for, and that a revision cannot be rolled out."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from gitops.model.gates import ApprovalGate
from gitops.rollout import events as e
from gitops.rollout.arrival import arrived
from gitops.rollout.observation import Command, Observation, bounded
from gitops.rollout.state import EnvironmentState, Rollout, RolloutPhase


def new_facts(state: EnvironmentState, seen: Observation, now: datetime) -> Iterator[e.Event]:
    """Commands that were not read yet and mean something to somebody, then a refusal not yet recorded."""
    if seen.commands and state.observed != seen.revision:
        for command in seen.commands:
            for name in _concerned(command, state, seen):
                yield e.CommandSeen(
                    at=now,
                    application=name,
                    command=command.kind,
                    commit=command.commit,
                    author=command.author,
                )
        yield e.RevisionObserved(at=now, revision=seen.revision)
    if seen.problems and state.refused != seen.revision:
        problems = tuple(problem for _, found in sorted(seen.problems.items()) for problem in found)
        yield e.RevisionRefused(at=now, revision=seen.revision, problems=bounded(dict.fromkeys(problems)))


def _concerned(command: Command, state: EnvironmentState, seen: Observation) -> tuple[str, ...]:
    known = set(state.applications) | set(seen.desired)
    named = {command.application} if command.application else known
    return tuple(name for name in sorted(known & named) if _means_something(command, name, state, seen))


def _means_something(command: Command, name: str, state: EnvironmentState, seen: Observation) -> bool:
    """A command acts on what there is when it is read; it is never kept for something that comes later."""
    application = state.application(name)
    rollout = application.rollout
    if command.kind is e.CommandKind.APPROVE:
        return rollout is not None and _asks_for_approval(rollout)
    halted = rollout is not None and rollout.phase is RolloutPhase.HALTED
    if halted or application.quarantine or application.lagging:
        return True
    if command.kind is e.CommandKind.RETRY:
        return False
    desired = seen.desired.get(name)
    waiting = rollout is not None or bool(application.held)
    return waiting or desired is None or not arrived(application, desired)


def _asks_for_approval(rollout: Rollout) -> bool:
    if rollout.phase is not RolloutPhase.ADVANCING:
        return False
    wave = rollout.wave if rollout.wave_started_at is not None else rollout.wave + 1
    return any(
        isinstance(gate, ApprovalGate) for each in rollout.waves[wave : wave + 1] for gate in each.gates
    )
