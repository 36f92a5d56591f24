"""Drift and foreign fields as Prometheus' counters and gauges, by environment, kind of object and mode."""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

from prometheus_client import Counter, Gauge

from gitops.rollout import events as e
from gitops.rollout.state import EnvironmentState

# Makes an instrument of a kind: name, what it counts, and its labels.
Make: TypeAlias = Callable[..., Any]
_ENV = "environment"


class DriftInstruments:
    """Made once for a registry. Series of an environment are dropped by whoever has `make`."""

    def __init__(self, make: Make) -> None:
        about = (_ENV, "kind", "mode")
        self._found = make(Counter, "drift_found", "Objects found drifted and left so.", *about)
        self._corrected = make(
            Counter, "drift_corrected", "Objects put back as soon as they drifted.", *about
        )
        self._contested = make(
            Counter, "drift_contested", "Objects that somebody changes by turns with us.", *about
        )
        self._mutated = make(
            Counter, "drift_mutated", "Objects whose fields come back different from our own write.", *about
        )
        self._open = make(Gauge, "drift_open", "Objects that are drifted now.", *about)
        self._watched = make(Gauge, "drift_watched_objects", "Objects whose live state is watched.", _ENV)
        self._complete = make(
            Gauge,
            "drift_watch_complete",
            "1 where everything applied is watched now and was looked at.",
            _ENV,
        )
        self._define_foreign(make)

    def _define_foreign(self, make: Make) -> None:
        about = (_ENV, "kind")
        self._foreign_found = make(
            Counter, "foreign_fields_found", "Objects found to hold fields of others.", *about
        )
        self._foreign_removed = make(
            Counter, "foreign_fields_removed", "Objects rid of fields of others.", *about
        )
        self._foreign_contested = make(
            Counter, "foreign_fields_contested", "Objects into which somebody puts them back.", *about
        )
        self._foreign_open = make(
            Gauge, "foreign_fields_open", "Objects that hold fields of others now.", *about
        )

    def watched(self, environment: str, objects: int, *, complete: bool) -> None:
        """Set how many objects are watched, and whether all of them were looked at."""
        self._watched.labels(environment).set(objects)
        self._complete.labels(environment).set(complete)

    def count(self, environment: str, events: Iterable[e.Event]) -> None:
        """Count what new events tell of drift; others tell nothing."""
        for event in events:
            self._count(environment, event)

    def _count(self, environment: str, event: e.Event) -> None:
        match event:
            case e.DriftFound():
                self._found.labels(environment, event.group_kind, event.mode.lower()).inc()
            case e.DriftCorrected():
                self._corrected.labels(environment, event.group_kind, event.mode.lower()).inc()
            case e.DriftContested():
                self._contested.labels(environment, event.group_kind, event.mode.lower()).inc()
            case e.DriftMutated():
                self._mutated.labels(environment, event.group_kind, event.mode.lower()).inc()
            case e.ForeignFieldsFound():
                self._foreign_found.labels(environment, event.group_kind).inc()
            case e.ForeignFieldsRemoved():
                self._foreign_removed.labels(environment, event.group_kind).inc()
            case e.ForeignFieldsContested():
                self._foreign_contested.labels(environment, event.group_kind).inc()
            case _:
                pass

    def show(self, environment: str, state: EnvironmentState) -> None:
        """Set what is open now."""
        self._open.remove_by_labels({_ENV: environment})
        found = Tally(
            (one.group_kind, one.mode.lower())
            for application in state.applications.values()
            for _, _, one in application.drifted
        )
        for (kind, mode), count in sorted(found.items()):
            self._open.labels(environment, kind, mode).set(count)
        self._foreign_open.remove_by_labels({_ENV: environment})
        foreign = Tally(
            one.group_kind
            for application in state.applications.values()
            for _, _, one in application.foreign_fields
        )
        for kind, count in sorted(foreign.items()):
            self._foreign_open.labels(environment, kind).set(count)
