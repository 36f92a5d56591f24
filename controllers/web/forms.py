"""States and waits as the API writes them. Texts pass `redact`; names, revisions and times are ours."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from gitops.objects import JsonObject
from gitops.rollout.state import ApplicationState, EnvironmentState
from gitops.rollout.wait import Wait

IDLE = "Idle"


def environments_form(
    environments: Mapping[str, EnvironmentState], redact: Callable[[str], str]
) -> JsonObject:
    """All environments and their applications, by name. `phase` is the running rollout's, or Idle."""
    return {
        "environments": [
            {
                "name": name,
                "applications": [
                    _application_form(application, state, redact)
                    for application, state in sorted(environment.applications.items())
                ],
            }
            for name, environment in sorted(environments.items())
        ]
    }


def _application_form(name: str, state: ApplicationState, redact: Callable[[str], str]) -> JsonObject:
    rollout, good, outcome = state.rollout, state.good, state.outcome
    form: JsonObject = {"name": name, "phase": rollout.phase if rollout else IDLE}
    form["revision"] = rollout.revision if rollout else good.revision if good else ""
    form["good"] = good and {"revision": good.revision, "at": _time(good.at)}
    form["outcome"] = outcome and {
        "rollout": outcome.rollout,
        "revision": outcome.revision,
        "result": outcome.result,
        "because": redact(outcome.because),
        "at": _time(outcome.at),
        "revert": outcome.revert,
    }
    return form


def waits_form(environment: str, waits: tuple[Wait, ...], redact: Callable[[str], str]) -> JsonObject:
    """One environment's waits in their order."""
    return {"environment": environment, "waits": [wait_form(wait, redact) for wait in waits]}


def wait_form(wait: Wait, redact: Callable[[str], str]) -> JsonObject:
    """One wait: its fields, and the sentence that they make. `target` is empty for a whole application."""
    return {
        "application": wait.application,
        "target": wait.target,
        "waitsFor": redact(wait.waits_for),
        "seen": redact(wait.seen),
        "since": _time(wait.since),
        "until": _time(wait.until),
        "release": wait.release,
        "sentence": redact(str(wait)),
    }


def _time(at: datetime | None) -> str | None:
    """RFC 3339 in UTC, seconds."""
    return None if at is None else at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
