"""A picture of running rollouts that is drawn again and again, on terminals only."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich.console import Console, Group
from rich.live import Live

from controllers.cli.output import painted
from gitops.rollout.events import Event
from gitops.rollout.observation import Work
from gitops.rollout.state import EnvironmentState
from gitops.views import progress


class LiveView:
    """An Observer of all environments. Use it around the controller's run, and set up logging within."""

    def __init__(self, console: Console | None = None) -> None:
        self._states: dict[str, EnvironmentState] = {}
        self._waves: dict[str, dict[str, tuple[str, ...]]] = {}
        self._live = Live(console=console or Console(), refresh_per_second=8, get_renderable=self.picture)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def recorded(
        self,
        environment: str,
        events: tuple[Event, ...],
        before: EnvironmentState,
        after: EnvironmentState,
    ) -> None:
        """Remember the state, and the waves of rollouts that may end before the next look."""
        del events, before
        self._keep(environment, after)

    def passed(self, environment: str, state: EnvironmentState, work: frozenset[Work]) -> None:
        """Remember the state."""
        del work
        self._keep(environment, state)

    def picture(self) -> Group:
        """Draw one table per environment."""
        tables = [
            painted(progress.table(name, state, self._waves[name]))
            for name, state in sorted(self._states.items())
            if state.applications
        ]
        return Group(*tables)

    def _keep(self, environment: str, state: EnvironmentState) -> None:
        self._states[environment] = state
        self._waves[environment] = {**self._waves.get(environment, {}), **progress.waves_of(state)}
