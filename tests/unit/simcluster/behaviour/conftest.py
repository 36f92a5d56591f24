"""A fresh cluster for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.unit.simcluster.behaviour.world import World


@pytest.fixture
def world() -> Iterator[World]:
    """A cluster of three Nodes on a stepped clock."""
    found = World()
    yield found
    found.cluster.close()
