"""When an object is looked at closely: never because news of our own apply are late."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import pytest

from controllers.drift.place import Place
from gitops.objects import ObjectKey
from tests.unit.controllers.drift.yard import Yard, config_map, rule, until


async def test_what_changed_is_put_back(yard: Yard) -> None:
    await yard.settled(config_map("a"), config_map("b"))
    yard.requests.clear()
    await yard.paint("a", "red")
    await until(lambda: yard.corrections)
    assert yard.corrections == ["ConfigMap shop/a"]
    assert await yard.value("a") == "one"
    assert yard.dry_runs == 1


async def test_a_list_that_came_is_judged_before_anything_counts_as_looked_at(
    yard: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the two, what drifted is not known yet, and what was open has not ended."""
    await yard.roll_out(1, config_map("a"), rule("b"))
    judge_all = yard.drift._attention.judge_all
    synced: list[bool] = []

    async def judged(place: Place, keys: Iterable[ObjectKey]) -> None:
        synced.append(yard.drift.synced)
        await judge_all(place, keys)

    monkeypatch.setattr(yard.drift._attention, "judge_all", judged)
    await yard.watched()
    assert synced
    assert not any(synced)


async def test_nothing_is_looked_at_before_the_record_of_the_rollout_is_known(yard: Yard) -> None:
    """However late the news of the inventory: the objects look changed until then, and are not."""
    gate = yard.hold(whole=True)
    await yard.settled(config_map("a"), rule("b"))
    gate.clear()
    await yard.roll_out(2, config_map("a", "two"), rule("b", 2), config_map("c"))
    await until(lambda: yard.place.suspects)
    yard.requests.clear()
    yard.drift.resume()
    await until(lambda: any(one.verb == "list" for one in yard.requests))
    await asyncio.sleep(0.1)
    assert not yard.drift.synced
    assert yard.dry_runs == 0
    gate.set()
    await until(lambda: yard.drift.synced)
    assert (yard.dry_runs, yard.facts, yard.place.findings) == (0, [], {})
    assert {entry.digest for entry in yard.place.entries.values()}.isdisjoint({""})


async def test_news_of_objects_that_come_after_the_record_cost_a_read_at_most(yard: Yard) -> None:
    """A new object is not taken for a deleted one, nor our own apply for somebody else's."""
    gate = yard.hold(whole=False)
    await yard.settled(config_map("a"), rule("b"))
    gate.clear()
    await yard.roll_out(2, config_map("a", "two"), rule("b", 2), config_map("c"), rule("d"))
    yard.requests.clear()
    await until(lambda: len(yard.place.entries) == 4 and yard.drift.synced)
    gate.set()
    await until(lambda: yard.sight("c") and yard.sight("d", "NetworkPolicy", "networking.k8s.io"))
    await until(lambda: yard.drift.synced)
    assert (yard.dry_runs, yard.facts, yard.place.findings) == (0, [], {})
    assert {one.verb for one in yard.requests} <= {"get", "list", "watch"}


async def test_a_change_that_comes_with_a_rollout_is_found_when_its_record_is_there(yard: Yard) -> None:
    """The late record does not hide what somebody did meanwhile."""
    gate = yard.hold(whole=True)
    await yard.settled(config_map("a"))
    gate.clear()
    await yard.roll_out(2, config_map("a", "two"))
    await yard.paint("a", "red")
    gate.set()
    await until(lambda: yard.corrections)
    assert await yard.value("a") == "two"


async def test_while_a_rollout_writes_nothing_is_touched(yard: Yard) -> None:
    await yard.settled(config_map("a"))
    yard.desk.writing = True
    yard.requests.clear()
    await yard.paint("a", "red")
    await until(lambda: yard.place.suspects)
    yard.drift.resume()
    await asyncio.sleep(0.05)
    assert yard.asked == []
    yard.desk.writing = False
    yard.drift.resume()
    await until(lambda: yard.corrections)
    assert await yard.value("a") == "one"


async def test_a_place_that_is_left_waits_for_nothing(yard: Yard) -> None:
    """What waits for a record that nobody will read any more ends."""
    gate = yard.hold(whole=True)
    await yard.settled(rule("a"))
    gate.clear()
    await yard.roll_out(2, rule("a", 2))
    await until(lambda: yard.place.suspects)
    yard.drift.resume()
    await until(_releasing)
    yard.drift.follow([])
    assert not yard.drift.places()
    await until(lambda: not _releasing())


def _releasing() -> bool:
    return any("Attention._released" in repr(task) for task in asyncio.all_tasks())
