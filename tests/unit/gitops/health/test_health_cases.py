"""Every folder of tests/cases/health is one case: live objects in, what we say of them out.

`object.yaml` is the object (an empty file: there is none). `related.yaml`, where there is one, may hold
`appliedGeneration`, `replicaSets`, `pods`, `events`, `logs` (by Pod, then container) and `now`; with `now`,
the symptoms, the next look and the evidence are expected as well. `expected.txt` is the whole answer.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from gitops.health import Related, assess, evidence, failing, look_again

CASES = Path(__file__).parents[3] / "cases" / "health"


class _Loader(yaml.SafeLoader):
    """YAML with times as strings, as JSON from an API server has them."""


_Loader.add_constructor("tag:yaml.org,2002:timestamp", lambda _, node: node.value)


def _read(path: Path) -> Any:
    return yaml.load(path.read_text(), Loader=_Loader) if path.exists() else None


def _answer(case: Path) -> str:
    obj, seen = _read(case / "object.yaml"), _read(case / "related.yaml") or {}
    applied = seen.get("appliedGeneration")
    health = assess(obj, applied_generation=applied)
    lines = [f"{health.status}: {health.message}"]
    if "now" in seen:
        now = datetime.fromisoformat(seen["now"])
        kinds = ("replicaSets", "pods", "events")
        replica_sets, pods, events = (tuple(seen.get(kind, ())) for kind in kinds)
        related = Related(replica_sets, pods, events)
        logs = {(pod, name): log for pod, of in seen.get("logs", {}).items() for name, log in of.items()}
        symptoms = failing(obj, related, now=now, applied_generation=applied)
        wait = look_again(obj, related, now=now, applied_generation=applied)
        lines += [f"symptom: {symptom}" for symptom in symptoms]
        lines += [f"look again in {wait.total_seconds():g} s"] if wait else []
        lines += [
            f"evidence: {line}" for line in evidence(obj, symptoms, related, logs, applied_generation=applied)
        ]
    return "".join(f"{line}\n" for line in lines)


@pytest.mark.parametrize("case", sorted(CASES.iterdir()), ids=lambda case: case.name)
def test_live_objects_are_judged_as_the_case_expects(case: Path) -> None:
    assert _answer(case) == (case / "expected.txt").read_text()


def test_no_case_is_lost() -> None:
    """An empty or moved folder of cases must not look like success."""
    assert len(list(CASES.glob("*/expected.txt"))) >= 60
