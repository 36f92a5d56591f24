"""One sentence for every event, for people: history, logs and record messages all use it."""

from __future__ import annotations

from typing import Any

from gitops.rollout import events as e


def narrate(event: e.Event) -> str:
    """Say what happened. One line: control characters and line breaks become spaces."""
    subject = getattr(event, "rollout", "") or getattr(event, "application", "")
    said = _SENTENCES[type(event)].format_map(_Fields(event))
    return _line(f"{subject}: {said}" if subject else said)


class _Fields(dict[str, Any]):
    """An event's fields, the long hashes among them shortened."""

    def __init__(self, event: e.Event) -> None:
        super().__init__({name: getattr(event, name) for name in type(event).model_fields})
        for name in ("revision", "by", "commit"):
            if name in self:
                self[name] = str(self[name])[:12]
        if isinstance(event, e.TargetApplied):
            self["counts"] = (
                ", ".join(f"{n} {action}" for action, n in sorted(event.counts.items())) or "nothing"
            )
        if isinstance(event, e.RestoreStarted):
            self["targets"] = ", ".join(event.targets) or "no target"
        if isinstance(event, e.RevisionRefused):
            self["problems"] = "; ".join(event.problems)


def _line(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


_SENTENCES: dict[type[Any], str] = {
    e.CommandSeen: "{author} asked to {command} in commit {commit}",
    e.RevisionObserved: "commits were read up to {revision}",
    e.RevisionRefused: "revision {revision} cannot be rolled out: {problems}",
    e.RolloutStarted: "sets out for revision {revision}",
    e.WaveStarted: "wave {wave} starts",
    e.TargetStarted: "{target} starts",
    e.TargetApplied: "{target} is applied ({counts})",
    e.TargetHealthy: "{target} is healthy",
    e.TargetRegressed: "{target} is no longer healthy: {because}",
    e.TargetFailed: "{target} failed ({cause}): {because}",
    e.SoakStarted: "wave {wave} is healthy and soaks",
    e.GateJudged: "gate {gate} of wave {wave}: {verdict} ({because})",
    e.WavePassed: "wave {wave} passed",
    e.RolloutSucceeded: "every wave passed",
    e.RolloutFailed: "wave {wave} failed: {because}",
    e.RolloutHalted: "halted: {because}",
    e.RestoreStarted: "{targets} go back to revision {revision}",
    e.TargetRestored: "{target} is back on the last good revision",
    e.TargetNotRestored: "{target} could not be brought back ({cause}): {because}",
    e.RestoreFinished: "no target holds the failed revision any more",
    e.RevertPushed: "revert commit {commit} is on the branch",
    e.RevertRefused: "no revert commit was made: {because}",
    e.RolloutReverted: "reverted",
    e.RolloutSuperseded: "superseded by revision {by}",
    e.RejoinAbandoned: "gives up for now; the targets stay as they are",
    e.ApplicationRetired: "has left every target",
}
