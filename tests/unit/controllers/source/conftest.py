"""What the hostile sets are held against."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.controllers.source.outside import CANARY, Outside, served


@pytest.fixture
def outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Outside]:
    """Things that are there, and that remember who came."""
    monkeypatch.setenv("CANARY", CANARY)
    with served(tmp_path / "outside") as made:
        yield made
