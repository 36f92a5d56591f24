"""What happened. Events are facts: recorded once, in order, never changed."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field, TypeAdapter

from gitops.drift.finding import DriftKind
from gitops.model.kinds import DriftMode, FailurePolicy, RevertPush
from gitops.rollout.state import FailureCause, Recorded, WavePlan


class CommandKind(StrEnum):
    """What a commit can ask for, as a trailer `Gitops-<kind>: <environment>[/<application>]`."""

    RETRY = "Retry"
    APPROVE = "Approve"
    ALLOW_PRUNE = "Allow-Prune"


class _Event(Recorded):
    at: datetime


class ApplicationEvent(_Event):
    """An event about one application."""

    application: str


class _RolloutEvent(ApplicationEvent):
    rollout: str


class _TargetEvent(_RolloutEvent):
    target: str


class CommandSeen(ApplicationEvent):
    """A commit on the branch asked for something."""

    type: Literal["CommandSeen"] = "CommandSeen"
    command: CommandKind
    commit: str
    author: str


class RevisionObserved(_Event):
    """The branch's commits were read for commands up to this revision."""

    type: Literal["RevisionObserved"] = "RevisionObserved"
    revision: str


class RevisionRefused(_Event):
    """A revision cannot be rolled out as it is written; applications it does not concern go on."""

    type: Literal["RevisionRefused"] = "RevisionRefused"
    revision: str
    problems: tuple[str, ...]


class RolloutStarted(_RolloutEvent):
    """An application's new inputs are rolled out; the waves are fixed from here on."""

    type: Literal["RolloutStarted"] = "RolloutStarted"
    revision: str
    digest: str
    waves: tuple[WavePlan, ...]
    on_failure: FailurePolicy
    push: RevertPush
    prune_permitted: bool = False
    removed: bool = False
    rejoin: bool = False


class WaveStarted(_RolloutEvent):
    """The wave's targets may start."""

    type: Literal["WaveStarted"] = "WaveStarted"
    wave: str


class TargetStarted(_TargetEvent):
    """From here on the target may hold some of the new objects."""

    type: Literal["TargetStarted"] = "TargetStarted"


class TargetApplied(_TargetEvent):
    """Everything was applied; `counts` by action. What left Git and stays is named with the reason."""

    type: Literal["TargetApplied"] = "TargetApplied"
    counts: dict[str, int]
    held: dict[str, str] = Field(default_factory=dict)
    released: dict[str, str] = Field(default_factory=dict)


class TargetHealthy(_TargetEvent):
    """All objects of this revision are Current, as seen after the apply; what had to go is gone, or named."""

    type: Literal["TargetHealthy"] = "TargetHealthy"
    leaving: dict[str, str] = Field(default_factory=dict)


class TargetRegressed(_TargetEvent):
    """A healthy target is no longer Current, though nothing says yet that it failed."""

    type: Literal["TargetRegressed"] = "TargetRegressed"
    because: str


class TargetFailed(_TargetEvent):
    """The target cannot take this revision."""

    type: Literal["TargetFailed"] = "TargetFailed"
    cause: FailureCause
    because: str
    evidence: tuple[str, ...] = ()


class SoakStarted(_RolloutEvent):
    """Every target of the wave is settled; gates are asked from here on."""

    type: Literal["SoakStarted"] = "SoakStarted"
    wave: str


class GateJudged(_RolloutEvent):
    """A gate's final word on a wave."""

    type: Literal["GateJudged"] = "GateJudged"
    wave: str
    gate: str
    verdict: str
    because: str


class WavePassed(_RolloutEvent):
    """All gates passed; the next wave may start."""

    type: Literal["WavePassed"] = "WavePassed"
    wave: str


class RolloutSucceeded(_RolloutEvent):
    """All waves passed: these inputs are the last good ones now."""

    type: Literal["RolloutSucceeded"] = "RolloutSucceeded"


class RolloutFailed(_RolloutEvent):
    """More went wrong than the wave allows. The inputs are quarantined from here on."""

    type: Literal["RolloutFailed"] = "RolloutFailed"
    wave: str
    cause: FailureCause
    because: str
    gate: str = ""
    evidence: tuple[str, ...] = ()


class RolloutHalted(_RolloutEvent):
    """Nothing more happens until a person, or other inputs, say so."""

    type: Literal["RolloutHalted"] = "RolloutHalted"
    because: str


class RestoreStarted(_RolloutEvent):
    """Every target that may hold the failed inputs goes back to the last good ones."""

    type: Literal["RestoreStarted"] = "RestoreStarted"
    targets: tuple[str, ...]
    revision: str


class TargetRestored(_TargetEvent):
    """The target runs the last good inputs again; what the failed ones added is gone, or named."""

    type: Literal["TargetRestored"] = "TargetRestored"
    leaving: dict[str, str] = Field(default_factory=dict)
    held: dict[str, str] = Field(default_factory=dict)
    released: dict[str, str] = Field(default_factory=dict)


class TargetNotRestored(_TargetEvent):
    """The target could not be brought back; it stays listed as lagging."""

    type: Literal["TargetNotRestored"] = "TargetNotRestored"
    cause: FailureCause
    because: str


class RestoreFinished(_RolloutEvent):
    """No target is astray any more (or the rest was given up for now): Git is next."""

    type: Literal["RestoreFinished"] = "RestoreFinished"


