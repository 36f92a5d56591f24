"""What the controller tells Prometheus. Names, units and labels follow Prometheus' conventions.

Labels are environments, waves, clusters and words from fixed lists, never objects or applications, so the
number of series follows the operator's configuration. Series of an environment start at zero with the first
`set_targets`. Counters begin anew with the process: events that are read back from Git are not observed.
"""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from prometheus_client import (
    CONTENT_TYPE_PLAIN_0_0_4,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    Summary,
    disable_created_metrics,
    generate_latest,
)

from controllers.adapters.kube.wire import RequestSeen
from controllers.drift.instruments import DriftInstruments
from gitops.gates import VerdictKind
from gitops.plan import Action
from gitops.rollout import events as e
from gitops.rollout.state import (
    ApplicationState,
    EnvironmentState,
    FailureCause,
    RolloutPhase,
    TargetPhase,
    WavePlan,
)

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
ROLLOUT_SECONDS = (5, 15, 30, 60, 120, 300, 600, 1800, 3600, 3 * 3600, 6 * 3600, 24 * 3600)
REQUEST_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
GIT_SECONDS = (0.001, 0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)

# The events that end a rollout (a halted one stays, but has come to its result).
_RESULTS = {
    "RolloutSucceeded": "succeeded",
    "RolloutHalted": "halted",
    "RolloutReverted": "reverted",
    "RolloutSuperseded": "superseded",
    "RejoinAbandoned": "abandoned",
}
_LAGGING = "lagging"
_PENDING = "unsettled"
_TARGET_STATES = (*(phase.lower() for phase in TargetPhase), _LAGGING, _PENDING)

Instrument = TypeVar("Instrument", Counter, Gauge, Histogram, Summary)


@dataclass(frozen=True, slots=True)
class _Began:
    at: datetime
    waves: tuple[WavePlan, ...]

    def gate_type(self, wave: str, gate: str) -> str:
        types = (
            one.type for plan in self.waves if plan.name == wave for one in plan.gates if one.name == gate
        )
        return next(types, "unknown")


@dataclass(frozen=True, slots=True)
class _Rollouts:
    """Rollouts under way by (application, id), and those of them that have come to a result already."""

    began: dict[tuple[str, str], _Began]
    over: set[tuple[str, str]]

    @classmethod
    def of(cls, state: EnvironmentState) -> _Rollouts:
        running = [(name, one.rollout) for name, one in state.applications.items() if one.rollout]
        return cls(
            {(name, rollout.id): _Began(rollout.started_at, rollout.waves) for name, rollout in running},
            {(name, rollout.id) for name, rollout in running if rollout.phase is RolloutPhase.HALTED},
        )


