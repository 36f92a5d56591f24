"""Plans as values: what dry-runs add, what is stored in the end, JSON, secrets."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from gitops.diff import diff
from gitops.errors import Location, Problem
from gitops.inventory import Inventory
from gitops.model.targets import Target
from gitops.objects import JsonObject, Manifest, ObjectKey
from gitops.plan import Action, LiveObject, Plan, PlanPolicy, Scope, TargetView, Wanted, make
from gitops.plan.summary import as_json, counts, text

SCOPE = Scope("production", "web", Target("eu-1", "shop"))
SECRET = ObjectKey("", "Secret", "shop", "db")
JOB = ObjectKey("batch", "Job", "shop", "migrate")


def manifest(kind: str, name: str, api_version: str = "v1", **rest: Any) -> Manifest:
    body = {"apiVersion": api_version, "kind": kind, "metadata": {"name": name}, **rest}
    return Manifest(body, Location(f"environments/production/web/{name}.yaml", 1))


def plan_for(*manifests: Manifest, view: TargetView | None = None) -> Plan:
    wanted = Wanted(SCOPE, "abc123", "digest", "environments/production/web", manifests)
    return make(wanted, view or TargetView(lambda *_: True), PlanPolicy())


def answer(uid: str = "u1") -> JsonObject:
    return {
        "uid": uid,
        "generation": 3,
        "managedFields": [{"manager": "gitops-waves", "operation": "Apply", "fieldsV1": {"f:data": {}}}],
    }


def test_dry_runs_add_changes_replacements_and_refusals() -> None:
    """One plan carries what the API server said, and nothing is written once it refused something."""
    plan = plan_for(manifest("Secret", "db"), manifest("Job", "migrate", "batch/v1"))
    changes = diff({"spec": {"a": 1}}, {"spec": {"a": 2}})
    problem = Problem(Location("db.yaml", 1), "Secret shop/db: data: Invalid value")
    refined = plan.refined({JOB: changes}, {JOB: "a Job's template cannot be updated"}, [problem])
    by_key = {planned.key: planned for planned in refined.objects}
    assert by_key[JOB].action is Action.REPLACE
    assert by_key[JOB].changes == changes
    assert by_key[SECRET] == {planned.key: planned for planned in plan.objects}[SECRET]
    assert {planned.key: planned for planned in refined.dry_run}[JOB] == by_key[JOB]
    assert refined.refusals == (problem,)
    assert not refined.empty
    assert text(refined).splitlines() == [
        "eu-1/shop: 1 to create, 1 to replace, 1 refused, so nothing is written",
        "  refused     db.yaml:1: Secret shop/db: data: Invalid value",
        "  create      Secret shop/db (environments/production/web/db.yaml:1)",
        (
            "  replace     Job.batch shop/migrate (environments/production/web/migrate.yaml:1): "
            "a Job's template cannot be updated"
        ),
        "      ~ spec.a: 1 → 2",
    ]


def test_only_a_complete_rollout_carries_the_target_digest() -> None:
    """An unconfirmed apply or deletion leaves the inventory unsettled, and its object tracked."""
    before = plan_for(manifest("Secret", "db"), manifest("Job", "old", "batch/v1"))
    confirmed = [planned.confirmed(answer()) for planned in before.writes]
    assert before.settled(confirmed[:1], ()).digest == ""
    settled = before.settled(confirmed, ())
    assert (settled.digest, settled.revision) == ("digest", "abc123")
    entry = settled.entries[SECRET]
    assert (entry.uid, entry.generation, entry.version, bool(entry.fields)) == ("u1", 3, "v1", True)

    old = ObjectKey("batch", "Job", "shop", "old")
    labels = before.writes[0].manifest.labels if before.writes[0].manifest else {}
    live = {
        key: LiveObject("u1", fields=settled.entries[key].fields, labels=labels) for key in settled.entries
    }
    after = plan_for(manifest("Secret", "db"), view=TargetView(lambda *_: True, None, settled, live))
    assert [planned.key for planned in after.prune] == [old]
    assert old in after.settled((), ()).entries
    assert after.settled((), ()).digest == ""
    assert old not in after.settled((), [old]).entries
    assert after.settled((), [old]).digest == "digest"


def test_a_refused_plan_is_never_settled() -> None:
    plan = plan_for(manifest("Secret", "db"))
    refused = plan.refined({}, refusals=[Problem(Location("a"), "no")])
    assert refused.settled([planned.confirmed(answer()) for planned in plan.writes], ()).digest == ""


def test_an_object_that_moved_between_files_is_unchanged() -> None:
    """Only what is sent counts, not where it is written."""
    first = plan_for(manifest("Secret", "db"))
    inventory = first.settled([planned.confirmed(answer()) for planned in first.writes], ())
    moved = replace(manifest("Secret", "db"), source=Location("elsewhere.yaml", 7))
    labels = first.writes[0].manifest.labels if first.writes[0].manifest else {}
    live = LiveObject("u1", fields=inventory.entries[SECRET].fields, labels=labels)
    plan = plan_for(moved, view=TargetView(lambda *_: True, None, inventory, {SECRET: live}))
    assert plan.empty


def test_layers_wait_for_what_they_depend_on() -> None:
    waiting = manifest("Job", "migrate", "batch/v1")
    waiting.body["metadata"]["annotations"] = {"gitops-waves.io/depends-on": "Secret/db"}
    plan = plan_for(manifest("Secret", "db"), waiting)
    assert [layer.waits_for for layer in plan.layers] == [frozenset(), frozenset({SECRET})]


def test_the_tracked_inventory_names_everything_before_the_first_write() -> None:
    plan = plan_for(manifest("Secret", "db"), manifest("Job", "migrate", "batch/v1"))
    assert plan.before is None
    assert set(plan.tracked.entries) == {SECRET, JOB}
    assert isinstance(plan.tracked, Inventory)
    assert (plan.tracked.environment, plan.tracked.application) == ("production", "web")


def test_an_apply_that_was_cut_off_is_not_mistaken_for_the_old_state() -> None:
    """A restore that cuts in between an apply and its confirmation applies the old manifest again.

    The live object may hold the new values, and the hash of our fields knows no values.
    """
    first = plan_for(manifest("Secret", "db", data={"a": "MQ=="}))
    good = first.settled([planned.confirmed(answer()) for planned in first.writes], ())
    labels = first.writes[0].manifest.labels if first.writes[0].manifest else {}
    live = {SECRET: LiveObject("u1", fields=good.entries[SECRET].fields, labels=labels)}
    bad = plan_for(
        manifest("Secret", "db", data={"a": "Mg=="}), view=TargetView(lambda *_: True, None, good, live)
    )
    restore = plan_for(
        manifest("Secret", "db", data={"a": "MQ=="}),
        view=TargetView(lambda *_: True, None, bad.tracked, live),
    )
    assert [planned.action for planned in restore.objects] == [Action.CONFIGURE]


def test_json_says_what_text_says() -> None:
    plan = plan_for(manifest("Secret", "db")).refined({SECRET: diff({"a": 1}, {"a": 2})})
    body = json.loads(json.dumps(as_json(plan)))
    assert body["counts"] == {"create": 1} == {str(key): number for key, number in counts(plan).items()}
    assert body["objects"] == [
        {
            "object": "Secret shop/db",
            "group": "",
            "kind": "Secret",
            "namespace": "shop",
            "name": "db",
            "action": "create",
            "because": "it does not exist yet",
            "source": "environments/production/web/db.yaml:1",
            "changes": [{"path": "a", "before": 1, "after": 2}],
        }
    ]
    refused = plan.refined({}, refusals=[Problem(Location("a.yaml", 3, 5), "no")])
    assert as_json(refused)["refusals"] == [{"path": "a.yaml", "line": 3, "column": 5, "message": "no"}]


@pytest.mark.parametrize("field", ["data", "stringData"])
def test_no_secret_in_text_json_or_repr(field: str) -> None:
    """A canary value in a Secret is in no form of the plan that is shown, logged or stored."""
    body = manifest("Secret", "db")
    body.body[field] = {"password": "canary-7f3a"}
    changes = diff({**body.body, field: {"password": "canary-old"}}, body.body)
    plan = plan_for(body).refined({SECRET: changes})
    shown = text(plan) + json.dumps(as_json(plan)) + repr(plan)
    assert "(redacted) → (redacted, changed)" in shown
    assert "canary" not in shown


def test_metadata_of_a_live_object_drops_the_last_applied_annotation() -> None:
    """There, kubectl keeps whole objects, Secrets included."""
    live = LiveObject.from_metadata(
        {
            "uid": "u",
            "resourceVersion": "7",
            "deletionTimestamp": "2026-01-01T00:00:00Z",
            "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "canary", "kept": "yes"},
            "ownerReferences": [{"kind": "ReplicaSet"}],
        }
    )
    assert live == LiveObject(
        "u",
        "7",
        annotations={"kept": "yes"},
        owner_references=({"kind": "ReplicaSet"},),
        terminating=True,
    )
