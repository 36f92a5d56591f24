"""The views of recorded values: what is told, in which order, and what a dash stands for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from gitops.drift import DriftKind
from gitops.errors import Location, Problem
from gitops.model.kinds import DriftMode
from gitops.model.targets import Target
from gitops.objects import Manifest
from gitops.plan import LiveObject, Plan, PlanPolicy, Scope, TargetView, Wanted, make
from gitops.rollout.desired import EVERYTHING
from gitops.rollout.state import (
    ApplicationState,
    EnvironmentState,
    FailureCause,
    Good,
    Lagging,
    OnTarget,
    OpenDrift,
    OpenForeign,
    Outcome,
    Rollout,
    RolloutPhase,
    TargetPhase,
    TargetProgress,
    WavePlan,
)
from gitops.rollout.wait import Wait
from gitops.views import changes, history, preview, progress, status, waits
from gitops.views.moments import readable, rfc3339
from gitops.views.table import Table

AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
REVISION = "a" * 40
NEW = "b" * 40


def rollout(phase: RolloutPhase = RolloutPhase.ADVANCING, **targets: TargetPhase) -> Rollout:
    """A rollout in its second wave of three, with these targets in it."""
    waves = (("first", ("t0",)), ("second", tuple(targets)), ("third", ("t9",)))
    every = {"t0": TargetPhase.HEALTHY, **targets, "t9": TargetPhase.WAITING}
    return Rollout(
        id="web#2",
        revision=NEW,
        digest="new",
        started_at=AT,
        since=AT,
        phase=phase,
        wave=1,
        wave_started_at=AT,
        waves=tuple(
            WavePlan(
                name=name,
                targets=names,
                max_concurrent=1,
                max_failures=0,
                progress_deadline=timedelta(minutes=1),
            )
            for name, names in waves
        ),
        targets={name: TargetProgress(phase=each, since=AT) for name, each in every.items()},
    )


def state(**application: object) -> EnvironmentState:
    return EnvironmentState(applications={"web": ApplicationState(**application)})


def test_a_table_is_aligned_without_spaces_at_the_end() -> None:
    assert str(Table(("A", "LONG"), (("long", ""), ("x", "y")))) == "A     LONG\nlong\nx     y"


def test_times_are_utc() -> None:
    elsewhere = AT.astimezone(timezone(timedelta(hours=5)))
    assert (rfc3339(elsewhere), readable(elsewhere)) == ("2026-03-01T12:00:00Z", "2026-03-01 12:00:00Z")
    assert rfc3339(None) is None


def test_a_running_rollout_counts_its_own_targets() -> None:
    """A target that is healthy with the old revision does not count."""
    on = {"t1": OnTarget(revision=REVISION, digest="old", settled=True)}
    running = rollout(t1=TargetPhase.APPLYING, t2=TargetPhase.HEALTHY)
    [row] = status.table(status.environments_form({"production": state(rollout=running, on=on)})).rows
    assert row == ("production", "web", "Advancing", NEW[:12], "second", "2/4", "-", "-", "-")


def test_without_a_rollout_targets_count_that_hold_the_last_good_inputs() -> None:
    found = state(
        good=Good(revision=REVISION, digest="good", at=AT),
        on={
            "t1": OnTarget(revision=REVISION, digest="good", settled=True),
            "t2": OnTarget(revision=REVISION, digest="good", settled=False),
            "t3": OnTarget(revision=NEW, digest="other", settled=True),
        },
        lagging={"t4": Lagging(cause=FailureCause.UNREACHABLE, because="no answer", since=AT)},
        outcome=Outcome(rollout="web#1", revision=NEW, result="Reverted", because="it crashed", at=AT),
    )
    form = status.environments_form({"production": found})
    [row] = status.table(form).rows
    outcome = f"Reverted {NEW[:12]} at 2026-03-01T12:00:00Z: it crashed"
    assert row == ("production", "web", "Idle", REVISION[:12], "-", "1/4", "-", "-", outcome)
    assert form["environments"][0]["applications"][0]["lagging"] == ["t4"]


def test_open_drift_is_counted_with_its_age_and_its_authors() -> None:
    found = OpenDrift(
        kind=DriftKind.CHANGED,
        group_kind="ConfigMap",
        mode=DriftMode.REPORT,
        because="fields that we applied were changed",
        by=("kubectl-edit",),
        since=AT,
        seen="d",
    )
    drift = {"t2": {"ConfigMap shop/b": found}, "t1": {"ConfigMap shop/a": found}}
    form = status.environments_form({"production": state(drift=drift)}, lambda text: text.upper())
    [row] = status.table(form).rows
    assert row[6] == "2 since 2026-03-01T12:00:00Z by kubectl-edit"
    first = form["environments"][0]["applications"][0]["drift"][0]
    assert (first["target"], first["object"]) == ("t1", "ConfigMap shop/a")
    assert first["because"] == "FIELDS THAT WE APPLIED WERE CHANGED"


def test_foreign_fields_are_counted_with_their_age_and_who_owns_them() -> None:
    found = OpenForeign(
        group_kind="Deployment.apps", by=("eve",), fields=("spec.paused",), because="why", since=AT, seen="f"
    )
    held = {"t1": {"Deployment.apps shop/a": found}}
    form = status.environments_form({"production": state(foreign=held)}, lambda text: text.upper())
    [row] = status.table(form).rows
    assert row[6:8] == ("-", "1 since 2026-03-01T12:00:00Z by eve")
    assert form["environments"][0]["applications"][0]["foreign"] == [
        {
            "target": "t1",
            "object": "Deployment.apps shop/a",
            "fields": ["SPEC.PAUSED"],
            "by": ["eve"],
            "because": "WHY",
            "since": "2026-03-01T12:00:00Z",
        }
    ]


def test_what_there_is_not_yet_is_a_dash() -> None:
    [row] = status.table(status.environments_form({"production": state()})).rows
    assert row == ("production", "web", "Idle", "-", "-", "0/0", "-", "-", "-")


def test_waits_can_be_narrowed_to_an_application_and_a_target() -> None:
    form = waits.waits_form(
        "production", (Wait("web", "", "a"), Wait("web", "t1", "b"), Wait("api", "t1", "c"))
    )
    assert [one["sentence"] for one in waits.about(form, "web")["waits"]] == [
        str(Wait("web", "", "a")),
        str(Wait("web", "t1", "b")),
    ]
    assert waits.sentences(waits.about(form, "web", "t1")) == str(Wait("web", "t1", "b"))


def test_what_holds_up_the_environment_is_told_whoever_asks() -> None:
    trouble = Wait(EVERYTHING, "", "follows no newer commit", "no answer")
    form = waits.waits_form("production", (trouble, Wait("web", "", "a"), Wait("api", "t1", "c")))
    told = waits.sentences(waits.about(form, "web", "t1")).splitlines()
    assert told == [
        "the environment follows no newer commit; seen: no answer; released by nobody: it goes on by itself."
    ]


def test_history_puts_everything_of_a_record_below_its_first_line() -> None:
    authors = (history.Authorship(NEW, "Ada", "Change"),)
    record = history.HistoryRecord("c" * 40, AT, ("one", "two"), authors=authors)
    indent = " " * len("2026-03-01 12:00:00Z  cccccccc  ")
    assert history.text([record]).splitlines() == [
        "2026-03-01 12:00:00Z  cccccccc  one",
        f"{indent}two",
        f'{indent}bbbbbbbb is by Ada: "Change"',
    ]


@pytest.mark.parametrize(
    ("running", "cell"),
    [
        (rollout(t1=TargetPhase.APPLYING, t2=TargetPhase.HEALTHY), "1/2 healthy"),
        (rollout(t1=TargetPhase.FAILED, t2=TargetPhase.HEALTHY), "1/2 healthy, 1 failed"),
        (rollout(t1=TargetPhase.HEALTHY).model_copy(update={"soaking_since": AT}), "soaking"),
        (rollout(RolloutPhase.FAILED, t1=TargetPhase.FAILED), "1 failed"),
        (rollout(RolloutPhase.RESTORING, t1=TargetPhase.RESTORED, t2=TargetPhase.RESTORING), "1/2 restored"),
    ],
)
def test_progress_shows_waves_before_and_after_the_running_one(running: Rollout, cell: str) -> None:
    found = state(rollout=running)
    drawn = progress.table("production", found, progress.waves_of(found))
    assert drawn.heading == ("PRODUCTION", "REVISION", "PHASE", "first", "second", "third")
    assert drawn.rows == (("web", NEW[:12], str(running.phase), "passed", cell, "-"),)


def test_files_that_cannot_be_read_are_named_without_their_content() -> None:
    before = {"a/x.yaml": b"kind: [", "a/notes.txt": b"old", "a/same.yaml": b"a: 1"}
    after = {"a/x.yaml": b"kind: {", "a/notes.txt": b"new", "a/same.yaml": b"a: 1", "a/new.yaml": b"a: 2"}
    assert changes.text(before, after).splitlines() == [
        "A a/new.yaml",
        "    object document 1",
        "      + a: 2",
        "M a/notes.txt",
        "M a/x.yaml",
    ]


def plan(*refusals: Problem) -> Plan:
    """One ConfigMap that is not there yet."""
    scope = Scope("production", "web", Target("eu-1", "shop"))
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "web"}}
    wanted = Wanted(
        scope, NEW, "d", "environments/production/web", (Manifest(body, Location("w.yaml", 1, 1)),)
    )
    view = TargetView(namespaced=lambda _version, _kind: True, namespaces=frozenset({"shop"}))
    made = make(wanted, view, PlanPolicy())
    assert not made.refusals
    return made.refined({}, {}, refusals)


HELD = {"eu-1/shop": {"StatefulSet.apps shop/db": "it asks for permission"}}


def test_a_preview_goes_by_waves_and_names_what_nobody_can_say() -> None:
    targets = (
        preview.TargetPreview("canary", "eu-1/shop", plan()),
        preview.TargetPreview("rest", "us-1/shop", preview.Unseen("no answer")),
    )
    would = preview.Would(targets, held="the environment is suspended")
    shown = preview.Preview(
        NEW,
        (
            preview.ApplicationPreview("production", "api", preview.Unchanged(REVISION, HELD)),
            preview.ApplicationPreview("production", "web", would),
        ),
    )
    assert preview.text(shown).splitlines() == [
        f"revision {NEW[:12]}",
        f"production/api: unchanged inputs: nothing to do (good since revision {REVISION[:12]})",
        "  held on eu-1/shop: StatefulSet.apps shop/db: it asks for permission",
        "production/web: a rollout",
        "  held: the environment is suspended",
        "  wave canary",
        "    eu-1/shop: 1 to create",
        "      create      ConfigMap shop/web (w.yaml:1:1)",
        "  wave rest",
        "    us-1/shop: no answer",
    ]
    form = preview.form(shown)["applications"]
    assert (form[0]["outcome"], form[0]["held"]) == ("Unchanged", HELD)
    assert form[1]["targets"][0]["plan"]["counts"] == {"create": 1}
    assert form[1]["targets"][1]["unseen"] == "no answer"


@pytest.mark.parametrize(
    ("outcome", "clear"),
    [
        (preview.Unchanged(REVISION), True),
        (preview.Unusable(("w.yaml:1:1: no",)), False),
        (preview.Would((preview.TargetPreview("w", "t", plan()),)), True),
        (preview.Would((preview.TargetPreview("w", "t", plan(Problem(Location("w"), "no"))),)), False),
        (preview.Would((preview.TargetPreview("w", "t", preview.Unseen("x")),)), False),
    ],
)
def test_only_what_could_go_through_is_clear(outcome: preview.Outcome, clear: bool) -> None:  # noqa: FBT001
    shown = preview.Preview(NEW, (preview.ApplicationPreview("production", "web", outcome),))
    assert shown.clear is clear


def test_an_object_that_lives_already_is_told_apart() -> None:
    """`LiveObject` metadata without our label is taken over, and the preview says so."""
    scope = Scope("production", "web", Target("eu-1", "shop"))
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "web"}}
    manifest = Manifest(body, Location("w.yaml", 1, 1))
    wanted = Wanted(scope, NEW, "d", "environments/production/web", (manifest,))
    key = manifest.key._replace(namespace="shop")
    view = TargetView(
        namespaced=lambda _version, _kind: True,
        namespaces=frozenset({"shop"}),
        live={key: LiveObject(uid="u")},
    )
    shown = preview.TargetPreview("w", "eu-1/shop", make(wanted, view, PlanPolicy()))
    would = preview.ApplicationPreview("production", "web", preview.Would((shown,)))
    assert "take over" in preview.text(preview.Preview(NEW, (would,)))
