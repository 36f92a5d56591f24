"""Both servers do the same with random sequences of writes: same objects, same owners of fields, same errors.

`CONFORMANCE_SEQUENCES` says how many are tried; more than the usual few in long runs. What such a run finds
becomes a case in `cases/regressions.yaml`: the failure prints it in that form.
"""

from __future__ import annotations

import itertools
import json
import os
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings

from tests.conformance.client import Server
from tests.conformance.sequences import sequences
from tests.conformance.session import Session

_TYPED = re.compile(r"failed to create typed patch object \([^)]*\)")
# A deviation (regressions/selector-against-emptied-labels): simcluster shows both alike.
_EMPTIED = "Invalid value: {}: `selector` does not match"
_SEQUENCES = int(os.environ.get("CONFORMANCE_SEQUENCES", "60"))
_numbers = itertools.count()


@pytest.fixture(scope="module")
def sessions(real: Server, sim: Server) -> Iterator[tuple[Session, Session]]:
    """A namespace on each server."""
    with Session(real) as first, Session(sim) as second:
        yield first, second


@pytest.mark.cluster
@settings(max_examples=_SEQUENCES, suppress_health_check=list(HealthCheck))
@given(steps=sequences())
def test_same_outcomes(sessions: tuple[Session, Session], steps: list[dict[str, Any]]) -> None:
    """After each step of a sequence both servers have answered alike."""
    name = f"object-{next(_numbers)}"
    for session in sessions:
        session.keep(name=name, version="1")
    for number, step in enumerate(steps):
        real, sim = (_comparable(session.take(step), name) for session in sessions)
        assert sim == real, _as_case(steps[: number + 1])


def _comparable(outcome: dict[str, Any], name: str) -> dict[str, Any]:
    """Drop what depends on chance: the order of causes, and the status that controllers write."""
    text = json.dumps(outcome["answer"]).replace(name, "{name}")
    answer = json.loads(text.replace(_EMPTIED, _EMPTIED.replace("{}", "null")))
    if isinstance(answer, dict):
        if "spec" in answer:
            answer.pop("status", None)
        causes = answer.get("details", {}).get("causes", [])
        if len(causes) > 1:
            causes.sort(key=lambda cause: json.dumps(cause, sort_keys=True))
            answer.pop("message")
        elif "patch: Invalid value" in answer.get("message", ""):  # quotes the whole object, or a part of it
            answer = {"reason": answer["reason"]}
        elif found := _TYPED.match(answer.get("message", "")):  # of several errors it tells any
            answer = {"message": found[0]}
    return outcome | {"answer": answer}


def _as_case(steps: list[dict[str, Any]]) -> str:
    *before, last = (
        json.loads(json.dumps(step).replace("{name}", "a").replace("{version}", "{version}"))
        for step in steps
    )
    case = {"case": "found", "steps": [*({**step, "show": "nothing"} for step in before), last]}
    return yaml.safe_dump([case], sort_keys=False, width=110)
