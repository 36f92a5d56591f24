"""The machine as a page for people, drawn from the table: docs/rollout.md is this module's output."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gitops.rollout import events as e
from gitops.rollout.state import RolloutPhase, TargetPhase
from gitops.rollout.transitions import TABLE

# Where an event leads. The folds decide; a test compares this with what they do to a real history.
ROLLOUT_LEADS: dict[str, RolloutPhase | None] = {
    e.RolloutStarted.__name__: RolloutPhase.ADVANCING,
    e.RolloutSucceeded.__name__: None,
    e.RolloutFailed.__name__: RolloutPhase.FAILED,
    e.RolloutHalted.__name__: RolloutPhase.HALTED,
    e.RestoreStarted.__name__: RolloutPhase.RESTORING,
    e.RestoreFinished.__name__: RolloutPhase.REVERTING,
    e.RolloutReverted.__name__: None,
    e.RolloutSuperseded.__name__: None,
    e.RejoinAbandoned.__name__: None,
}
TARGET_LEADS: dict[str, TargetPhase] = {
    e.TargetStarted.__name__: TargetPhase.APPLYING,
    e.TargetApplied.__name__: TargetPhase.SETTLING,
    e.TargetHealthy.__name__: TargetPhase.HEALTHY,
    e.TargetRegressed.__name__: TargetPhase.SETTLING,
    e.TargetFailed.__name__: TargetPhase.FAILED,
    e.TargetRestored.__name__: TargetPhase.RESTORED,
    e.TargetNotRestored.__name__: TargetPhase.FAILED,
}
_HEADER = """# The rollout machine

Drawn from `gitops/rollout/transitions.py` by `gitops/rollout/diagram.py`; `make test` says when it is stale.
An event that the table does not allow raises `IllegalTransition` and changes nothing.
"""
_BACK = (TargetPhase.RESTORING, TargetPhase.RESTORED)
_COMMANDS = """A `Retry` or `Allow-Prune` command ends a halted rollout, so that the next pass starts anew.
"""


def page() -> str:
    """The whole page, as Markdown with Mermaid diagrams."""
    parts = [
        _HEADER,
        "## A rollout\n",
        "```mermaid\nstateDiagram-v2\n" + "\n".join(_rollout_arrows()) + "\n```\n",
        _COMMANDS,
        "## A target in a rollout\n",
        "```mermaid\nstateDiagram-v2\n" + "\n".join(_target_arrows()) + "\n```\n",
        "## Every event\n",
        "\n".join(_rows()) + "\n",
    ]
    return "\n".join(parts)


def _rollout_arrows() -> Iterator[str]:
    for kind, transition in TABLE.items():
        if kind.__name__ not in ROLLOUT_LEADS:
            continue
        after = ROLLOUT_LEADS[kind.__name__] or "[*]"
        for before in _in_order(transition.rollout):
            yield f"    {before or '[*]'} --> {after}: {kind.__name__}"


def _target_arrows() -> Iterator[str]:
    yield f"    [*] --> {TargetPhase.WAITING}: {e.RolloutStarted.__name__}"
    for kind, transition in TABLE.items():
        if kind.__name__ in TARGET_LEADS:
            for before in [phase for phase in TargetPhase if phase in transition.targets]:
                yield f"    {before} --> {TARGET_LEADS[kind.__name__]}: {kind.__name__}"
    for before in (phase for phase in TargetPhase if phase not in _BACK):
        yield f"    {before} --> {TargetPhase.RESTORING}: {e.RestoreStarted.__name__}"


def _rows() -> Iterator[str]:
    yield "| event | while the rollout is | and the target is | only if | what it says |"
    yield "|---|---|---|---|---|"
    for kind, transition in TABLE.items():
        rollouts = ", ".join(str(phase or "not running") for phase in _in_order(transition.rollout))
        targets = ", ".join(str(phase) for phase in TargetPhase if phase in transition.targets)
        guard = _first_line(transition.guard) if transition.guard else ""
        yield f"| `{kind.__name__}` | {rollouts} | {targets} | {guard} | {_first_line(kind)} |"


def _in_order(phases: frozenset[RolloutPhase | None]) -> list[RolloutPhase | None]:
    return [phase for phase in (None, *RolloutPhase) if phase in phases]


def _first_line(documented: object) -> str:
    return re.split(r"\n\s*\n", (documented.__doc__ or "").strip())[0].rstrip(".").replace("\n", " ")
