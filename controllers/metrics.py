"""What the controller tells Prometheus. Names, units and labels follow Prometheus' conventions.

Labels are environments, waves, clusters, kinds of objects and words from fixed lists, never objects or
applications, so the number of series follows the operator's configuration. Series of an environment start at
zero with the first `set_targets`. Counters begin anew with the process: events that are read back from Git
are not observed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
from controllers.rollout.instruments import RolloutInstruments
from gitops.rollout import events as e
from gitops.rollout.state import EnvironmentState

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
REQUEST_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
GIT_SECONDS = (0.001, 0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)

Instrument = TypeVar("Instrument", Counter, Gauge, Histogram, Summary)


class Metrics:
    """One registry, and a method for each thing that the shell can say. Safe to call from any thread."""

    def __init__(self, version: str) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series per counter that nobody reads
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._by_environment: list[Any] = []
        self._rollouts = RolloutInstruments(self._make)
        self._drift = DriftInstruments(self._make)
        self._define_shell()
        self._make(Gauge, "build_info", "The running version; always 1.", "version").labels(version).set(1)
        self._kinds: set[str] = set()
        self._shown: dict[str, EnvironmentState] = {}

    def exposition(self) -> bytes:
        """Write everything as Prometheus' text format (CONTENT_TYPE). Costs with the number of series."""
        return generate_latest(self.registry)

    def tasks(self, count: int) -> None:
        """Set how many tasks the event loop has."""
        self._tasks.set(count)

    def watched(self, environment: str, objects: int, *, complete: bool) -> None:
        """Set how many objects are watched for drift, and whether all of them were looked at."""
        self._drift.watched(environment, objects, complete=complete)

    def observe_events(self, environment: str, events: Sequence[e.Event], before: EnvironmentState) -> None:
        """Count new events, once each, in order; `before` is the state that they were decided in."""
        self._rollouts.count(environment, events, before)
        self._drift.count(environment, events)

    def set_targets(self, environment: str, state: EnvironmentState) -> None:
        """Show where the environment's rollouts and targets are; a target counts once per application."""
        if self._shown.get(environment) is state:
            return
        self._shown[environment] = state
        self._rollouts.show(environment, state)
        self._drift.show(environment, state)

    def forget(self, environment: str) -> None:
        """Drop the series of an environment that left Git."""
        self._shown.pop(environment, None)
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
