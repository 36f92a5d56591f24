"""The slow full check: finds what ownership cannot tell, one dry-run for each object, spread."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from controllers.drift.habits import Habits
from controllers.drift.patrol import Patrol
from controllers.drift.place import Place
from gitops.drift import DriftKind
from gitops.inventory import Entry
from gitops.model.kinds import DriftMode
from gitops.objects import ObjectKey
from tests.unit.controllers.drift.yard import CONFIG_MAPS, QUICK, SCOPE, Yard, config_map, until


async def hidden_change(yard: Yard, value: str = "red") -> None:
    """Apply another value under our name, in the very second of our own apply: ownership tells nothing."""
    live = await yard.person.get(CONFIG_MAPS, "a", "shop")
    assert live is not None
    metadata = {"name": "a", "namespace": "shop", "labels": live["metadata"]["labels"]}
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"value": value}}
    applied = await yard.person.apply(CONFIG_MAPS, body)
    version = applied["metadata"]["resourceVersion"]
    await until(lambda: (seen := yard.sight("a")) and seen.resource_version == version)


def patrolled(yard: Yard) -> None:
    """Check everything every half second."""
    yard.habits = Habits(QUICK, check_every=0.5)
    yard.start()


async def test_a_hidden_change_is_put_back(yard: Yard) -> None:
    await yard.settled(config_map("a"), config_map("b"))
    await hidden_change(yard)
    assert (yard.dry_runs, yard.corrections) == (0, [])
    await yard.drift.stop()
    patrolled(yard)
    await yard.watched()
    await until(lambda: yard.corrections)
    assert yard.corrections == ["ConfigMap shop/a"]
    assert await yard.value("a") == "one"


async def test_a_hidden_change_that_is_only_reported_stays_reported_until_it_is_undone(yard: Yard) -> None:
    yard.desk.mode = DriftMode.REPORT
    patrolled(yard)
    await yard.settled(config_map("a"))
    await hidden_change(yard)
    await until(lambda: yard.place.findings)
    (finding,) = yard.place.findings.values()
    assert (finding.kind, finding.paths) == (DriftKind.CHANGED, ("/data/value",))
    yard.drift.resume()
    assert yard.place.findings
    await hidden_change(yard, "one")
    await until(lambda: not yard.place.findings)


async def test_every_object_has_one_dry_run_in_each_round(yard: Yard) -> None:
    patrolled(yard)
    names = [f"c{number}" for number in range(3)]
    await yard.settled(*map(config_map, names))
    yard.requests.clear()
    await until(lambda: yard.dry_runs >= 6, within=30)
    assert yard.corrections == []
    assert not [one for one in yard.requests if one.verb == "apply" and not one.dry_run]


async def test_without_an_interval_nothing_is_checked(yard: Yard) -> None:
    await yard.settled(config_map("a"))
    assert not [task for task in asyncio.all_tasks() if "Patrol" in repr(task)]


async def test_a_round_covers_all_in_its_time_and_a_few_at_a_time() -> None:
    """Two places, 250 objects: each checked once before any is checked again."""
    checked: Counter[ObjectKey] = Counter()
    places = [Place(SCOPE), Place(SCOPE._replace(application="api"))]
    for number in range(250):
        key = ObjectKey("", "ConfigMap", "shop", f"c{number}")
        places[number % 2].entries[key] = Entry(key, "v1")

    class All:
        def places(self) -> list[Place]:
            return places

        async def check(self, place: Place, key: ObjectKey) -> None:
            assert key in place.entries
            checked[key] += 1
            if len(checked) == 250:
                raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await Patrol(0.1, All(), All(), pause=0).run()
    assert set(checked.values()) == {1}
