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
        self._drift = _drift_counters(make)
        self._open = make(Gauge, "drift_open", "Objects that are drifted now.", _ENV, "kind", "mode")
        self._watched = make(Gauge, "drift_watched_objects", "Objects whose live state is watched.", _ENV)
        self._complete = make(
            Gauge,
            "drift_watch_complete",
            "1 where everything applied is watched now and was looked at.",
            _ENV,
        )
        self._foreign = _foreign_counters(make)
        self._foreign_open = make(
            Gauge, "foreign_fields_open", "Objects that hold fields of others now.", _ENV, "kind"
        )

    def watched(self, environment: str, objects: int, *, complete: bool) -> None:
        """Set how many objects are watched, and whether all of them were looked at."""
        self._watched.labels(environment).set(objects)
        self._complete.labels(environment).set(complete)

    def count(self, environment: str, events: Iterable[e.Event]) -> None:
        """Count what new events tell of drift; others tell nothing."""
        for event in events:
            if isinstance(event, e.DriftTold):
                self._drift[type(event)].labels(environment, event.group_kind, event.mode.lower()).inc()
            elif isinstance(event, e.ForeignTold):
                self._foreign[type(event)].labels(environment, event.group_kind).inc()

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


def _drift_counters(make: Make) -> dict[type[e.DriftTold], Counter]:
    told: dict[type[e.DriftTold], tuple[str, str]] = {
        e.DriftFound: ("drift_found", "Objects found drifted and left so."),
        e.DriftCorrected: ("drift_corrected", "Objects put back as soon as they drifted."),
        e.DriftContested: ("drift_contested", "Objects that somebody changes by turns with us."),
        e.DriftMutated: ("drift_mutated", "Objects whose fields come back different from our own write."),
    }
    return {kind: make(Counter, name, text, _ENV, "kind", "mode") for kind, (name, text) in told.items()}


def _foreign_counters(make: Make) -> dict[type[e.ForeignTold], Counter]:
    told: dict[type[e.ForeignTold], tuple[str, str]] = {
        e.ForeignFieldsFound: ("foreign_fields_found", "Objects found to hold fields of others."),
        e.ForeignFieldsRemoved: ("foreign_fields_removed", "Objects rid of fields of others."),
        e.ForeignFieldsContested: (
            "foreign_fields_contested",
            "Objects into which somebody puts them back.",
        ),
    }
    return {kind: make(Counter, name, text, _ENV, "kind") for kind, (name, text) in told.items()}
