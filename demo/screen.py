"""What people see: a line for everything worth telling and, on a terminal, a live table of targets below."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table

from gitops.audit import narrate
from gitops.rollout import events as e
from gitops.rollout.observation import Work
from gitops.rollout.state import ApplicationState, EnvironmentState, TargetPhase

_TOLD = (
    e.RolloutStarted,
    e.WavePassed,
    e.TargetFailed,
    e.RolloutFailed,
    e.RolloutHalted,
    e.RestoreStarted,
    e.TargetRestored,
    e.TargetNotRestored,
    e.RevertPushed,
    e.RevertRefused,
    e.RolloutSucceeded,
    e.RolloutReverted,
    e.RevisionRefused,
    e.DriftFound,
    e.DriftCorrected,
)
_BAD = (e.TargetFailed, e.RolloutFailed, e.RolloutHalted, e.TargetNotRestored, e.RevertRefused)
_GOOD = (e.WavePassed, e.RolloutSucceeded, e.TargetRestored, e.RevertPushed, e.DriftCorrected)
_STYLES = {
    TargetPhase.WAITING: "dim",
    TargetPhase.APPLYING: "yellow",
    TargetPhase.SETTLING: "yellow",
    TargetPhase.HEALTHY: "green",
    TargetPhase.FAILED: "bold red",
    TargetPhase.RESTORING: "magenta",
    TargetPhase.RESTORED: "cyan",
}


class Screen:
    """An observer of the controller, and the narrator's voice. Columns are (environment, target)."""

    def __init__(self, console: Console, columns: tuple[tuple[str, str], ...]) -> None:
        self._console = console
        self._columns = columns
        self._states: dict[str, EnvironmentState] = {}
        self._live = Live(get_renderable=self._table, console=console, refresh_per_second=8, transient=True)

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def scene(self, title: str, *lines: str) -> None:
        """Begin a scene."""
        self._console.print()
        if self._console.is_terminal:
            self._console.print(Panel(escape("\n".join(lines)), title=escape(title), title_align="left"))
        else:
            self._say(f"== {title}", *lines)

    def say(self, *lines: str) -> None:
        """Tell something in the narrator's voice."""
        self._say(*lines, style="bold")

    def command(self, line: str) -> None:
        """Show a command that is run in the repository."""
        self._say(f"$ {line}", style="bold blue")

    def show(self, text: str) -> None:
        """Show what a command printed, as it is."""
        self._say(*text.splitlines())

    def checked(self, claim: str) -> None:
        """Tell that something was looked up, not only hoped for."""
        self._say(f"checked: {claim}", style="green")

    def recorded(
        self,
        environment: str,
        events: tuple[e.Event, ...],
        before: EnvironmentState,
        after: EnvironmentState,
    ) -> None:
        """Tell what is worth it of what the controller recorded."""
        del before
        self._states[environment] = after
        for event in events:
            if isinstance(event, _TOLD):
                style = "red" if isinstance(event, _BAD) else "green" if isinstance(event, _GOOD) else ""
                self._say(f"  {event.at:%H:%M:%S} {environment}: {narrate(event)}", style=style)

    def passed(self, environment: str, state: EnvironmentState, work: frozenset[Work]) -> None:
        """Keep the table fresh."""
        del work
        self._states[environment] = state

    def _say(self, *lines: str, style: str = "") -> None:
        for line in lines:
            self._console.print(escape(line), style=style or None, highlight=False, soft_wrap=True)

    def _table(self) -> Table:
        table = Table(expand=True, header_style="bold")
        table.add_column("application")
        for environment, target in self._columns:
            table.add_column(f"{environment}\n{target.partition('/')[0]}")
        names = sorted({name for state in self._states.values() for name in state.applications})
        for name in names:
            table.add_row(name, *(self._cell(name, *column) for column in self._columns))
        return table

    def _cell(self, name: str, environment: str, target: str) -> str:
        state = self._states.get(environment)
        return _standing(state.application(name), target) if state else ""


def _standing(application: ApplicationState, target: str) -> str:
    rollout = application.rollout
    if rollout is not None and target in rollout.targets:
        phase = rollout.targets[target].phase
        return f"[{_STYLES[phase]}]{phase.value.lower()}[/]"
    runs = application.on.get(target)
    return f"[green]runs {runs.revision[:7]}[/]" if runs else ""
