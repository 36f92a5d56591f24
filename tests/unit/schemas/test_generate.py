"""The schemas that are checked in are the ones the models give."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from schemas.generate import KINDS, generate, main, stale

SCHEMAS = Path(__file__).parents[3] / "schemas"


def test_the_checked_in_schemas_are_fresh() -> None:
    assert stale(SCHEMAS) == []


def test_generating_twice_gives_the_same_bytes() -> None:
    assert generate() == generate()


def test_check_fails_until_they_are_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "gone.schema.json").write_text("{}")
    assert main(["--check"], tmp_path) == 1
    assert "gone.schema.json" in capsys.readouterr().err
    assert main([], tmp_path) == 0
    assert main(["--check"], tmp_path) == 0
    assert {path.name for path in tmp_path.iterdir()} == {f"{name}.schema.json" for name in KINDS}


def test_schemas_speak_as_people_write() -> None:
    """CamelCase names, and defaults such as 10m and 100%."""
    schema: Any = json.loads(generate()["environment.schema.json"])
    wave = schema["$defs"]["Wave"]["properties"]
    assert wave["progressDeadline"]["default"] == "10m"
    assert wave["maxConcurrent"]["default"] == "100%"
    assert schema["$defs"]["EnvironmentSpec"]["additionalProperties"] is False
