"""Where every application is, from the recorded state alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gitops.objects import JsonObject
from gitops.rollout.state import ApplicationState, EnvironmentState, TargetPhase
from gitops.views.moments import rfc3339
from gitops.views.table import Table

IDLE = "Idle"
_HEADING = (
    "ENVIRONMENT",
    "APPLICATION",
    "PHASE",
    "REVISION",
    "WAVE",
    "HEALTHY",
    "DRIFT",
    "FOREIGN",
    "LAST OUTCOME",
)
_SHORT = 12
_NOTHING = "-"


def environments_form(
    environments: Mapping[str, EnvironmentState], redact: Callable[[str], str] = lambda text: text
) -> JsonObject:
    """All environments and their applications, by name. `phase` is the running rollout's, or Idle.

    `targets` counts those of the running rollout that are healthy with its revision; without a rollout,
    those that were last seen healthy with the last good one.
    """
    return {
        "environments": [
            {
                "name": name,
                "applications": [
                    _application(application, state, redact)
                    for application, state in sorted(environment.applications.items())
                ],
            }
            for name, environment in sorted(environments.items())
        ]
    }


def _application(name: str, state: ApplicationState, redact: Callable[[str], str]) -> JsonObject:
    rollout, good, outcome = state.rollout, state.good, state.outcome
    wave = rollout.current_wave if rollout else None
    healthy, total = _targets(state)
    return {
        "name": name,
        "phase": str(rollout.phase) if rollout else IDLE,
        "revision": rollout.revision if rollout else good.revision if good else "",
        "wave": wave.name if wave else "",
        "targets": {"healthy": healthy, "total": total},
        "lagging": sorted(state.lagging),
        "drift": _drift(state, redact),
        "foreign": _foreign(state, redact),
        "good": good and {"revision": good.revision, "at": rfc3339(good.at)},
        "outcome": outcome
        and {
            "rollout": outcome.rollout,
            "revision": outcome.revision,
            "result": outcome.result,
            "because": redact(outcome.because),
            "at": rfc3339(outcome.at),
            "revert": outcome.revert,
        },
    }


def _drift(state: ApplicationState, redact: Callable[[str], str]) -> list[JsonObject]:
    return [
        {
            "target": target,
            "object": key,
            "drift": str(found.kind),
            "mode": str(found.mode),
            "because": redact(found.because),
            "by": list(found.by),
            "since": rfc3339(found.since),
        }
        for target, key, found in state.drifted
    ]


def _foreign(state: ApplicationState, redact: Callable[[str], str]) -> list[JsonObject]:
    return [
        {
            "target": target,
            "object": key,
            "fields": [redact(field) for field in found.fields],
            "by": list(found.by),
            "because": redact(found.because),
            "since": rfc3339(found.since),
        }
        for target, key, found in state.foreign_fields
    ]


def _targets(state: ApplicationState) -> tuple[int, int]:
    if state.rollout is not None:
        return len(state.rollout.in_phase(TargetPhase.HEALTHY)), len(state.rollout.targets)
    good = state.good.digest if state.good else None
    healthy = sum(held.settled and held.digest == good for held in state.on.values())
    return healthy, len({*state.on, *state.lagging})


def table(form: JsonObject) -> Table:
    """Show what `environments_form` gave; what is empty is a dash."""
    rows = [
        _row(environment["name"], application)
        for environment in form["environments"]
        for application in environment["applications"]
    ]
    return Table(_HEADING, tuple(rows))


def _row(environment: str, application: Mapping[str, Any]) -> tuple[str, ...]:
    targets, outcome = application["targets"], application["outcome"]
    return (
        environment,
        application["name"],
        application["phase"],
        application["revision"][:_SHORT] or _NOTHING,
        application["wave"] or _NOTHING,
        f"{targets['healthy']}/{targets['total']}",
        _open(application["drift"]),
        _open(application.get("foreign", ())),
        _outcome(outcome) if outcome else _NOTHING,
    )


def _open(found: Sequence[Mapping[str, Any]]) -> str:
    """How many objects, since when, by whom; a dash for none."""
    if not found:
        return _NOTHING
    since = min(str(one["since"]) for one in found)
    by = ", ".join(sorted({manager for one in found for manager in one["by"]}))
    return f"{len(found)} since {since}{f' by {by}' if by else ''}"


def _outcome(outcome: Mapping[str, Any]) -> str:
    because = f": {outcome['because']}" if outcome["because"] else ""
    return f"{outcome['result']} {outcome['revision'][:_SHORT]} at {outcome['at']}{because}"
