"""What an event says, as a sentence for people and as a headline. Used by history, records and messages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gitops.audit.message import one_line
from gitops.plan import Action
from gitops.rollout import events as e

_SHORT = 12
_FEW = 5
# Said when everything is applied: what has to go goes later, once the new state is healthy.
_COUNTED: dict[str, str] = {
    Action.CREATE: "created",
    Action.CONFIGURE: "configured",
    Action.CORRECT: "corrected",
    Action.REPLACE: "replaced",
    Action.TAKE_OVER: "taken over",
    Action.DELETE: "to delete",
    Action.KEEP: "kept",
    Action.HOLD: "held back",
    Action.HAND_OVER: "handed over",
    Action.RELEASE: "released",
}


def narrate(event: e.Event) -> str:
    """Tell one event in one sentence on one line."""
    return one_line(_SENTENCES[type(event)](event))


def headline(event: e.Event) -> str:
    """Tell one event in a few words, without naming its rollout, for the subject of a record."""
    return one_line(_HEADLINES[type(event)](event))


def weight(event: e.Event) -> int:
    """How much an event matters to somebody who reads one line only; more is more."""
    return _WEIGHTS.get(type(event), 0)


def _few(items: tuple[str, ...]) -> str:
    more = f" and {len(items) - _FEW} more" if len(items) > _FEW else ""
    return ", ".join(items[:_FEW]) + more if items else "no target"


def _counts(counts: dict[str, int]) -> str:
    told = [f"{count} {_COUNTED.get(action, action)}" for action, count in sorted(counts.items()) if count]
    return ", ".join(told) or "no objects"


def _staying(event: e.TargetApplied | e.TargetRestored) -> str:
    """What left Git and stays, named with the reason."""
    told = "".join(f"; {key} is kept: {because}" for key, because in sorted(event.held.items()))
    left = "".join(f"; {key} is left: {because}" for key, because in sorted(event.released.items()))
    return told + left


def _leaving(event: e.TargetHealthy | e.TargetRestored) -> str:
    return "".join(f"; {key} is still to go: {because}" for key, because in sorted(event.leaving.items()))


def _started(event: e.RolloutStarted) -> str:
    waves = ", ".join(f"{wave.name} ({len(wave.targets)})" for wave in event.waves) or "none"
    what = "removes the application" if event.removed else f"rolls out {event.revision[:_SHORT]}"
    if event.rejoin:
        what = f"brings targets that were left behind to {event.revision[:_SHORT]}"
    permission = "; pruning beyond the budget is permitted" if event.prune_permitted else ""
    return f"{event.rollout} {what}; waves: {waves}{permission}."


def _failed(event: e.RolloutFailed) -> str:
    return f"{event.rollout} failed in wave {event.wave}: {event.because}."


def _where(event: e.ObjectEvent) -> str:
    return f"{event.object} of {event.application} on {event.target}"


def _by(event: e.DriftTold) -> str:
    told = [
        f"{'' if by.certain else 'perhaps '}{by.manager} ({by.operation})" for by in event.by if by.manager
    ]
    return ", ".join(dict.fromkeys(told)) or "somebody"


def _paths(event: e.DriftTold) -> str:
    """What differs, as JSON pointers; what happened where there is nothing to point at."""
    places = tuple(str(operation.get("path", "")) for operation in event.patch)
    return f"{event.because}: {_few(places)}" if places else event.because


def _drift(event: e.DriftTold, what: str) -> str:
    return f"{_where(event)} {what}, by {_by(event)}: {_paths(event)}."


def _contested(event: e.DriftContested) -> str:
    return (
        f"{_by(event)} and gitops-waves take {_where(event)} by "
        f"turns ({event.rounds} times so far: {_paths(event)}); the next correction waits until "
        f"{event.until:%H:%M:%S}Z."
    )


def _mutated(event: e.DriftMutated) -> str:
    return (
        f"{_where(event)} comes back different from our own "
        "apply, most likely by a mutating admission webhook or policy of its cluster: "
        f"{_paths(event)}; it is left so."
    )


def _held(event: e.ForeignTold) -> str:
    told = [f"{by.manager or 'somebody'} ({by.operation}): {_few(by.fields)}" for by in event.by]
    return "; ".join(told)


def _foreign(event: e.ForeignTold, what: str) -> str:
    because = f"; {event.because}" if event.because else ""
    return f"{_where(event)} {what}, {_held(event)}{because}."


def _foreign_contested(event: e.ForeignFieldsContested) -> str:
    return (
        f"{', '.join(by.manager for by in event.by) or 'somebody'} puts back what gitops-waves removes from "
        f"{_where(event)} ({event.rounds} times so far: "
        f"{_held(event)}); the next removal waits until {event.until:%H:%M:%S}Z."
    )


def _command(event: e.CommandSeen) -> str:
    return f"{event.author} asked for {event.command} of {event.application} in {event.commit[:_SHORT]}."


_SENTENCES: dict[type[Any], Callable[[Any], str]] = {
    e.CommandSeen: _command,
    e.RevisionObserved: lambda event: f"Commits up to {event.revision[:_SHORT]} were read for commands.",
    e.RevisionRefused: lambda event: (
        f"{event.revision[:_SHORT]} cannot be rolled out as it is written: {'; '.join(event.problems)}."
    ),
    e.RolloutStarted: _started,
    e.WaveStarted: lambda event: f"{event.rollout} starts wave {event.wave}.",
    e.TargetStarted: lambda event: f"{event.rollout} starts on {event.target}.",
    e.TargetApplied: lambda event: (
        f"{event.rollout} is applied on {event.target}: {_counts(event.counts)}{_staying(event)}."
    ),
    e.TargetHealthy: lambda event: f"{event.rollout} is healthy on {event.target}{_leaving(event)}.",
    e.TargetRegressed: lambda event: (
        f"{event.rollout} is no longer healthy on {event.target}: {event.because}."
    ),
    e.TargetFailed: lambda event: (
        f"{event.rollout} failed on {event.target} ({event.cause}): {event.because}."
    ),
    e.SoakStarted: lambda event: f"{event.rollout} soaks in wave {event.wave}.",
    e.GateJudged: lambda event: (
        f"{event.rollout}: gate {event.gate} of wave {event.wave} answers {event.verdict}: {event.because}."
    ),
    e.WavePassed: lambda event: f"{event.rollout} passed wave {event.wave}.",
    e.RolloutSucceeded: lambda event: (
        f"{event.rollout} passed every wave; its inputs are the last good ones now."
    ),
    e.RolloutFailed: _failed,
    e.RolloutHalted: lambda event: f"{event.rollout} is halted: {event.because}.",
    e.RestoreStarted: lambda event: (
        f"{event.rollout} takes {_few(event.targets)} back to {event.revision[:_SHORT]}."
    ),
    e.TargetRestored: lambda event: (
        f"{event.rollout}: {event.target} is back on the last good revision"
        f"{_staying(event)}{_leaving(event)}."
    ),
    e.TargetNotRestored: lambda event: (
        f"{event.rollout}: {event.target} could not be taken back ({event.cause}): {event.because}."
    ),
    e.RestoreFinished: lambda event: f"{event.rollout}: no target waits to be taken back any more.",
    e.RevertPushed: lambda event: f"{event.rollout} is reverted in Git by {event.commit[:_SHORT]}.",
    e.RevertRefused: lambda event: f"{event.rollout} is not reverted in Git: {event.because}.",
    e.RolloutReverted: lambda event: f"{event.rollout} is over; the last good revision stays in place.",
    e.RolloutSuperseded: lambda event: f"{event.rollout} gives way to {event.by[:_SHORT]}.",
    e.RejoinAbandoned: lambda event: f"{event.rollout} is given up for now: {event.because}.",
    e.ApplicationRetired: lambda event: f"{event.application} left Git and its targets, and is forgotten.",
    e.PruneFinished: lambda event: (
        f"Everything of {event.application} that had to go from {event.target} is gone."
    ),
    e.TargetUnsettled: lambda event: (
        f"{event.application} is to be rolled out to {event.target} once more: {event.because}."
    ),
    e.DriftFound: lambda event: _drift(event, "has drifted"),
    e.DriftCorrected: lambda event: _drift(event, "had drifted, and is put back"),
    e.DriftContested: _contested,
    e.DriftMutated: _mutated,
    e.DriftEnded: lambda event: f"{_where(event)} is no longer drifted.",
    e.ForeignFieldsFound: lambda event: _foreign(event, "holds fields of others"),
    e.ForeignFieldsRemoved: lambda event: _foreign(event, "was rid of fields of others"),
    e.ForeignFieldsContested: _foreign_contested,
    e.ForeignFieldsEnded: lambda event: f"{_where(event)} no longer holds fields of others.",
}

_HEADLINES: dict[type[Any], Callable[[Any], str]] = {
    e.CommandSeen: lambda event: f"{event.command} asked for by {event.author}",
    e.RevisionObserved: lambda event: f"read commands up to {event.revision[:_SHORT]}",
    e.RevisionRefused: lambda event: (
        f"{event.revision[:_SHORT]} refused: {event.problems[0]}"
        if event.problems
        else f"{event.revision[:_SHORT]} refused"
    ),
    e.RolloutStarted: lambda event: f"rolls out {event.revision[:_SHORT]}",
    e.WaveStarted: lambda event: f"wave {event.wave} starts",
    e.TargetStarted: lambda event: f"{event.target} starts",
    e.TargetApplied: lambda event: f"{event.target} applied",
    e.TargetHealthy: lambda event: f"{event.target} healthy",
    e.TargetRegressed: lambda event: f"{event.target} no longer healthy",
    e.TargetFailed: lambda event: f"{event.target} failed: {event.because}",
    e.SoakStarted: lambda event: f"wave {event.wave} soaks",
    e.GateJudged: lambda event: f"gate {event.gate} of wave {event.wave}: {event.verdict}",
    e.WavePassed: lambda event: f"wave {event.wave} passed",
    e.RolloutSucceeded: lambda _event: "succeeded",
    e.RolloutFailed: lambda event: f"wave {event.wave} failed: {event.because}",
    e.RolloutHalted: lambda event: f"halted: {event.because}",
    e.RestoreStarted: lambda event: f"{_few(event.targets)} go back",
    e.TargetRestored: lambda event: f"{event.target} is back",
    e.TargetNotRestored: lambda event: f"{event.target} not taken back: {event.because}",
    e.RestoreFinished: lambda _event: "targets are back",
    e.RevertPushed: lambda event: f"reverted in Git by {event.commit[:_SHORT]}",
    e.RevertRefused: lambda event: f"no revert commit: {event.because}",
    e.RolloutReverted: lambda _event: "over, the last good revision stays",
    e.RolloutSuperseded: lambda event: f"gives way to {event.by[:_SHORT]}",
    e.RejoinAbandoned: lambda event: f"rejoin given up: {event.because}",
    e.ApplicationRetired: lambda _event: "retired",
    e.PruneFinished: lambda event: f"{event.target} pruned",
    e.TargetUnsettled: lambda event: f"{event.target} uncertain: {event.because}",
    e.DriftFound: lambda event: f"{event.object} has drifted on {event.target}",
    e.DriftCorrected: lambda event: f"{event.object} put back on {event.target}",
    e.DriftContested: lambda event: f"{_by(event)} fights over {event.object} on {event.target}",
    e.DriftMutated: lambda event: f"{event.object} is mutated on {event.target}",
    e.DriftEnded: lambda event: f"{event.object} no longer drifted on {event.target}",
    e.ForeignFieldsFound: lambda event: f"{event.object} holds foreign fields on {event.target}",
    e.ForeignFieldsRemoved: lambda event: f"foreign fields of {event.object} removed on {event.target}",
    e.ForeignFieldsContested: lambda event: f"foreign fields of {event.object} come back on {event.target}",
    e.ForeignFieldsEnded: lambda event: f"{event.object} without foreign fields on {event.target}",
}

_ORDER = (
    e.RolloutFailed,
    e.RevertRefused,
    e.RolloutHalted,
    e.RevertPushed,
    e.TargetNotRestored,
    e.RolloutSucceeded,
    e.ApplicationRetired,
    e.RolloutSuperseded,
    e.RolloutStarted,
    e.RevisionRefused,
    e.TargetFailed,
    e.RejoinAbandoned,
    e.DriftContested,
    e.ForeignFieldsContested,
    e.DriftMutated,
    e.RestoreFinished,
    e.RestoreStarted,
    e.WavePassed,
    e.GateJudged,
    e.CommandSeen,
    e.WaveStarted,
    e.TargetRegressed,
    e.TargetUnsettled,
    e.DriftFound,
    e.ForeignFieldsFound,
    e.DriftCorrected,
    e.ForeignFieldsRemoved,
    e.SoakStarted,
    e.TargetRestored,
    e.TargetHealthy,
    e.PruneFinished,
    e.DriftEnded,
    e.ForeignFieldsEnded,
)
_WEIGHTS: dict[type[Any], int] = {kind: len(_ORDER) - index for index, kind in enumerate(_ORDER)}
