"""What the environments of one repository share, put together at the composition root."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from controllers.adapters.git.mirror import Mirror
from controllers.adapters.http.sampling import Prober
from controllers.clusters import Clusters
from controllers.drift.habits import Habits
from controllers.logs import KnownSecrets
from controllers.rollout.recorder import Recorder
from controllers.rollout.reverter import Reverter
from controllers.rollout.trials import Trials
from controllers.source.revisions import Revisions
from gitops.rollout.events import Event
from gitops.rollout.observation import Work
from gitops.rollout.state import EnvironmentState


class Observer(Protocol):
    """Whoever wants to know what a pass did: metrics, a screen, a test."""

    def recorded(
        self, environment: str, events: tuple[Event, ...], before: EnvironmentState, after: EnvironmentState
    ) -> None:
        """Events were recorded, and led from one state to the other."""

    def passed(self, environment: str, state: EnvironmentState, work: frozenset[Work]) -> None:
        """A pass is over."""


@dataclass(frozen=True, slots=True)
class Tools:
    """What every environment of a repository shares. `watch_drift`: whether live objects are watched."""

    mirror: Mirror
    revisions: Revisions
    clusters: Clusters
    recorder: Recorder
    reverter: Reverter
    prober: Prober
    observer: Observer
    secrets: KnownSecrets
    follow_force_push: bool
    beat: Callable[[str], None]
    clock: Callable[[], datetime]
    watch_drift: bool = True
    trials: Trials = field(default_factory=Trials)
    habits: Habits = field(default_factory=Habits)
