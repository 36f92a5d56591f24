"""Why nothing moves, or what is awaited: the sentences, and the values that they are made from."""

from __future__ import annotations

from collections.abc import Iterable

from gitops.objects import JsonObject
from gitops.rollout.wait import Wait
from gitops.views.moments import rfc3339


def waits_form(environment: str, waits: Iterable[Wait]) -> JsonObject:
    """One environment's waits in their order, in the form of the controller's API."""
    return {"environment": environment, "waits": [_wait(wait) for wait in waits]}


def _wait(wait: Wait) -> JsonObject:
    return {
        "application": wait.application,
        "target": wait.target,
        "waitsFor": wait.waits_for,
        "seen": wait.seen,
        "since": rfc3339(wait.since),
        "until": rfc3339(wait.until),
        "release": wait.release,
        "sentence": str(wait),
    }


def about(form: JsonObject, application: str = "", target: str = "") -> JsonObject:
    """Keep what is about one application, or one target of it; everything where none is named."""
    kept = [
        wait
        for wait in form["waits"]
        if application in ("", wait["application"]) and target in ("", wait["target"])
    ]
    return {**form, "waits": kept}


def sentences(form: JsonObject) -> str:
    """One line per wait."""
    return "\n".join(str(wait["sentence"]) for wait in form["waits"])
