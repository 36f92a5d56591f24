"""What happens to applications: requests, rollouts and their waves, reverts, and what these leave behind."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import Field

from gitops.model.kinds import FailurePolicy, RevertPush
from gitops.rollout.events.subjects import ApplicationEvent, DatedEvent, RolloutEvent, TargetEvent
from gitops.rollout.state import FailureCause, WavePlan


class CommandKind(StrEnum):
    """What a commit can ask for, as a trailer `Gitops-<kind>: <environment>[/<application>]`."""

    RETRY = "Retry"
    APPROVE = "Approve"
    ALLOW_PRUNE = "Allow-Prune"


class CommandSeen(ApplicationEvent):
    """A commit on the branch asked for something."""

    type: Literal["CommandSeen"] = "CommandSeen"
    command: CommandKind
    commit: str
    author: str


class RevisionObserved(DatedEvent):
    """The branch's commits were read for commands up to this revision."""

    type: Literal["RevisionObserved"] = "RevisionObserved"
    revision: str


class RevisionRefused(DatedEvent):
    """A revision cannot be rolled out as it is written; applications it does not concern go on."""

    type: Literal["RevisionRefused"] = "RevisionRefused"
    revision: str
    problems: tuple[str, ...]


class RolloutStarted(RolloutEvent):
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


class WaveStarted(RolloutEvent):
    """The wave's targets may start."""

    type: Literal["WaveStarted"] = "WaveStarted"
    wave: str


class TargetStarted(TargetEvent):
    """From here on the target may hold some of the new objects."""

    type: Literal["TargetStarted"] = "TargetStarted"


class TargetApplied(TargetEvent):
    """Everything was applied; `counts` by action. What left Git and stays is named with the reason."""

    type: Literal["TargetApplied"] = "TargetApplied"
    counts: dict[str, int]
    held: dict[str, str] = Field(default_factory=dict)
    released: dict[str, str] = Field(default_factory=dict)


class TargetHealthy(TargetEvent):
    """All objects of this revision are Current, as seen after the apply; what had to go is gone, or named."""

    type: Literal["TargetHealthy"] = "TargetHealthy"
    leaving: dict[str, str] = Field(default_factory=dict)


class TargetRegressed(TargetEvent):
    """A healthy target is no longer Current, though nothing says yet that it failed."""

    type: Literal["TargetRegressed"] = "TargetRegressed"
    because: str


class TargetFailed(TargetEvent):
    """The target cannot take this revision."""

    type: Literal["TargetFailed"] = "TargetFailed"
    cause: FailureCause
    because: str
    evidence: tuple[str, ...] = ()


class SoakStarted(RolloutEvent):
    """Every target of the wave is settled; gates are asked from here on."""

    type: Literal["SoakStarted"] = "SoakStarted"
    wave: str


class GateJudged(RolloutEvent):
    """A gate's final word on a wave."""

    type: Literal["GateJudged"] = "GateJudged"
    wave: str
    gate: str
    verdict: str
    because: str


class WavePassed(RolloutEvent):
    """All gates passed; the next wave may start."""

    type: Literal["WavePassed"] = "WavePassed"
    wave: str


class RolloutSucceeded(RolloutEvent):
    """All waves passed: these inputs are the last good ones now."""

    type: Literal["RolloutSucceeded"] = "RolloutSucceeded"


class RolloutFailed(RolloutEvent):
    """More went wrong than the wave allows. The inputs are quarantined from here on."""

    type: Literal["RolloutFailed"] = "RolloutFailed"
    wave: str
    cause: FailureCause
    because: str
    gate: str = ""
    evidence: tuple[str, ...] = ()


class RolloutHalted(RolloutEvent):
    """Nothing more happens until a person, or other inputs, say so."""

    type: Literal["RolloutHalted"] = "RolloutHalted"
    because: str


class RestoreStarted(RolloutEvent):
    """Every target that may hold the failed inputs goes back to the last good ones."""

    type: Literal["RestoreStarted"] = "RestoreStarted"
    targets: tuple[str, ...]
    revision: str


class TargetRestored(TargetEvent):
    """The target runs the last good inputs again; what the failed ones added is gone, or named."""

    type: Literal["TargetRestored"] = "TargetRestored"
    leaving: dict[str, str] = Field(default_factory=dict)
    held: dict[str, str] = Field(default_factory=dict)
    released: dict[str, str] = Field(default_factory=dict)


class TargetNotRestored(TargetEvent):
    """The target could not be brought back; it stays listed as lagging."""

    type: Literal["TargetNotRestored"] = "TargetNotRestored"
    cause: FailureCause
    because: str


class RestoreFinished(RolloutEvent):
    """No target is astray any more (or the rest was given up for now): Git is next."""

    type: Literal["RestoreFinished"] = "RestoreFinished"


class RevertPushed(RolloutEvent):
    """The revert commit is on the branch."""

    type: Literal["RevertPushed"] = "RevertPushed"
    commit: str


class RevertRefused(RolloutEvent):
    """No revert commit was made; the targets stay on the last good inputs and a person is asked."""

    type: Literal["RevertRefused"] = "RevertRefused"
    because: str


class RolloutReverted(RolloutEvent):
    """The rollout is over; the last good inputs stay in place."""

    type: Literal["RolloutReverted"] = "RolloutReverted"


class RolloutSuperseded(RolloutEvent):
    """Newer inputs took over before this rollout was through."""

    type: Literal["RolloutSuperseded"] = "RolloutSuperseded"
    by: str


class RejoinAbandoned(RolloutEvent):
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
