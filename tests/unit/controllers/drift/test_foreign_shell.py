"""Foreign fields as the watch handles them: when they are looked at, what is kept of them, what it costs."""

from __future__ import annotations

import asyncio

import pytest

from controllers.drift import retries
from controllers.drift.place import trimmed
from gitops.drift import ForeignDeed, contest
from gitops.errors import Conflict, InvalidInput, Location, Problem
from gitops.objects import JsonObject
from tests.unit.controllers.drift.yard import CONFIG_MAPS, Yard, config_map, until


async def add(yard: Yard, name: str, key: str = "extra", by: str = "eve") -> None:
    """Let somebody own one more key of a ConfigMap."""
    body = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": "shop"},
        "data": {key: "x"},
    }
    await yard.person.apply(CONFIG_MAPS, body, field_manager=by)


async def keys(yard: Yard, name: str) -> set[str]:
    """What the data of a ConfigMap has."""
    body = await yard.person.get(CONFIG_MAPS, name, "shop")
    assert body is not None
    return set(body["data"])


async def found(yard: Yard) -> list[tuple[str, tuple[str, ...]]]:
    """Wait until something is found, and everything is looked at."""
    await until(lambda: yard.place.foreign.findings and yard.drift.synced)
    return sorted((one.object, one.paths) for one in yard.place.foreign.findings.values())


async def test_the_first_event_tells_without_a_request(yard: Yard) -> None:
    await yard.settled(config_map("a"), config_map("b"))
    yard.requests.clear()
    await add(yard, "a")
    assert await found(yard) == [("ConfigMap shop/a", ("data.extra",))]
    assert yard.asked == []
    (report,) = yard.drift.reports().values()
    assert report.complete
    assert list(report.foreign) == ["ConfigMap shop/a"]


async def test_a_removal_waits_while_a_rollout_writes(yard: Yard) -> None:
    yard.desk.exclusive = True
    await yard.settled(config_map("a"))
    yard.desk.writing = True
    yard.requests.clear()
    await add(yard, "a")
    await until(lambda: yard.place.foreign.pending)
    await asyncio.sleep(0.1)
    assert (await keys(yard, "a"), yard.asked) == ({"value", "extra"}, [])
    (report,) = yard.drift.reports().values()
    assert not report.complete
    yard.desk.writing = False
    yard.drift.resume()
    await until(lambda: yard.foreign)
    assert await keys(yard, "a") == {"value"}


async def test_somebody_who_writes_meanwhile_is_not_overwritten(yard: Yard) -> None:
    """The server refuses a patch of an older version: the object is read again, and nothing is lost."""
    yard.desk.exclusive = True
    await yard.settled(config_map("a"))
    patch = yard.client.patch
    conflicts: list[Conflict] = []

    async def late(*where: object, **what: object) -> JsonObject:
        if not conflicts:
            await yard.paint("a", "red", by="painter")
        try:
            return await patch(*where, **what)  # type: ignore[arg-type]
        except Conflict as error:
            conflicts.append(error)
            raise

    yard.client.patch = late  # type: ignore[method-assign]
    await add(yard, "a")
    await until(lambda: yard.foreign and yard.corrections and yard.drift.synced)
    assert len(conflicts) >= 1
    assert await keys(yard, "a") == {"value"}
    assert await yard.value("a") == "one"
    removed = [fact.finding.paths for fact in yard.foreign if fact.deed is ForeignDeed.REMOVED]
    assert removed == [("data.extra",)]


async def test_other_rules_are_applied_to_what_is_there(yard: Yard) -> None:
    await yard.settled(config_map("a"))
    await add(yard, "a")
    await found(yard)
    yard.desk.allowed = frozenset({"eve"})
    yard.drift.judge_anew()
    assert yard.place.foreign.findings == {}
    yard.desk.allowed = frozenset()
    yard.drift.judge_anew()
    await found(yard)


async def test_what_cannot_be_removed_is_said_and_tried_again_later(yard: Yard) -> None:
    """An immutable object takes no patch; the reason is told, and nothing is hammered."""
    yard.desk.exclusive = True
    await yard.settled(config_map("a"))
    yard.desk.writing = True
    await add(yard, "a")
    live = await yard.person.get(CONFIG_MAPS, "a", "shop")
    assert live is not None
    await yard.person.replace(CONFIG_MAPS, {**live, "immutable": True})
    yard.desk.writing = False
    yard.requests.clear()
    yard.drift.resume()
    await until(lambda: yard.place.foreign.findings)
    (finding,) = yard.place.foreign.findings.values()
    assert finding.because.startswith("they cannot be removed: ")
    assert "immutable" in finding.because
    assert sum(one.verb == "patch" for one in yard.requests) == 1
    assert yard.foreign == []


