"""What a start has read is no work for the garbage collector, and needs none to be freed."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator
from pathlib import Path

import pytest

from controllers.memory import set_start_apart
from controllers.source.revisions import Revisions
from gitops.model.catalog import ApplicationSource
from gitops.rollout.desired import Wish, wish
from gitops.rollout.observation import Desired
from gitops.rollout.state import EnvironmentState
from tests.unit.controllers.rollout.shop import Shop, config_map


@pytest.fixture
def no_collections() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


async def test_what_was_there_at_the_start_is_not_walked_again() -> None:
    """From when everything was read, until the end."""
    read = asyncio.Event()
    before = gc.get_freeze_count()
    apart = asyncio.create_task(set_start_apart(read.is_set))
    await asyncio.sleep(0)
    assert gc.get_freeze_count() == before
    read.set()
    async with asyncio.timeout(30):
        while gc.get_freeze_count() == before:  # noqa: ASYNC110 - the collector announces nothing
            await asyncio.sleep(0.05)
    assert not any(one is read for one in gc.get_objects())
    apart.cancel()
    await asyncio.wait({apart})
    assert gc.get_freeze_count() == 0


@pytest.mark.usefixtures("no_collections")
def test_what_a_commit_replaces_is_freed_without_the_collector(tmp_path: Path) -> None:
    """Else it would pile up for as long as the process lives."""
    shop = Shop(tmp_path)
    revisions = Revisions(shop.mirror)
    wanted: Wish | None = None
    catalogs_before, wishes_before = _held()
    for number in range(40):
        head = shop.commit("Change", {"environments/production/web/web.yaml": config_map("web", str(number))})
        wanted = wish(revisions.catalog(head), "production", head, EnvironmentState(), wanted)
    catalogs, wishes = _held()
    # Sixteen catalogs are kept.
    assert catalogs - catalogs_before <= 17
    assert wishes - wishes_before <= 4


def _held() -> tuple[int, int]:
    """Count the sources and the wishes of applications that this process has, those of other tests too."""
    there = gc.get_objects()
    sources = [one for one in there if isinstance(one, ApplicationSource) and one.name == "web"]
    return len(sources), len([one for one in there if isinstance(one, Desired)])
