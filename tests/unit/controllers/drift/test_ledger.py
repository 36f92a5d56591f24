"""What was found out about objects is stored: a little later, or at the end, never against a rollout."""

from __future__ import annotations

from dataclasses import replace

import pytest

from controllers.drift import ledger
from gitops.objects import ObjectKey
from tests.unit.controllers.drift.yard import CONFIG_MAPS, Yard, config_map, until

A = ObjectKey("", "ConfigMap", "shop", "a")


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hardly any pause before what is unsaved is stored."""
    for name in ("QUIET_SECONDS", "_UNHURRIED_SECONDS"):
        monkeypatch.setattr(ledger, name, 0.01)


async def recreated(yard: Yard) -> str:
    """Delete an object, wait until it is back, and return its new uid."""
    await yard.person.delete(CONFIG_MAPS, "a", "shop")
    await until(lambda: yard.corrections)
    body = await yard.person.get(CONFIG_MAPS, "a", "shop")
    assert body is not None
    return str(body["metadata"]["uid"])


async def rolled_out(yard: Yard) -> None:
    await yard.settled(config_map("a"), config_map("b"))


@pytest.mark.usefixtures("at_once")
async def test_a_corrected_object_is_stored_and_nothing_else_changes(yard: Yard) -> None:
    await rolled_out(yard)
    before = await yard.inventory()
    uid = await recreated(yard)
    await until(lambda: not yard.place.unsaved)
    after = await yard.inventory()
    assert after.entries[A] == replace(before.entries[A], uid=uid)
    assert replace(after, entries={}) == replace(before, entries={})
    assert {key: after.entries[key] for key in after.entries if key != A} == {
        key: before.entries[key] for key in before.entries if key != A
    }


async def test_what_is_not_stored_yet_is_stored_when_the_watch_ends(yard: Yard) -> None:
    await rolled_out(yard)
    uid = await recreated(yard)
    assert yard.place.unsaved
    await yard.drift.stop()
    assert (await yard.inventory()).entries[A].uid == uid


@pytest.mark.usefixtures("at_once")
async def test_while_a_rollout_writes_the_inventory_is_its_business(yard: Yard) -> None:
    await rolled_out(yard)
    yard.desk.on_told = lambda: setattr(yard.desk, "writing", bool(yard.corrections))
    uid = await recreated(yard)
    await until(lambda: yard.desk.writing)
    yard.requests.clear()
    await until(lambda: [one.verb for one in yard.requests].count("list") >= 2)  # it looks, and lets it be
    assert (await yard.inventory()).entries[A].uid != uid
    yard.desk.on_told = lambda: None
    yard.desk.writing = False
    await until(lambda: not yard.place.unsaved)
    assert (await yard.inventory()).entries[A].uid == uid


async def test_what_another_rollout_stored_is_not_overwritten(yard: Yard) -> None:
    """Its entry is of another manifest: what we know is of one that is not wanted any more."""
    await rolled_out(yard)
    await recreated(yard)
    newer = await yard.inventory()
    entry = replace(newer.entries[A], digest="another", fields="fields", uid="new")
    await yard.store(newer.applied([entry]))
    await yard.drift.stop()
    assert (await yard.inventory()).entries[A] == entry
