"""Rollouts, waves, gates and targets as Prometheus' counters and gauges, by environment."""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from prometheus_client import Counter, Gauge, Histogram

from controllers.drift.instruments import Make
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

ROLLOUT_SECONDS = (5, 15, 30, 60, 120, 300, 600, 1800, 3600, 3 * 3600, 6 * 3600, 24 * 3600)

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


class RolloutInstruments:
    """Made once for a registry. Series of an environment are dropped by whoever has `make`."""

    def __init__(self, make: Make) -> None:
        env = "environment"
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

    def count(self, environment: str, events: Iterable[e.Event], before: EnvironmentState) -> None:
        """Count new events, once each, in order; `before` is the state that they were decided in."""
        rollouts = _Rollouts.of(before)
        for event in events:
            if isinstance(event, e.RolloutStarted):
                rollouts.began[event.application, event.rollout] = _Began(event.at, event.waves)
                self._started.labels(environment).inc()
            self._count(environment, event, rollouts)
            if event.type in _RESULTS:
                self._ended(environment, event, rollouts)

    def show(self, environment: str, state: EnvironmentState) -> None:
        """Set where rollouts and targets are; a target counts once per application."""
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
        self._wave.remove_by_labels({"environment": environment})  # waves that are written no more
        for name, count in sorted(waves.items()):
            if name:
                self._wave.labels(environment, name).set(count)

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


def _target_states(application: ApplicationState) -> dict[str, str]:
    """Each target in one state: its phase in a running rollout, else how the last one left it."""
    states = {
        name: TargetPhase.HEALTHY.lower() if on.settled else _PENDING for name, on in application.on.items()
    }
    states |= dict.fromkeys(application.lagging, _LAGGING)
    if application.rollout is not None:
        states |= {name: target.phase.lower() for name, target in application.rollout.targets.items()}
    return states
