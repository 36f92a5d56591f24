"""An inventory that is gone is told, whoever deleted it, and is no reason to say that all is well."""

from __future__ import annotations

from gitops.drift import DriftReport
from tests.unit.controllers.drift.yard import CONFIG_MAPS, NAMESPACES, SCOPE, Yard, config_map, until

NAME = f"gitops-waves.{SCOPE.environment}.{SCOPE.application}"
WHERE = SCOPE.application, str(SCOPE.target)


def report(yard: Yard) -> DriftReport:
    """What a pass gets to know."""
    return yard.drift.reports()[WHERE]


async def test_a_deleted_inventory_is_told_until_a_rollout_stores_it_anew(yard: Yard) -> None:
    await yard.settled(config_map("a"))
    assert report(yard) == DriftReport(complete=True)
    await yard.person.delete(CONFIG_MAPS, NAME, "shop")
    await until(lambda: report(yard).lost)
    assert not report(yard).complete
    assert not yard.drift.synced
    await yard.roll_out(1, config_map("a"))
    assert not report(yard).lost
    await until(lambda: report(yard) == DriftReport(complete=True))
    await yard.person.delete(CONFIG_MAPS, "a", "shop")
    await until(lambda: yard.corrections)
    assert await yard.value("a") == "one"


async def test_a_start_finds_what_was_lost_before_it(yard: Yard) -> None:
    await yard.roll_out(1, config_map("a"))
    await yard.person.delete(CONFIG_MAPS, NAME, "shop")
    await yard.person.delete(CONFIG_MAPS, "a", "shop")
    yard.follow()
    await until(lambda: yard.drift.places() and report(yard).lost)
    assert not report(yard).complete


async def test_while_a_rollout_writes_nothing_is_lost(yard: Yard) -> None:
    """It is about to store one."""
    yard.desk.revision = "r"
    yard.desk.writing = True
    await yard.person.apply(
        NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}
    )
    yard.follow()
    await until(yard.drift.places)
    assert not report(yard).lost
    yard.desk.writing = False
    yard.drift.resume()
    await until(lambda: report(yard).lost)


async def test_where_nothing_was_applied_there_is_nothing_to_lose(yard: Yard) -> None:
    yard.desk.revision = "r"
    yard.desk.empty = True
    await yard.person.apply(
        NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}
    )
    await yard.watched()
    await until(lambda: yard.place.sure)
    assert report(yard) == DriftReport(complete=True)