class RevertPushed(_RolloutEvent):
    """The revert commit is on the branch."""

    type: Literal["RevertPushed"] = "RevertPushed"
    commit: str


class RevertRefused(_RolloutEvent):
    """No revert commit was made; the targets stay on the last good inputs and a person is asked."""

    type: Literal["RevertRefused"] = "RevertRefused"
    because: str


class RolloutReverted(_RolloutEvent):
    """The rollout is over; the last good inputs stay in place."""

    type: Literal["RolloutReverted"] = "RolloutReverted"


class RolloutSuperseded(_RolloutEvent):
    """Newer inputs took over before this rollout was through."""

    type: Literal["RolloutSuperseded"] = "RolloutSuperseded"
    by: str


class RejoinAbandoned(_RolloutEvent):
    """Targets that had answered again fell silent before anything could be said; they stay left behind."""

    type: Literal["RejoinAbandoned"] = "RejoinAbandoned"
    because: str


class ApplicationRetired(ApplicationEvent):
    """The application left Git and, with permission, its targets; it is forgotten."""

    type: Literal["ApplicationRetired"] = "ApplicationRetired"


class PruneFinished(ApplicationEvent):
    """What was still to go when the target was settled is gone."""

    type: Literal["PruneFinished"] = "PruneFinished"
    target: str


class TargetUnsettled(ApplicationEvent):
    """What a settled target runs is not certain any more, so that it is rolled out to once more.

    `released`: objects that were held back, and what was seen of them.
    """

    type: Literal["TargetUnsettled"] = "TargetUnsettled"
    target: str
    because: str
    released: dict[str, str] = Field(default_factory=dict)


class ChangedBy(Recorded):
    """A field manager that holds what differs, or, where not `certain`, wrote the object last."""

    manager: str
    operation: str
    subresource: str = ""
    time: str = ""
    certain: bool = True


class _DriftEvent(ApplicationEvent):
    target: str
    object: str


class _DriftTold(_DriftEvent):
    kind: DriftKind
    group_kind: str
    mode: DriftMode
    because: str
    by: tuple[ChangedBy, ...] = ()
    patch: tuple[dict[str, Any], ...] = ()


class DriftFound(_DriftTold):
    """A live object is otherwise than we applied it, and stays so for now."""

    type: Literal["DriftFound"] = "DriftFound"
    since: datetime
    seen: str


class DriftCorrected(_DriftTold):
    """A live object was otherwise than we applied it, and was applied again."""

    type: Literal["DriftCorrected"] = "DriftCorrected"


class DriftContested(_DriftTold):
    """Somebody takes the same fields by turns with us; from here on we hold off longer each time."""

    type: Literal["DriftContested"] = "DriftContested"
    rounds: int
    until: datetime


class DriftMutated(_DriftTold):
    """Fields came back different right after our own apply; they are not applied over again."""

    type: Literal["DriftMutated"] = "DriftMutated"


class DriftEnded(_DriftEvent):
    """What was otherwise is as we applied it again, or nobody asks any more."""

    type: Literal["DriftEnded"] = "DriftEnded"


class HeldBy(Recorded):
    """A field manager, and what it owns inside an object of ours."""

    manager: str
    operation: str
    time: str = ""
    fields: tuple[str, ...] = ()


class _ForeignTold(_DriftEvent):
    group_kind: str
    by: tuple[HeldBy, ...] = ()
    because: str = ""


class ForeignFieldsFound(_ForeignTold):
    """Somebody who is not allowed to owns fields inside a live object of ours, and they stay for now."""

    type: Literal["ForeignFieldsFound"] = "ForeignFieldsFound"
    since: datetime
    seen: str


class ForeignFieldsRemoved(_ForeignTold):
    """Such fields were removed, because the environment is exclusive."""

    type: Literal["ForeignFieldsRemoved"] = "ForeignFieldsRemoved"


class ForeignFieldsContested(_ForeignTold):
    """Somebody puts back what we remove; from here on we hold off longer each time."""

    type: Literal["ForeignFieldsContested"] = "ForeignFieldsContested"
    rounds: int
    until: datetime


class ForeignFieldsEnded(_DriftEvent):
    """Nobody else owns fields inside the object any more, or those who do may, or nobody asks."""

    type: Literal["ForeignFieldsEnded"] = "ForeignFieldsEnded"


Event: TypeAlias = Annotated[
    CommandSeen
    | RevisionObserved
    | RevisionRefused
    | RolloutStarted
    | WaveStarted
    | TargetStarted
    | TargetApplied
    | TargetHealthy
    | TargetRegressed
    | TargetFailed
    | SoakStarted
    | GateJudged
    | WavePassed
    | RolloutSucceeded
    | RolloutFailed
    | RolloutHalted
    | RestoreStarted
    | TargetRestored
    | TargetNotRestored
    | RestoreFinished
    | RevertPushed
    | RevertRefused
    | RolloutReverted
    | RolloutSuperseded
    | RejoinAbandoned
    | ApplicationRetired
    | PruneFinished
    | TargetUnsettled
    | DriftFound
    | DriftCorrected
    | DriftContested
    | DriftMutated
    | DriftEnded
    | ForeignFieldsFound
    | ForeignFieldsRemoved
    | ForeignFieldsContested
    | ForeignFieldsEnded,
    Field(discriminator="type"),
]

EVENTS: TypeAdapter[tuple[Event, ...]] = TypeAdapter(tuple[Event, ...])
