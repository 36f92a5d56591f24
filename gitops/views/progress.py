"""How far rollouts are: applications by waves, for a screen that is drawn again and again."""

from __future__ import annotations

from collections.abc import Mapping

from gitops.rollout.state import ApplicationState, EnvironmentState, Rollout, RolloutPhase, TargetPhase
from gitops.views.table import Table

_SHORT = 12
_NOT_YET = "-"


def waves_of(state: EnvironmentState) -> dict[str, tuple[str, ...]]:
    """Name the waves of every rollout that runs, by application."""
    return {
        name: tuple(wave.name for wave in application.rollout.waves)
        for name, application in state.applications.items()
        if application.rollout is not None
    }


def table(environment: str, state: EnvironmentState, waves: Mapping[str, tuple[str, ...]]) -> Table:
    """Draw one environment; `waves` remembers those of rollouts that have ended since."""
    columns = tuple(dict.fromkeys(wave for names in waves.values() for wave in names))
    rows = tuple(
        _row(name, application, columns, waves.get(name, ()))
        for name, application in sorted(state.applications.items())
    )
    return Table((environment.upper(), "REVISION", "PHASE", *columns), rows)


def _row(
    name: str, application: ApplicationState, columns: tuple[str, ...], waves: tuple[str, ...]
) -> tuple[str, ...]:
    rollout, outcome, good = application.rollout, application.outcome, application.good
    if rollout is not None:
        told = {wave.name: _cell(rollout, index) for index, wave in enumerate(rollout.waves)}
        head = (name, rollout.revision[:_SHORT], str(rollout.phase))
    else:
        result = outcome.result if outcome else _NOT_YET
        told = dict.fromkeys(waves, "passed") if result == "Succeeded" else {}
        head = (name, good.revision[:_SHORT] if good else _NOT_YET, result)
    return (*head, *(told.get(column, _NOT_YET) for column in columns))


def _cell(rollout: Rollout, index: int) -> str:
    if index < rollout.wave:
        return "passed"
    if index > rollout.wave:
        return _NOT_YET
    phases = [rollout.targets[target].phase for target in rollout.waves[index].targets]
    failed = phases.count(TargetPhase.FAILED)
    restored = phases.count(TargetPhase.RESTORED)
    if rollout.phase is not RolloutPhase.ADVANCING:
        return f"{restored}/{len(phases)} restored" if restored else f"{failed} failed"
    if rollout.soaking_since is not None:
        return "soaking"
    tally = f"{phases.count(TargetPhase.HEALTHY)}/{len(phases)} healthy"
    return f"{tally}, {failed} failed" if failed else tally
