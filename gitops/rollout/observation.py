"""What a pass sees, and the work that it may ask for. Nothing here is recorded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

from gitops.drift import DriftFact, DriftReport, ForeignFact
from gitops.gates import Sampling
from gitops.model.kinds import OnFailure
from gitops.rollout.events import CommandKind
from gitops.rollout.state import FailureCause, WavePlan

MOST_LINES = 100
LONGEST_LINE = 2000


def bounded(lines: Iterable[str]) -> tuple[str, ...]:
    """Keep what a person reads: a record is kept for ever, and a hostile file or cluster can say a lot.

    The first MOST_LINES, each cut after LONGEST_LINE characters, and how many more there were.
    """
    every = tuple(lines)
    kept = tuple(map(shortened, every[:MOST_LINES]))
    return kept if len(every) <= MOST_LINES else (*kept, f"… and {len(every) - MOST_LINES} more")


def bounded_reasons(objects: Mapping[str, str]) -> dict[str, str]:
    """Keep as many objects, with their reasons, as a person reads; see `bounded`."""
    kept = {key: shortened(objects[key]) for key in sorted(objects)[:MOST_LINES]}
    more = len(objects) - len(kept)
    return kept if not more else {**kept, f"… and {more} more": "see the target's inventory"}


def shortened(line: str) -> str:
    """Cut a line after LONGEST_LINE characters."""
    return line if len(line) <= LONGEST_LINE else f"{line[: LONGEST_LINE - 1]}…"


@dataclass(frozen=True, slots=True)
class Desired:
    """What Git wants of one application. `removed`: it left Git, so nothing shall remain of it.

    It names no revision: what many revisions want alike is one value.
    """

    digest: str
    waves: tuple[WavePlan, ...]
    depends_on: tuple[str, ...] = ()
    removed: bool = False

    @property
    def targets(self) -> frozenset[str]:
        """All targets, by name."""
        return frozenset(name for wave in self.waves for name in wave.targets)


@dataclass(frozen=True, slots=True)
class Command:
    """A commit on the branch that asks for something; `application` is empty for all of them."""

    kind: CommandKind
    application: str
    commit: str
    author: str


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a piece of work cannot succeed, with what a person would look for, within what a record holds."""

    cause: FailureCause
    because: str
    evidence: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "because", shortened(self.because))
        object.__setattr__(self, "evidence", bounded(self.evidence))


@dataclass(frozen=True, slots=True)
class ApplyWork:
    """Make a target hold a revision and watch its health for as long as this is wanted."""

    application: str
    rollout: str
    target: str
    revision: str
    digest: str
    prune_permitted: bool = False
    removed: bool = False


@dataclass(frozen=True, slots=True)
class RestoreWork:
    """Bring a target back to the last good revision; what the failed one added goes."""

    application: str
    rollout: str
    target: str
    revision: str
    digest: str
    failed: str = ""


@dataclass(frozen=True, slots=True)
class PruneWork:
    """Delete what was still to go from a target when it was settled, until it is gone; write nothing else."""

    application: str
    target: str
    revision: str
    objects: frozenset[str]
    removed: bool = False


@dataclass(frozen=True, slots=True)
class ProbeWork:
    """Sample one gate on one target."""

    application: str
    rollout: str
    wave: str
    gate: str
    target: str


@dataclass(frozen=True, slots=True)
class RevertWork:
    """Write the revert commit and push it."""

    application: str
    rollout: str


@dataclass(frozen=True, slots=True)
class ReachWork:
    """Find out whether a target that was left behind answers again."""

    application: str
    target: str


Work: TypeAlias = ApplyWork | RestoreWork | PruneWork | ProbeWork | RevertWork | ReachWork
TargetWork: TypeAlias = ApplyWork | RestoreWork | PruneWork


@dataclass(frozen=True, slots=True)
class TargetReport:
    """How an ApplyWork, RestoreWork or PruneWork stands.

    `counts`: objects by action, None until everything was applied. `settled`: all objects of this
    revision were Current when sampled after the apply, and pruning is done, but for `leaving`: objects whose
    deletion is not confirmed, each with the reason. `held` and `released` are what left Git and stays,
    tracked or not, each with the reason. `current_since`: Current
    without a break since then, as watched; None while not. `waiting_for` is the value seen, for people.
    `answering_since`: since when this process hears from the cluster about this work without a break; None
    while it hears nothing. Deadlines count from there at the earliest: time in which nobody watched, or
    nobody answered, says nothing about a revision.
    """

    counts: Mapping[str, int] | None = None
    held: Mapping[str, str] = field(default_factory=dict)
    released: Mapping[str, str] = field(default_factory=dict)
    leaving: Mapping[str, str] = field(default_factory=dict)
    settled: bool = False
    current_since: datetime | None = None
    answering_since: datetime | None = None
    failure: Failure | None = None
    unreachable: str = ""
    waiting_for: str = ""


@dataclass(frozen=True, slots=True)
class RevertReport:
    """How a RevertWork stands: a commit, a refusal, or what it waits for."""

    commit: str = ""
    refused: str = ""
    waiting_for: str = ""


@dataclass(frozen=True, slots=True)
class Observation:
    """One look at everything that an environment's decision rests on.

    `desired` is what `revision` wants. It leaves out applications that cannot be rendered: those are in
    `problems`, or in `awaiting` with what their render waits for. All are empty of an application that
    neither Git nor the state knows. `drift` is by application and target.
    """

    revision: str
    desired: Mapping[str, Desired]
    problems: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    awaiting: Mapping[str, str] = field(default_factory=dict)
    commands: tuple[Command, ...] = ()
    suspended: bool = False
    on_failure: OnFailure = field(default_factory=OnFailure)
    max_concurrent_rollouts: int = 10
    targets: Mapping[TargetWork, TargetReport] = field(default_factory=dict)
    samplings: Mapping[ProbeWork, Sampling] = field(default_factory=dict)
    reverts: Mapping[RevertWork, RevertReport] = field(default_factory=dict)
    reachable: frozenset[ReachWork] = frozenset()
    drift: Mapping[tuple[str, str], DriftReport] = field(default_factory=dict)
    drift_facts: tuple[DriftFact | ForeignFact, ...] = ()