class Metrics:
    """One registry, and a method for each thing that the shell can say. Safe to call from any thread."""

    def __init__(self, version: str) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series per counter that nobody reads
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._by_environment: list[Any] = []
        self._define_rollouts()
        self._drift_instruments = DriftInstruments(self._make)
        self._define_shell()
        self._make(Gauge, "build_info", "The running version; always 1.", "version").labels(version).set(1)
        self._kinds: set[str] = set()

    def exposition(self) -> bytes:
        """Write everything as Prometheus' text format (CONTENT_TYPE). Costs with the number of series."""
        return generate_latest(self.registry)

    def tasks(self, count: int) -> None:
        """Set how many tasks the event loop has."""
        self._tasks.set(count)

    def watched(self, environment: str, objects: int, *, complete: bool) -> None:
        """Set how many objects are watched for drift, and whether all of them were looked at."""
        self._drift_instruments.watched(environment, objects, complete=complete)

    def observe_events(self, environment: str, events: Iterable[e.Event], before: EnvironmentState) -> None:
        """Count new events, once each, in order; `before` is the state that they were decided in."""
        rollouts = _Rollouts.of(before)
        for event in events:
            if isinstance(event, e.RolloutStarted):
                rollouts.began[event.application, event.rollout] = _Began(event.at, event.waves)
                self._started.labels(environment).inc()
            self._count(environment, event, rollouts)
            self._drift_instruments.count(environment, event)
            if event.type in _RESULTS:
                self._ended(environment, event, rollouts)

    def set_targets(self, environment: str, state: EnvironmentState) -> None:
        """Show where the environment's rollouts and targets are; a target counts once per application."""
        self._start_at_zero(environment)
        states: Tally[str] = Tally()
        phases: Tally[str] = Tally()
        waves: Tally[str] = Tally()
        for application in state.applications.values():
            states.update(_target_states(application).values())
            rollout = application.rollout
            if rollout is not None:
                phases[rollout.phase.lower()] += 1
                waves.update(dict.fromkeys((wave.name for wave in rollout.waves), 0))
                waves[rollout.current_wave.name if rollout.current_wave else ""] += 1
        for name in _TARGET_STATES:
            self._targets.labels(environment, name).set(states[name])
        for phase in RolloutPhase:
            self._running.labels(environment, phase.lower()).set(phases[phase.lower()])
        self._drift_instruments.show(environment, state)
        self._wave.remove_by_labels({"environment": environment})  # waves that are written no more
        for name, count in sorted(waves.items()):
            if name:
                self._wave.labels(environment, name).set(count)

    def forget(self, environment: str) -> None:
        """Drop the series of an environment that left Git."""
        for instrument in self._by_environment:
            instrument.remove_by_labels({"environment": environment})

    def kube_request(self, seen: RequestSeen, cluster: str) -> None:
        """Count one request on the wire. Code `0`: no answer came."""
        code = str(seen.code)
        dry_run = "true" if seen.dry_run else "false"
        self._kube.labels(seen.verb, code, dry_run).observe(seen.seconds)
        self._cluster.labels(cluster, seen.verb, code).observe(seen.seconds)

    def git_request(self, operation: str, seconds: float, *, ok: bool) -> None:
        """Count one conversation with a remote, such as `fetch` or `push`."""
        self._git.labels(operation).observe(seconds)
        self._git_errors.labels(operation).inc(0 if ok else 1)

    def pass_done(self, environment: str, at: datetime) -> None:
        """Show when an environment's pass came to its end without an error."""
        self._last_pass.labels(environment).set(at.timestamp())

    def audit_unpushed(self, environment: str, records: int) -> None:
        """Show how many audit records are not on the remote yet."""
        self._unpushed.labels(environment).set(records)

    def work(self, counts: Mapping[str, int]) -> None:
        """Show how much work is under way, by kind; a kind that is not named any more goes to zero."""
        for kind in sorted(self._kinds - set(counts)):
            self._work.labels(kind).set(0)
        for kind, count in sorted(counts.items()):
            self._kinds.add(kind)
            self._work.labels(kind).set(count)

    def _ended(self, environment: str, event: Any, rollouts: _Rollouts) -> None:  # noqa: ANN401 - one of _RESULTS
        key = event.application, event.rollout
        if key in rollouts.over:
            return  # halted before; what ends it now is not a second result
        rollouts.over.add(key)
        result = _RESULTS[event.type]
        self._rollouts.labels(environment, result).inc()
        if key in rollouts.began:
            spent = (event.at - rollouts.began[key].at).total_seconds()
            self._rollout_seconds.labels(environment, result).observe(max(spent, 0.0))

    def _count(self, environment: str, event: e.Event, rollouts: _Rollouts) -> None:
        match event:
            case e.GateJudged():
                rollout = rollouts.began.get((event.application, event.rollout))
                gate_type = rollout.gate_type(event.wave, event.gate) if rollout else "unknown"
                self._verdicts.labels(environment, gate_type, event.verdict.lower()).inc()
            case e.TargetApplied():
                for result, count in sorted(event.counts.items()):
                    self._objects.labels(environment, result.lower()).inc(count)
                self._drift.labels(environment).inc(event.counts.get(Action.CORRECT.value, 0))
            case e.TargetFailed():
                self._failures.labels(environment, event.cause.lower()).inc()
            case e.WavePassed():
                self._waves_passed.labels(environment).inc()
            case e.RevertPushed():
                self._reverts.labels(environment, "pushed").inc()
            case e.RevertRefused():
                self._reverts.labels(environment, "refused").inc()
            case _:
                pass

    def _start_at_zero(self, environment: str) -> None:
        self._started.labels(environment)
        self._waves_passed.labels(environment)
        self._drift.labels(environment)
        for result in _RESULTS.values():
            self._rollouts.labels(environment, result)
        for result in ("pushed", "refused"):
            self._reverts.labels(environment, result)
        for cause in FailureCause:
            self._failures.labels(environment, cause.lower())
        for verdict in VerdictKind:
            if verdict is not VerdictKind.PENDING:  # never a gate's final word
                self._verdicts.labels(environment, "http", verdict.lower())

    def _define_rollouts(self) -> None:
        env = "environment"
        make = self._make
        self._started = make(Counter, "rollouts_started", "Rollouts that set out.", env)
        self._rollouts = make(Counter, "rollouts", "Rollouts by how they ended.", env, "result")
        self._rollout_seconds = make(
            Histogram,
            "rollout_duration_seconds",
            "From start to result.",
            env,
            "result",
            buckets=ROLLOUT_SECONDS,
        )
        self._running = make(Gauge, "rollouts_in_progress", "Running rollouts by phase.", env, "phase")
        self._wave = make(Gauge, "wave_rollouts", "Running rollouts by the wave they are in.", env, "wave")
        self._waves_passed = make(Counter, "waves_passed", "Waves whose gates all passed.", env)
        self._targets = make(
            Gauge, "targets", "Targets by state, each counted once per application.", env, "state"
        )
        self._failures = make(Counter, "target_failures", "Targets that failed, by cause.", env, "cause")
        self._verdicts = make(
            Counter, "gate_verdicts", "Gates' final verdicts on waves.", env, "gate_type", "verdict"
        )
        self._reverts = make(Counter, "reverts", "Revert commits by what became of them.", env, "result")
        self._objects = make(Counter, "applied_objects", "Objects of finished applies.", env, "result")
        self._drift = make(
            Counter, "drifted_objects", "Objects found drifted, and corrected, by finished applies.", env
        )

    def _define_shell(self) -> None:
        make = self._make
        self._kube = make(
            Histogram,
            "kube_request_duration_seconds",
            "Requests to Kubernetes, retries included; code 0: no answer.",
            "verb",
            "code",
            "dry_run",
            buckets=REQUEST_SECONDS,
        )
        # No buckets by cluster: with 1,000 clusters they would be 120,000 series, 31 MB, 1.4 s a scrape.
        self._cluster = make(
            Summary,
            "cluster_request_duration_seconds",
            "The same requests by cluster.",
            "cluster",
            "verb",
            "code",
        )
        self._git = make(
            Histogram,
            "git_request_duration_seconds",
            "Talks with Git remotes.",
            "operation",
            buckets=GIT_SECONDS,
        )
        self._git_errors = make(Counter, "git_request_errors", "Talks that failed.", "operation")
        self._work = make(Gauge, "work_in_progress", "Work under way by kind.", "kind")
        self._tasks = make(Gauge, "event_loop_tasks", "Tasks of the event loop, idle ones included.")
        self._last_pass = make(
            Gauge,
            "last_successful_pass_timestamp_seconds",
            "When a pass last ended without an error.",
            "environment",
        )
        self._unpushed = make(
            Gauge, "audit_unpushed_records", "Audit records not on the remote yet.", "environment"
        )

    def _make(
        self, kind: type[Instrument], name: str, text: str, *labels: str, buckets: tuple[float, ...] = ()
    ) -> Instrument:
        more: dict[str, Any] = {"buckets": buckets} if buckets else {}
        made = kind(name, text, labels, namespace="gitops_waves", registry=self.registry, **more)
        if "environment" in labels:
            self._by_environment.append(made)
        return made


def _target_states(application: ApplicationState) -> dict[str, str]:
    """Each target in one state: its phase in a running rollout, else how the last one left it."""
    states = {
        name: TargetPhase.HEALTHY.lower() if on.settled else _PENDING for name, on in application.on.items()
    }
    states |= dict.fromkeys(application.lagging, _LAGGING)
    if application.rollout is not None:
        states |= {name: target.phase.lower() for name, target in application.rollout.targets.items()}
    return states
