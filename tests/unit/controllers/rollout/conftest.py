"""A shop to roll out."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.controllers.rollout.shop import Shop


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """One environment, two applications, two clusters, nothing rolled out yet."""
    return Shop(tmp_path)
