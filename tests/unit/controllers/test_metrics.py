"""What the metrics say after events, states and requests."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from controllers.adapters.kube.wire import RequestSeen
from controllers.metrics import Metrics
from gitops.drift import DriftKind
from gitops.model.gates import HttpGate
from gitops.model.kinds import DriftMode
from gitops.rollout import events as e
from gitops.rollout.state import (
    ApplicationState,
    EnvironmentState,
    FailureCause,
    Lagging,
    OnTarget,
    OpenDrift,
    OpenForeign,
    Rollout,
    RolloutPhase,
    TargetPhase,
    TargetProgress,
    WavePlan,
)

AT = datetime(2026, 1, 2, tzinfo=UTC)
GATE = HttpGate(type="http", name="front-page", url="http://shop/")
Value = Callable[..., float | None]


def wave(name: str, *targets: str) -> WavePlan:
    return WavePlan(
        name=name,
        targets=targets,
        max_concurrent=1,
        max_failures=0,
        progress_deadline=timedelta(minutes=1),
        gates=(GATE,),
    )


def rollout(phase: RolloutPhase = RolloutPhase.ADVANCING, **targets: TargetPhase) -> Rollout:
    return Rollout(
        id="shop-1",
        revision="a" * 40,
        digest="d",
        started_at=AT,
        since=AT,
        phase=phase,
        wave=0,
        waves=(wave("canary", "a"), wave("rest", "b")),
        targets={name: TargetProgress(phase=target, since=AT) for name, target in targets.items()},
    )


def running(**fields: Any) -> EnvironmentState:
    return EnvironmentState(applications={"shop": ApplicationState(**fields)})


def about(kind: type[Any], *, after: float = 0, **fields: Any) -> Any:
    return kind(at=AT + timedelta(seconds=after), application="shop", rollout="shop-1", **fields)


@pytest.fixture
def metrics() -> Metrics:
    return Metrics("1.2.3")


@pytest.fixture
def value(metrics: Metrics) -> Value:
    def look(name: str, **labels: str) -> float | None:
        return metrics.registry.get_sample_value(f"gitops_waves_{name}", labels)

    return look


def test_a_rollout_is_counted_once_with_its_result_and_duration(metrics: Metrics, value: Value) -> None:
    metrics.observe_events(
        "prod", [about(e.RolloutSucceeded, after=90)], before=running(rollout=rollout(a=TargetPhase.HEALTHY))
    )
    assert value("rollouts_total", environment="prod", result="succeeded") == 1
    assert value("rollout_duration_seconds_sum", environment="prod", result="succeeded") == 90
    assert value("rollout_duration_seconds_bucket", environment="prod", result="succeeded", le="60.0") == 0
    assert value("rollout_duration_seconds_bucket", environment="prod", result="succeeded", le="120.0") == 1


def test_a_rollout_that_starts_and_ends_in_one_batch_is_timed(metrics: Metrics, value: Value) -> None:
    started = about(
        e.RolloutStarted,
        revision="a",
        digest="d",
        waves=(wave("canary", "a"),),
        on_failure="Revert",
        push="Commit",
    )
    metrics.observe_events(
        "prod",
        [started, about(e.RevertPushed, commit="c"), about(e.RolloutReverted, after=7)],
        EnvironmentState(),
    )
    assert value("rollouts_started_total", environment="prod") == 1
    assert value("rollout_duration_seconds_sum", environment="prod", result="reverted") == 7
    assert value("reverts_total", environment="prod", result="pushed") == 1


def test_a_halted_rollout_has_one_result_even_when_superseded_later(metrics: Metrics, value: Value) -> None:
    metrics.set_targets("prod", EnvironmentState())
    metrics.observe_events("prod", [about(e.RolloutHalted, because="x")], running(rollout=rollout()))
    metrics.observe_events(
        "prod", [about(e.RolloutSuperseded, by="b")], running(rollout=rollout(RolloutPhase.HALTED))
    )
    assert value("rollouts_total", environment="prod", result="halted") == 1
    assert value("rollouts_total", environment="prod", result="superseded") == 0


def test_verdicts_objects_and_failures_are_counted_by_what_they_were(metrics: Metrics, value: Value) -> None:
    metrics.observe_events(
        "prod",
        [
            about(e.GateJudged, wave="canary", gate="front-page", verdict="Pass", because=""),
            about(e.GateJudged, wave="canary", gate="nobody-knows", verdict="Fail", because=""),
            about(e.TargetApplied, target="a", counts={"created": 3, "unchanged": 40}),
            about(e.TargetApplied, target="b", counts={"created": 2}),
            about(e.TargetFailed, target="a", cause=FailureCause.HEALTH, because=""),
            about(e.WavePassed, wave="canary"),
            e.RevisionObserved(at=AT, revision="a"),
        ],
        running(rollout=rollout()),
    )
    assert value("gate_verdicts_total", environment="prod", gate_type="http", verdict="pass") == 1
    assert value("gate_verdicts_total", environment="prod", gate_type="unknown", verdict="fail") == 1
    assert value("applied_objects_total", environment="prod", result="created") == 5
    assert value("applied_objects_total", environment="prod", result="unchanged") == 40
    assert value("target_failures_total", environment="prod", cause="health") == 1
    assert value("waves_passed_total", environment="prod") == 1


def drifted(event: type[Any], **fields: Any) -> Any:
    about_it = {
        "application": "shop",
        "target": "a",
        "object": "ConfigMap shop/web",
        "group_kind": "ConfigMap",
    }
    return event(at=AT, kind=DriftKind.CHANGED, because="", **about_it, **fields)


def test_drift_is_counted_by_kind_and_mode(metrics: Metrics, value: Value) -> None:
    correct, report = DriftMode.CORRECT, DriftMode.REPORT
    metrics.observe_events(
        "prod",
        [
            drifted(e.DriftFound, mode=report, since=AT, seen="x"),
            drifted(e.DriftCorrected, mode=correct),
            drifted(e.DriftCorrected, mode=correct),
            drifted(e.DriftContested, mode=correct, rounds=3, until=AT),
            drifted(e.DriftMutated, mode=correct),
            about(e.RevertPushed, commit="c"),
        ],
        running(rollout=rollout()),
    )
    about_maps = {"environment": "prod", "kind": "ConfigMap"}
    assert value("drift_found_total", **about_maps, mode="report") == 1
    assert value("drift_corrected_total", **about_maps, mode="correct") == 2
    assert value("drift_contested_total", **about_maps, mode="correct") == 1
    assert value("drift_mutated_total", **about_maps, mode="correct") == 1
    assert value("reverts_total", environment="prod", result="pushed") == 1


def test_open_drift_is_shown_by_kind_and_mode_and_goes_when_it_ends(metrics: Metrics, value: Value) -> None:
    found = OpenDrift(
        kind=DriftKind.CHANGED, group_kind="ConfigMap", mode=DriftMode.REPORT, because="", since=AT, seen="x"
    )
    about_maps = {"environment": "prod", "kind": "ConfigMap", "mode": "report"}
    metrics.set_targets("prod", running(drift={"a": {"one": found}, "b": {"one": found}}))
    assert value("drift_open", **about_maps) == 2
    metrics.set_targets("prod", running())
    assert value("drift_open", **about_maps) is None


def test_each_target_is_in_one_state(metrics: Metrics, value: Value) -> None:
    """A running rollout says more about its targets than what the last one left behind."""
    state = running(
        rollout=rollout(a=TargetPhase.SETTLING, b=TargetPhase.WAITING),
        on={
            name: OnTarget(revision="a", digest="d", settled=settled)
            for name, settled in (("a", True), ("b", True), ("c", True), ("d", False), ("e", True))
        },
        lagging={"e": Lagging(cause=FailureCause.UNREACHABLE, because="", since=AT)},
    )
    metrics.set_targets("prod", state)
    states = ("settling", "waiting", "healthy", "unsettled", "lagging")
    assert [value("targets", environment="prod", state=name) for name in states] == [1.0] * 5
    assert value("targets", environment="prod", state="failed") == 0
    assert value("rollouts_in_progress", environment="prod", phase="advancing") == 1
    assert value("wave_rollouts", environment="prod", wave="canary") == 1
    assert value("wave_rollouts", environment="prod", wave="rest") == 0
    metrics.set_targets("prod", EnvironmentState())
    assert value("targets", environment="prod", state="settling") == 0
    assert value("rollouts_in_progress", environment="prod", phase="advancing") == 0
    assert value("wave_rollouts", environment="prod", wave="canary") is None


def test_counters_of_an_environment_start_at_zero_and_go_with_it(metrics: Metrics, value: Value) -> None:
    """`rate` sees a first failure only where there was a zero before."""
    metrics.set_targets("prod", EnvironmentState())
    metrics.pass_done("prod", AT)
    metrics.audit_unpushed("prod", 4)
    assert value("rollouts_total", environment="prod", result="reverted") == 0
    assert value("last_successful_pass_timestamp_seconds", environment="prod") == AT.timestamp()
    assert value("audit_unpushed_records", environment="prod") == 4
    metrics.set_targets("staging", EnvironmentState())
    metrics.forget("prod")
    text = metrics.exposition().decode()
    assert 'environment="prod"' not in text
    assert 'environment="staging"' in text


def test_an_environment_that_comes_back_is_shown_again(metrics: Metrics, value: Value) -> None:
    """Also where its state is the very same that was shown before it left."""
    state = EnvironmentState()
    metrics.set_targets("prod", state)
    metrics.forget("prod")
    metrics.set_targets("prod", state)
    assert value("rollouts_total", environment="prod", result="reverted") == 0


def test_requests_are_timed_by_what_they_were(metrics: Metrics, value: Value) -> None:
    metrics.kube_request(RequestSeen("apply", "configmaps", 200, 0.02, dry_run=True), "eu-1")
    metrics.kube_request(RequestSeen("get", "pods", 0, 5.0, dry_run=False), "eu-1")
    metrics.git_request("fetch", 0.5, ok=True)
    metrics.git_request("push", 0.7, ok=False)
    assert value("kube_request_duration_seconds_count", verb="apply", code="200", dry_run="true") == 1
    assert value("cluster_request_duration_seconds_sum", cluster="eu-1", verb="get", code="0") == 5
    assert value("git_request_duration_seconds_count", operation="push") == 1
    assert value("git_request_errors_total", operation="push") == 1
    assert value("git_request_errors_total", operation="fetch") == 0
    assert "configmaps" not in metrics.exposition().decode()


def test_work_that_ended_goes_to_zero(metrics: Metrics, value: Value) -> None:
    metrics.work({"apply": 3, "probe": 1})
    metrics.work({"probe": 2})
    assert (value("work_in_progress", kind="apply"), value("work_in_progress", kind="probe")) == (0, 2)


def test_the_text_is_prometheus_and_two_registries_do_not_meet() -> None:
    one, two = Metrics("1"), Metrics("2")
    one.work({"apply": 1})
    families = {family.name for family in text_string_to_metric_families(one.exposition().decode())}
    assert {"gitops_waves_work_in_progress", "gitops_waves_build_info", "process_cpu_seconds"} <= families
    assert not any(name.endswith("_created") for name in families)
    assert 'gitops_waves_build_info{version="2"} 1.0' in two.exposition().decode()
    assert "work_in_progress{" not in two.exposition().decode()


def test_foreign_fields_are_counted_by_environment_and_kind(metrics: Metrics, value: Value) -> None:
    told = {
        "at": AT,
        "application": "shop",
        "target": "a",
        "object": "Deployment.apps shop/web",
        "group_kind": "Deployment.apps",
    }
    events = (
        e.ForeignFieldsFound(**told, since=AT, seen="f"),
        e.ForeignFieldsRemoved(**told),
        e.ForeignFieldsRemoved(**told),
        e.ForeignFieldsContested(**told, rounds=3, until=AT),
    )
    metrics.observe_events("prod", events, before=running())
    labels = {"environment": "prod", "kind": "Deployment.apps"}
    assert value("foreign_fields_found_total", **labels) == 1
    assert value("foreign_fields_removed_total", **labels) == 2
    assert value("foreign_fields_contested_total", **labels) == 1
    found = OpenForeign(group_kind="Deployment.apps", since=AT, seen="f")
    metrics.set_targets("prod", running(foreign={"a": {"x": found, "y": found}, "b": {"x": found}}))
    assert value("foreign_fields_open", **labels) == 3
    metrics.set_targets("prod", running())
    assert value("foreign_fields_open", **labels) is None
