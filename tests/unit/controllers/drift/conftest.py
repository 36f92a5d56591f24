"""A yard: one simulated cluster in this process, and the watch over what is rolled out to it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from controllers.adapters.kube.connection import ConnectionSettings, connect
from simcluster.clock import SteppedClock
from simcluster.fleet import Fleet, Settings
from simcluster.rbac.rules import Identity
from tests.unit.controllers.drift.yard import QUICK, Yard

LIMITED = "limited-token"
"""Of a user who may do nothing."""


@pytest.fixture
async def fleet() -> AsyncIterator[Fleet]:
    """One simulated cluster behind plain HTTP. Its clock stands still: no apply is later than another."""
    tokens = {LIMITED: Identity("limited", ("system:authenticated",), "limited")}
    settings = Settings(clusters=1, nodes=1, tls=False, clock=SteppedClock, tokens=tokens)
    async with Fleet(settings) as served:
        yield served


@pytest.fixture
async def yard(fleet: Fleet, tmp_path: Path) -> AsyncIterator[Yard]:
    """Nothing is rolled out, nothing is watched yet."""
    (tmp_path / "token").write_text(fleet.token)
    settings = ConnectionSettings("eu-1", server=fleet.url("cluster-1"), token_file=str(tmp_path / "token"))
    client, person = await connect(settings, patience=QUICK), await connect(settings)
    made = Yard(client, person)
    try:
        yield made
    finally:
        await made.drift.stop()
        await client.close()
        await person.close()