async def test_what_an_allowed_manager_holds_too_stays_and_is_said(yard: Yard) -> None:
    yard.desk.exclusive, yard.desk.allowed = True, frozenset({"mesh"})
    await yard.settled(config_map("a"))
    await add(yard, "a", by="mesh")
    await add(yard, "a", by="eve")
    await until(lambda: yard.place.foreign.findings)
    (finding,) = yard.place.foreign.findings.values()
    assert (finding.managers, finding.paths) == (("eve",), ("data.extra",))
    assert finding.because.startswith("they are not removed: somebody who is allowed to holds them too")
    assert await keys(yard, "a") == {"value", "extra"}
    assert not [one for one in yard.requests if one.verb == "patch"]


async def test_what_belongs_to_somebody_else_by_now_is_not_touched(yard: Yard) -> None:
    """The label is read again with the object that is patched: news of it may be late."""
    yard.desk.exclusive = True
    await yard.settled(config_map("a"))
    get = yard.client.get

    async def taken(*where: object, **what: object) -> JsonObject | None:
        live = await get(*where, **what)  # type: ignore[arg-type]
        if live is not None:
            live["metadata"]["labels"]["applyset.kubernetes.io/part-of"] = "applyset-other-v1"
        return live

    yard.client.get = taken  # type: ignore[method-assign]
    yard.requests.clear()
    await add(yard, "a")
    await until(lambda: any(one.verb == "get" for one in yard.requests) and yard.drift.synced)
    assert await keys(yard, "a") == {"value", "extra"}
    assert not [one for one in yard.requests if one.verb == "patch"]


async def test_an_object_that_is_not_applied_any_more_leaves_nothing_behind(yard: Yard) -> None:
    await yard.settled(config_map("a"), config_map("b"))
    await add(yard, "a")
    await found(yard)
    await yard.roll_out(2, config_map("b"))
    await until(lambda: len(yard.place.entries) == 1 and yard.drift.synced)
    notes = yard.place.foreign
    assert [*notes.findings, *notes.known, *notes.pending, *notes.contests] == []


async def test_who_puts_other_fields_there_each_time_is_held_off_too(
    yard: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Generated names: no field is ever removed twice."""
    monkeypatch.setattr(contest, "FIGHT_ACROSS", 4)
    yard.desk.exclusive = True
    await yard.settled(config_map("a"))

    async def added_and_removed(key: str) -> None:
        removed = len(yard.foreign)
        await add(yard, "a", key=key)
        await until(lambda: len(yard.foreign) > removed)

    for number in range(4):
        assert [fact for fact in yard.foreign if fact.deed is ForeignDeed.CONTESTED] == []
        await added_and_removed(f"extra-{number}")
    (fact,) = [fact for fact in yard.foreign if fact.deed is ForeignDeed.CONTESTED]
    assert (fact.rounds, fact.finding.paths) == (4, ("data.extra-3",))


def test_equal_foreign_fields_are_one_in_memory() -> None:
    """A tool that writes to all objects costs as much memory as one that writes to one."""

    def body(name: str) -> JsonObject:
        ours = {"manager": "gitops-waves", "operation": "Apply", "fieldsV1": {"f:data": {"f:value": {}}}}
        tool = {"manager": "tool", "operation": "Update", "fieldsV1": {"f:data": {"f:extra": {}}}}
        return {"metadata": {"name": name, "managedFields": [ours, tool]}}

    (_, _, one), (_, _, two) = trimmed(body("a")), trimmed(body("b"))
    assert one.foreign
    assert one.foreign is two.foreign
    (_, _, none) = trimmed({"metadata": {"name": "c"}})
    assert none.foreign == ()


async def test_what_cannot_be_rendered_for_a_while_is_said_and_removed_later(
    yard: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retries, "FIRST_SECONDS", 0.02)
    yard.desk.exclusive = True
    await yard.settled(config_map("a"))
    yard.unrendered = InvalidInput(Problem(Location("web/kustomization.yaml"), "it took too long"))
    await add(yard, "a")
    await until(lambda: yard.place.foreign.findings)
    (finding,) = yard.place.foreign.findings.values()
    assert finding.paths == ("data.extra",)
    assert finding.because.startswith("what was applied cannot be rendered: web/kustomization.yaml: it took")
    yard.unrendered = None
    await until(lambda: yard.foreign and yard.drift.synced)
    assert await keys(yard, "a") == {"value"}
    assert yard.place.foreign.findings == {}
