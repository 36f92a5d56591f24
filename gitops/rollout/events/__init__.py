"""What happened. Events are facts: recorded once, in order, never changed."""

from typing import Annotated, TypeAlias

from pydantic import Field, TypeAdapter

from gitops.rollout.events.live import (
    ChangedBy,
    DriftContested,
    DriftCorrected,
    DriftEnded,
    DriftFound,
    DriftMutated,
    DriftTold,
    ForeignFieldsContested,
    ForeignFieldsEnded,
    ForeignFieldsFound,
    ForeignFieldsRemoved,
    ForeignTold,
    HeldBy,
    ObjectEvent,
)
from gitops.rollout.events.rollouts import (
    ApplicationRetired,
    CommandKind,
    CommandSeen,
    GateJudged,
    PruneFinished,
    RejoinAbandoned,
    RestoreFinished,
    RestoreStarted,
    RevertPushed,
    RevertRefused,
    RevisionObserved,
    RevisionRefused,
    RolloutFailed,
    RolloutHalted,
    RolloutReverted,
    RolloutStarted,
    RolloutSucceeded,
    RolloutSuperseded,
    SoakStarted,
    TargetApplied,
    TargetFailed,
    TargetHealthy,
    TargetNotRestored,
    TargetRegressed,
    TargetRestored,
    TargetStarted,
    TargetUnsettled,
    WavePassed,
    WaveStarted,
)
from gitops.rollout.events.subjects import ApplicationEvent

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

__all__ = [
    "EVENTS",
    "ApplicationEvent",
    "ApplicationRetired",
    "ChangedBy",
    "CommandKind",
    "CommandSeen",
    "DriftContested",
    "DriftCorrected",
    "DriftEnded",
    "DriftFound",
    "DriftMutated",
    "DriftTold",
    "Event",
    "ForeignFieldsContested",
    "ForeignFieldsEnded",
    "ForeignFieldsFound",
    "ForeignFieldsRemoved",
    "ForeignTold",
    "GateJudged",
    "HeldBy",
    "ObjectEvent",
    "PruneFinished",
    "RejoinAbandoned",
    "RestoreFinished",
    "RestoreStarted",
    "RevertPushed",
    "RevertRefused",
    "RevisionObserved",
    "RevisionRefused",
    "RolloutFailed",
    "RolloutHalted",
    "RolloutReverted",
    "RolloutStarted",
    "RolloutSucceeded",
    "RolloutSuperseded",
    "SoakStarted",
    "TargetApplied",
    "TargetFailed",
    "TargetHealthy",
    "TargetNotRestored",
    "TargetRegressed",
    "TargetRestored",
    "TargetStarted",
    "TargetUnsettled",
    "WavePassed",
    "WaveStarted",
]
