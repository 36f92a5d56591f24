"""Inventories are read whole whenever a part of one changes, and what is in them is not kept twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace

import pytest

from controllers.drift.inventories import Inventories, Where
from gitops.errors import Unreachable
from gitops.inventory import Entry, Inventory, to_config_maps
from gitops.objects import ObjectKey
from tests.unit.controllers.drift.yard import CONFIG_MAPS, NAMESPACES, SCOPE, Yard, until

WHERE = (SCOPE.application, SCOPE.target.namespace)


@dataclass
class Reader:
    """What was read."""

    read: list[Inventory | None] = field(default_factory=list)
    ours: set[str] = field(default_factory=set)

    async def take(self, where: Where, inventory: Inventory | None) -> None:
        """Keep it."""
        assert where == WHERE
        self.read.append(inventory)

    def wrote(self, where: Where, version: str) -> bool:
        """Whether it is a write of ours."""
        del where
        return version in self.ours


@pytest.fixture
def reader() -> Reader:
    return Reader()


@pytest.fixture
async def inventories(yard: Yard, reader: Reader) -> AsyncIterator[Inventories]:
    """Nothing is followed yet."""
    made = Inventories("production", yard.client, reader.take, reader.wrote, asyncio.Semaphore(1))
    yield made
    await made.stop()


def of(count: int, revision: str = "r1") -> Inventory:
    """An inventory of so many objects."""
    keys = [ObjectKey("", "ConfigMap", "shop", f"config-{number}") for number in range(count)]
    entries = {
        key: Entry(key, "v1", digest=f"{number:032x}", fields="f" * 64, uid="u")
        for number, key in enumerate(keys)
    }
    return Inventory(*SCOPE, revision=revision, digest="d", entries=entries)


async def with_namespace(yard: Yard) -> None:
    await yard.person.apply(
        NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}
    )


async def test_there_may_be_none(yard: Yard, reader: Reader, inventories: Inventories) -> None:
    await with_namespace(yard)
    inventories.follow({WHERE: "eu-1"})
    await until(lambda: inventories.synced)
    assert reader.read == [None]


async def test_an_inventory_in_chunks_is_whole_when_one_of_them_changes(
    yard: Yard, reader: Reader, inventories: Inventories
) -> None:
    await with_namespace(yard)
    whole = of(6000)
    assert len(to_config_maps(whole)) > 1
    await yard.store(whole)
    inventories.follow({WHERE: "eu-1"})
    await until(lambda: inventories.synced)
    assert reader.read == [whole]
    assert not [chunk for chunk in inventories._chunks[WHERE].values() if chunk.body is not None]
    changed = replace(whole, revision="r2")
    await yard.person.apply(CONFIG_MAPS, to_config_maps(changed)[-1])
    await until(lambda: len(reader.read) == 2 and inventories.synced)
    assert reader.read[-1] == changed


async def test_what_cannot_be_read_again_now_is_read_later(
    yard: Yard,
    reader: Reader,
    inventories: Inventories,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Chunks that were read are gone from memory; while the server fails nothing is taken for missing."""
    monkeypatch.setattr("controllers.drift.inventories._AGAIN_SECONDS", 0.01)
    await with_namespace(yard)
    whole = of(6000)
    await yard.store(whole)
    inventories.follow({WHERE: "eu-1"})
    await until(lambda: inventories.synced)
    listed, lists = yard.client.list, 0

    async def failing(*arguments: object, **chosen: object) -> object:
        nonlocal lists
        lists += 1
        if lists < 3:
            raise Unreachable("it is away")
        return await listed(*arguments, **chosen)  # type: ignore[arg-type]

    monkeypatch.setattr(yard.client, "list", failing)
    changed = replace(whole, revision="r2")
    await yard.person.apply(CONFIG_MAPS, to_config_maps(changed)[-1])
    await until(lambda: len(reader.read) == 2 and inventories.synced)
    assert (reader.read[-1], lists) == (changed, 3)


async def test_one_that_cannot_be_understood_is_waited_for(
    yard: Yard, reader: Reader, inventories: Inventories
) -> None:
    await with_namespace(yard)
    (body,) = to_config_maps(of(1))
    await yard.person.apply(CONFIG_MAPS, {**body, "data": {**body["data"], "format": "99"}})
    inventories.follow({WHERE: "eu-1"})
    await until(lambda: inventories.synced)
    assert reader.read == []
    await yard.store(of(1))
    await until(lambda: reader.read)
    assert reader.read == [of(1)]


async def test_own_writes_are_not_read_again(yard: Yard, reader: Reader, inventories: Inventories) -> None:
    await with_namespace(yard)
    await yard.store(of(1))
    inventories.follow({WHERE: "eu-1"})
    await until(lambda: inventories.synced)
    watch_reaches = inventories._collection.version
    reader.ours = {str(number) for number in range(1, 10_000)}
    (body,) = to_config_maps(of(2))
    written = await yard.person.apply(CONFIG_MAPS, body)
    await until(lambda: watch_reaches("") == written["metadata"]["resourceVersion"])
    assert reader.read == [of(1)]
    assert inventories.synced


async def test_a_list_is_reached_once_deletions_are_seen_too(
    yard: Yard, reader: Reader, inventories: Inventories
) -> None:
    """`reach` returns when what was read is as new as a list, whatever happened between them."""
    del reader
    await with_namespace(yard)
    await yard.store(of(6000))
    inventories.follow({WHERE: "eu-1"})
    await until(lambda: inventories.synced)
    await yard.store(of(1))
    name = to_config_maps(of(6000))[0]["metadata"]["name"]
    await yard.person.delete(CONFIG_MAPS, name, "shop")
    listing = await yard.person.list(CONFIG_MAPS, "shop", metadata_only=True)
    async with asyncio.timeout(10):
        await inventories.reach(WHERE, listing)
    assert name not in inventories._chunks[WHERE]
