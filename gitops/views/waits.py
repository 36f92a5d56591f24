"""Why nothing moves, or what is awaited: the sentences, and the values that they are made from."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from gitops.objects import JsonObject
from gitops.rollout.desired import EVERYTHING
from gitops.rollout.wait import Wait
from gitops.views.moments import rfc3339


def waits_form(
    environment: str, waits: Iterable[Wait], redact: Callable[[str], str] = lambda text: text
) -> JsonObject:
    """One environment's waits in their order; `target` is empty for a whole application."""
    return {"environment": environment, "waits": [_wait(wait, redact) for wait in waits]}


def _wait(wait: Wait, redact: Callable[[str], str]) -> JsonObject:
    return {
        "application": wait.application,
        "target": wait.target,
        "waitsFor": redact(wait.waits_for),
        "seen": redact(wait.seen),
        "since": rfc3339(wait.since),
        "until": rfc3339(wait.until),
        "release": wait.release,
        "sentence": redact(str(wait)),
    }


def about(form: JsonObject, application: str = "", target: str = "") -> JsonObject:
    """Keep what is about one application, or one target of it, and what holds up the environment."""
    kept = [
        wait
        for wait in form["waits"]
        if wait["application"] == EVERYTHING
        or (application in ("", wait["application"]) and target in ("", wait["target"]))
    ]
    return {**form, "waits": kept}


def sentences(form: JsonObject) -> str:
    """One line per wait."""
    return "\n".join(str(wait["sentence"]) for wait in form["waits"])
