"""What is done about an object that does not look as it was applied."""

from __future__ import annotations

import asyncio
import sys
import time
from collections import Counter
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from controllers.adapters.kube.errors import Forbidden
from controllers.adapters.kube.resources import Resource
from controllers.drift import corrector, ledger, retries
from gitops.drift import Deed, DriftKind
from gitops.errors import Conflict, InvalidInput, Location, Problem, Unreachable
from gitops.model.kinds import DriftMode, IgnoredDifference
from gitops.objects import GroupKind, JsonObject, ObjectKey
from tests.unit.controllers.drift.yard import CONFIG_MAPS, QUICK, Yard, config_map, rule, until

A = ObjectKey("", "ConfigMap", "shop", "a")


async def forgotten(yard: Yard, *names: str) -> None:
    """Let the stored record say that the applies of these objects were never confirmed."""
    inventory = await yard.inventory()
    keys = [key for key in inventory.entries if key.name in names]
    await yard.store(
        inventory.applied(replace(inventory.entries[key], digest="", fields="", uid="") for key in keys)
    )


async def test_objects_without_a_record_cost_one_dry_run_each_one_after_the_other(
    yard: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is written but the record, so that the next start costs nothing."""
    monkeypatch.setattr(ledger, "_UNHURRIED_SECONDS", 0.5)
    names = [f"c{number}" for number in range(5)]
    await yard.roll_out(1, *map(config_map, names))
    before = await yard.inventory()
    await forgotten(yard, *names)
    started = time.monotonic()
    await yard.watched()
    assert yard.dry_runs == 5
    assert time.monotonic() - started > 5 * corrector._UNRECORDED_PAUSE_SECONDS
    await until(lambda: not yard.place.unsaved)
    assert await yard.inventory() == before
    written = [one for one in yard.asked if one.verb == "apply" and not one.dry_run]
    assert len(written) == 1
    assert yard.facts == []


async def test_what_was_never_confirmed_and_differs_is_the_rollouts_business(yard: Yard) -> None:
    await yard.roll_out(1, config_map("a"))
    await forgotten(yard, "a")
    await yard.paint("a", "red")
    await yard.watched()
    assert await yard.value("a") == "red"
    assert (yard.facts, yard.place.findings) == ([], {})


async def test_drift_is_reported_until_it_ends(yard: Yard) -> None:
    yard.desk.mode = DriftMode.REPORT
    await yard.settled(config_map("a"))
    await yard.paint("a", "red")
    await until(lambda: A in yard.place.findings)
    finding = yard.place.findings[A]
    assert (finding.kind, finding.paths) == (DriftKind.CHANGED, ("/data/value",))
    assert [author.owner.manager for author in finding.authors] == ["kubectl-edit"]
    await yard.person.delete(CONFIG_MAPS, "a", "shop")
    await until(lambda: yard.place.findings[A].kind is DriftKind.GONE)
    assert await yard.value("a") == ""
    assert yard.facts == []


async def test_what_is_ignored_is_not_even_looked_at(yard: Yard) -> None:
    yard.desk.mode = DriftMode.IGNORE
    await yard.settled(config_map("a"))
    await yard.paint("a", "red")
    await until(lambda: A in yard.place.known)
    assert (yard.dry_runs, yard.place.findings) == (0, {})


async def test_a_correction_that_is_refused_is_said_and_tried_again(
    yard: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retries, "FIRST_SECONDS", 0.02)
    await yard.settled(config_map("a"))
    apply = yard.client.apply
    refusals: list[JsonObject] = []

    async def refusing(resource: Any, body: JsonObject, **how: Any) -> JsonObject:
        if not how.get("dry_run") and len(refusals) < 2:
            refusals.append(body)
            assert not yard.place.findings or "not by you" in yard.place.findings[A].because
            raise Forbidden("not by you")
        return await apply(resource, body, **how)

    monkeypatch.setattr(yard.client, "apply", refusing)
    await yard.paint("a", "red")
    await until(lambda: yard.corrections)
    assert len(refusals) == 2
    await until(lambda: not yard.place.findings)


async def test_an_object_too_deep_to_be_compared_is_said_to_be_open(
    yard: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody has looked at it, so it must not pass for one that is as it was applied."""
    await yard.settled(config_map("a"))
    apply = yard.client.apply

    async def deep(resource: Any, body: JsonObject, **how: Any) -> JsonObject:
        answer = await apply(resource, body, **how)
        value: JsonObject = {}
        for _ in range(sys.getrecursionlimit()):
            value = {"a": value}
        return {**answer, "data": {"value": value}}

    monkeypatch.setattr(yard.client, "apply", deep)
    await yard.paint("a", "red")
    await until(lambda: yard.place.findings)
    (finding,) = yard.place.findings.values()
    assert "nested too deeply" in finding.because


async def test_a_cluster_that_does_not_answer_is_asked_again(
    yard: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says nothing about the object: no finding, no fact."""
    await yard.settled(config_map("a"))
    get, tries = yard.client.get, Counter[str]()

    async def silent(resource: Any, name: str, namespace: str = "", **how: Any) -> JsonObject | None:
        tries[name] += 1
        if tries[name] < 3:
            assert not yard.place.findings
            raise Unreachable("no answer")
        return await get(resource, name, namespace, **how)

    monkeypatch.setattr(yard.client, "get", silent)
    await yard.paint("a", "red")
    await until(lambda: yard.corrections)
    assert tries["a"] == 3


async def test_an_object_that_changes_between_two_looks_is_looked_at_again(
    yard: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is written back never overwrites what was not looked at."""
    await yard.settled(config_map("a"))
    apply = yard.client.apply
    conflicts = 0

    async def overtaken(resource: Any, body: JsonObject, **how: Any) -> JsonObject:
        nonlocal conflicts
        if not how.get("dry_run") and not conflicts:
            conflicts += 1
            await yard.paint("a", "blue", by="somebody-else")
        return await apply(resource, body, **how)

    monkeypatch.setattr(yard.client, "apply", overtaken)
    await yard.paint("a", "red")
    await until(lambda: yard.corrections)
    assert await yard.value("a") == "one"
    (fact,) = [fact for fact in yard.facts if fact.deed is Deed.CORRECTED]
    assert [operation.live for operation in fact.finding.operations] == ["blue"]
    assert [author.owner.manager for author in fact.finding.authors] == ["somebody-else"]


async def test_an_object_that_comes_back_by_itself_is_not_written(yard: Yard) -> None:
    """Another object of the same name and values: it is said to be another one, and applied to be ours."""
    yard.desk.mode = DriftMode.REPORT
    await yard.settled(rule("a"))
    (key,) = yard.place.entries
    networking = (await yard.client.discovery()).preferred(key.group_kind)
    assert networking is not None
    live = await yard.person.get(networking, "a", "shop")
    assert live is not None
    await yard.person.delete(networking, "a", "shop")
    metadata = {name: live["metadata"][name] for name in ("name", "namespace", "labels")}
    await yard.person.create(networking, {**live, "metadata": metadata})
    await until(lambda: key in yard.place.findings and yard.place.findings[key].kind is DriftKind.RECREATED)
    assert "created it again" in yard.place.findings[key].because


async def test_who_undoes_it_in_the_meantime_leaves_nothing_to_correct(
    yard: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Deleted and, before we looked, there again as we applied it: nothing is written, no dry-run is sent."""
    await yard.roll_out(1, config_map("a"))
    gate = yard.hold(whole=False)
    await yard.watched()
    live = await yard.person.get(CONFIG_MAPS, "a", "shop")
    assert live is not None
    gate.clear()
    monkeypatch.setattr(yard.drift._sightings, "find", lambda _key: None)
    yard.requests.clear()
    yard.drift.judge_anew()
    await until(lambda: yard.drift.synced and [one for one in yard.asked if one.verb == "get"])
    assert (yard.dry_runs, yard.facts, yard.place.findings) == (0, [], {})
    gate.set()


@pytest.mark.parametrize("mode", [DriftMode.REPORT, DriftMode.CORRECT])
async def test_a_known_secret_that_somebody_writes_into_another_object_is_not_told(
    yard: Yard, mode: DriftMode
) -> None:
    """No name of the field gives it away; what is told is recorded for ever."""
    yard.desk.mode = mode
    yard.hidden.learn(["hunter2-hunter2"])
    await yard.settled(config_map("a"))
    await yard.paint("a", "postgres://u:hunter2-hunter2@h")
    await until(lambda: yard.facts if mode is DriftMode.CORRECT else yard.place.findings)
    told = yard.facts[0].finding if mode is DriftMode.CORRECT else yard.place.findings[A]
    assert [operation.live for operation in told.operations] == ["postgres://u:(redacted)@h"]
    assert "hunter2" not in repr((yard.facts, yard.place.findings))


async def test_two_who_take_different_fields_of_one_object_in_turn_are_a_fight(yard: Yard) -> None:
    """The one's correction does not make us forget how often the other was corrected."""
    plain = config_map("a")
    await yard.settled(replace(plain, body={**plain.body, "data": {"value": "one", "sound": "low"}}))

    async def taken_and_corrected(field: str) -> None:
        made = len(yard.corrections)
        metadata = {"name": "a", "namespace": "shop"}
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {field: "red"}}
        await yard.person.apply(CONFIG_MAPS, body, field_manager=f"painter-of-{field}")
        await until(lambda: len(yard.corrections) > made)

    for field in ("value", "sound", "value", "sound", "value"):
        assert [fact for fact in yard.facts if fact.deed is Deed.CONTESTED] == []
        await taken_and_corrected(field)
    (fact,) = [fact for fact in yard.facts if fact.deed is Deed.CONTESTED]
    assert (fact.rounds, fact.finding.paths) == (3, ("/data/value",))


async def test_what_cannot_be_rendered_for_a_while_is_said_and_put_back_later(
    yard: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A renderer that took too long, or a key that is lost, hides no drift."""
    monkeypatch.setattr(retries, "FIRST_SECONDS", 0.02)
    await yard.settled(config_map("a"))
    yard.unrendered = InvalidInput(Problem(Location("web/kustomization.yaml"), "it took too long"))
    await yard.paint("a", "red")
    await until(lambda: A in yard.place.findings)
    because = yard.place.findings[A].because
    assert because == "what was applied cannot be rendered: web/kustomization.yaml: it took too long"
    yard.unrendered = None
    await until(lambda: yard.corrections and not yard.place.findings)
    assert await yard.value("a") == "one"


async def test_drift_that_nobody_asks_for_any_more_is_not_open(yard: Yard) -> None:
    yard.desk.mode = DriftMode.REPORT
    await yard.settled(config_map("a"))
    await yard.paint("a", "red")
    await until(lambda: A in yard.place.findings)
    yard.desk.mode = DriftMode.IGNORE
    yard.drift.judge_anew()
    await until(lambda: not yard.place.findings and yard.drift.synced)


async def test_another_change_of_what_was_refused_does_not_shorten_the_wait(
    yard: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    await yard.settled(config_map("a"))
    apply = yard.client.apply

    async def refusing(resource: Any, body: JsonObject, **how: Any) -> JsonObject:
        if not how.get("dry_run"):
            raise Forbidden("not by you")
        return await apply(resource, body, **how)

    monkeypatch.setattr(yard.client, "apply", refusing)
    await yard.paint("a", "red")
    await until(lambda: A in yard.place.findings and yard.drift.synced)
    yard.requests.clear()
    for colour in ("blue", "green", "grey"):
        before = yard.sight("a")
        await yard.paint("a", colour)
        await until(lambda: yard.sight("a") != before and yard.drift.synced)  # noqa: B023 - awaited here
    assert yard.asked == []
    assert len(yard.drift._attention._alarms._set) == 1


async def test_conflicts_one_after_the_other_are_waited_out(
    yard: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody who always is faster does not keep us writing without a pause."""
    await yard.settled(config_map("a"))
    apply, waits = yard.client.apply, list[float]()

    async def counted(seconds: float) -> None:
        waits.append(seconds)
        await asyncio.sleep(0)

    async def overtaken(resource: Any, body: JsonObject, **how: Any) -> JsonObject:
        if not how.get("dry_run") and len(waits) < 3:
            raise Conflict("somebody was faster")
        return await apply(resource, body, **how)

    patience = replace(QUICK, sleep=counted, rng=lambda: 1.0)
    monkeypatch.setattr(yard.drift._attention, "_patience", patience)
    monkeypatch.setattr(yard.client, "apply", overtaken)
    await yard.paint("a", "red")
    await until(lambda: yard.corrections)
    assert waits == [0.01, 0.02, 0.04]


async def mutated(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Let a webhook that passes over dry-runs write what is in the list, as long as something is in it."""
    paints = ["purple"]
    apply = yard.client.apply

    async def mutating(resource: Any, body: JsonObject, **how: Any) -> JsonObject:
        if paints and not how.get("dry_run") and "value" in body.get("data", ()):
            body = {**body, "data": {"value": paints[-1]}}
        return await apply(resource, body, **how)

    monkeypatch.setattr(yard.client, "apply", mutating)
    await yard.settled(config_map("a"))
    await yard.paint("a", "red")
    await until(lambda: yard.facts and yard.drift.synced and not yard.place.findings)
    return paints


async def test_what_comes_back_different_is_told_once_and_left_so(
    yard: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    await mutated(yard, monkeypatch)
    yard.drift.judge_anew()
    await until(lambda: yard.drift.synced)
    assert [(fact.deed, fact.finding.paths) for fact in yard.facts] == [(Deed.MUTATED, ("/data/value",))]
    assert await yard.value("a") == "purple"
    assert yard.place.findings == {}


async def test_another_value_than_came_back_is_drift_and_ends_it_where_ours_stays(
    yard: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The webhook is gone: what somebody writes there is put back, and nothing is looked past any more."""
    paints = await mutated(yard, monkeypatch)
    paints.clear()
    await yard.paint("a", "blue")
    await until(lambda: yard.corrections)
    assert await yard.value("a") == "one"
    assert not yard.place.mutations[A]


async def test_a_webhook_that_writes_another_value_each_time_is_told_once_and_held_off(
    yard: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    paints = await mutated(yard, monkeypatch)

    def rounds() -> int:
        return yard.place.contests[A].fields["/data/value"].rounds

    for number in range(2):
        paints.append(f"purple-{number}")
        await yard.paint("a", f"red-{number}")
        await until(partial(lambda wanted: rounds() == wanted, number + 2))
    assert [fact.deed for fact in yard.facts] == [Deed.MUTATED]
    assert yard.place.contests[A].fields["/data/value"].fought


async def test_what_came_back_different_of_another_manifest_says_nothing_of_this_one(
    yard: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    paints = await mutated(yard, monkeypatch)
    paints.clear()
    await yard.roll_out(2, config_map("a", "two"))
    await until(lambda: A not in yard.place.mutations and yard.drift.synced)
    await yard.paint("a", "purple")
    await until(lambda: yard.corrections)
    assert await yard.value("a") == "two"


async def edited(yard: Yard, ports: list[int]) -> JsonObject:
    """Let somebody write the ports of a rule, which are looked past, and a label of ours, which is not."""
    yard.desk.ignored = (IgnoredDifference.model_validate({"jsonPointers": ["/spec/ingress"]}),)
    plain = rule("a")
    metadata = {"name": "a", "labels": {"tier": "low"}}
    await yard.settled(replace(plain, body={**plain.body, "metadata": metadata}))
    spec = {"podSelector": {}, "ingress": [{"ports": [{"port": port}]} for port in ports]}
    metadata = {"name": "a", "namespace": "shop", "labels": {"tier": "high"}}
    body = {**plain.body, "metadata": metadata, "spec": spec}
    await yard.person.apply(await rules(yard), body, field_manager="kubectl-edit")
    await until(lambda: yard.corrections or yard.place.findings)
    live = await yard.person.get(await rules(yard), "a", "shop")
    assert live is not None
    assert [each["ports"][0]["port"] for each in live["spec"]["ingress"]] == ports
    return live


async def rules(yard: Yard) -> Resource:
    found = (await yard.client.discovery()).preferred(GroupKind("networking.k8s.io", "NetworkPolicy"))
    assert found is not None
    return found


async def test_what_is_ignored_in_a_list_without_names_does_not_keep_other_drift_open(yard: Yard) -> None:
    live = await edited(yard, [9])
    assert live["metadata"]["labels"]["tier"] == "low"
    assert yard.place.findings == {}


async def test_what_is_ignored_and_cannot_be_left_out_of_a_correction_is_named(yard: Yard) -> None:
    """Another element of a list that is owned as a whole: the drift beside it stays, and says why."""
    live = await edited(yard, [1, 9])
    assert live["metadata"]["labels"]["tier"] == "high"
    (finding,) = yard.place.findings.values()
    assert finding.paths == ("/metadata/labels/tier",)
    assert "would overwrite what ignoreDifferences looks past" in finding.because
    assert "(/spec/ingress/1)" in finding.because
