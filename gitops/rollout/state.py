"""What is known about an environment's applications: the fold of its events, and nothing else.

Every value is frozen and can be written as JSON: a snapshot of it lies beside each audit record.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from gitops.drift.finding import DriftKind
from gitops.model.gates import Gate
from gitops.model.kinds import DriftMode, FailurePolicy, RevertPush
from gitops.model.schema import Duration

Found = TypeVar("Found")


class Recorded(BaseModel):
    """A value that audit records carry."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True)


class TargetPhase(StrEnum):
    """Where one target is within a rollout."""

    WAITING = "Waiting"
    APPLYING = "Applying"
    SETTLING = "Settling"
    HEALTHY = "Healthy"
    FAILED = "Failed"
    RESTORING = "Restoring"
    RESTORED = "Restored"


class RolloutPhase(StrEnum):
    """Where a rollout is. `Halted` waits for a person, or for other inputs."""

    ADVANCING = "Advancing"
    FAILED = "Failed"
    RESTORING = "Restoring"
    REVERTING = "Reverting"
    HALTED = "Halted"


class FailureCause(StrEnum):
    """Why a target, and with it perhaps a rollout, failed."""

    HEALTH = "Health"
    DEADLINE = "Deadline"
    GATE = "Gate"
    REJECTED = "Rejected"
    REFUSED = "Refused"
    UNREACHABLE = "Unreachable"


class WavePlan(Recorded):
    """One wave as it was when the rollout started: shares resolved to numbers, targets by name."""

    name: str
    targets: tuple[str, ...]
    max_concurrent: int
    max_failures: int
    progress_deadline: Duration
    soak: Duration = timedelta(0)
    gates: tuple[Gate, ...] = ()


class TargetProgress(Recorded):
    """One target of a running rollout, in its phase `since` then. `pruned`: how many objects are to go.

    `empty`: applying found nothing to apply, to delete or to keep.
    """

    phase: TargetPhase = TargetPhase.WAITING
    since: datetime
    started_at: datetime | None = None
    cause: FailureCause | None = None
    because: str = ""
    evidence: tuple[str, ...] = ()
    changed: int = 0
    pruned: int = 0
    empty: bool = False

    @property
    def touched(self) -> bool:
        """Whether the rollout may have written here."""
        return self.started_at is not None


class Rollout(Recorded):
    """One application on its way from one revision's inputs to another's."""

    id: str
    revision: str
    digest: str
    started_at: datetime
    phase: RolloutPhase = RolloutPhase.ADVANCING
    since: datetime
    waves: tuple[WavePlan, ...]
    wave: int = -1
    wave_started_at: datetime | None = None
    soaking_since: datetime | None = None
    targets: dict[str, TargetProgress]
    on_failure: FailurePolicy = FailurePolicy.REVERT
    push: RevertPush = RevertPush.COMMIT
    prune_permitted: bool = False
    removed: bool = False
    rejoin: bool = False
    approved: bool = False
    passed_gates: tuple[str, ...] = ()
    cause: FailureCause | None = None
    because: str = ""
    failed_gate: str = ""
    evidence: tuple[str, ...] = ()
    revert_settled: bool = False

    @property
    def current_wave(self) -> WavePlan | None:
        """The wave that runs; None before the first one."""
        return self.waves[self.wave] if 0 <= self.wave < len(self.waves) else None

    def in_phase(self, *phases: TargetPhase) -> tuple[str, ...]:
        """Targets in one of `phases`, in order."""
        return tuple(sorted(name for name, target in self.targets.items() if target.phase in phases))


class Good(Recorded):
    """Inputs that went through every wave."""

    revision: str
    digest: str
    at: datetime


class OnTarget(Recorded):
    """What a target runs, as far as recorded. `settled` once it was seen healthy with it.

    `empty`: no object of the application is there, so there need not be an inventory either.
    """

    revision: str
    digest: str
    settled: bool
    empty: bool = False


class Lagging(Recorded):
    """A target that a finished rollout left behind. It rejoins by itself when it was only unreachable."""

    cause: FailureCause
    because: str
    since: datetime


class OpenDrift(Recorded):
    """A live object that is otherwise than we applied it. `seen` tells one difference from another.

    `since` is when the change was made where the cluster says so, else when it was found.
    """

    kind: DriftKind
    group_kind: str
    mode: DriftMode
    because: str
    by: tuple[str, ...] = ()
    since: datetime
    seen: str


class OpenForeign(Recorded):
    """Fields that others own inside a live object of ours; `because` says why they are not removed yet."""

    group_kind: str
    by: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    because: str = ""
    since: datetime
    seen: str


class Leaving(Recorded):
    """Objects on a target that are to go and were not gone when it was settled, each with the reason.

    `removed`: the whole application leaves.
    """

    objects: dict[str, str]
    since: datetime
    removed: bool = False


class Held(Recorded):
    """Objects on a target that left Git and are kept, each with the reason and what would release it.

    `released`: what was seen of some of them that led to another rollout; the same leads to none again.
    """

    objects: dict[str, str]
    since: datetime
    released: dict[str, str] = Field(default_factory=dict)


class Quarantine(Recorded):
    """Inputs that failed; held until they change or a commit asks for a retry."""

    revision: str
    rollout: str
    because: str
    at: datetime


class Outcome(Recorded):
    """How the newest finished rollout ended."""

    rollout: str
    revision: str
    result: str
    because: str = ""
    at: datetime
    revert: str = ""


def _in_order(open_: dict[str, dict[str, Found]]) -> tuple[tuple[str, str, Found], ...]:
    return tuple(
        (target, name, found)
        for target, objects in sorted(open_.items())
        for name, found in sorted(objects.items())
    )


class ApplicationState(Recorded):
    """One application's whole memory."""

    rollouts: int = 0
    good: Good | None = None
    on: dict[str, OnTarget] = Field(default_factory=dict)
    rollout: Rollout | None = None
    quarantine: dict[str, Quarantine] = Field(default_factory=dict)
    lagging: dict[str, Lagging] = Field(default_factory=dict)
    prune_permitted_by: str = ""
    outcome: Outcome | None = None
    drift: dict[str, dict[str, OpenDrift]] = Field(default_factory=dict)
    foreign: dict[str, dict[str, OpenForeign]] = Field(default_factory=dict)
    leaving: dict[str, Leaving] = Field(default_factory=dict)
    held: dict[str, Held] = Field(default_factory=dict)

    @property
    def drifted(self) -> tuple[tuple[str, str, OpenDrift], ...]:
        """All open drift as target, object and what is known of it, in order."""
        return _in_order(self.drift)

    @property
    def foreign_fields(self) -> tuple[tuple[str, str, OpenForeign], ...]:
        """All foreign fields as target, object and what is known of them, in order."""
        return _in_order(self.foreign)


class EnvironmentState(Recorded):
    """An environment's whole memory. `observed`: the newest revision read for commands."""

    observed: str = ""
    refused: str = ""
    applications: dict[str, ApplicationState] = Field(default_factory=dict)

    @property
    def applied(self) -> tuple[tuple[str, str, OnTarget], ...]:
        """Everything that was applied, as application, target and what is there, in order."""
        return tuple(
            (name, target, on)
            for name, application in sorted(self.applications.items())
            for target, on in sorted(application.on.items())
        )

    def application(self, name: str) -> ApplicationState:
        """The named application's state; a new one where nothing is recorded yet."""
        return self.applications.get(name) or ApplicationState()
