"""One look at an advancing rollout: everything that deciding its next event needs."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from gitops.rollout.observation import Observation, TargetReport
from gitops.rollout.state import EnvironmentState, FailureCause, Rollout, TargetPhase, WavePlan
from gitops.rollout.work import apply_work

NO_NEWS = TargetReport()
# What says most about a revision comes first: a refusal or silence says nothing about how it runs.
_WEIGHTS = {FailureCause.REFUSED: 1, FailureCause.UNREACHABLE: 2}


class Step(NamedTuple):
    """The rollout of application `name` in its running `wave`, as seen at `now`."""

    name: str
    state: EnvironmentState
    rollout: Rollout
    wave: WavePlan
    seen: Observation
    now: datetime

    def report(self, target: str) -> TargetReport:
        """How this rollout's own work on `target` stands; other work's reports are not looked at."""
        return self.seen.targets.get(apply_work(self.name, self.rollout, target), NO_NEWS)

    def counted(self) -> tuple[str, ...]:
        """Targets that count against `max_failures`, which is spent by the whole rollout.

        An unreachable target that an earlier wave left behind, or a rejoin leaves behind again, says
        nothing about the revision and is not counted.
        """
        return tuple(
            name
            for name in self.rollout.in_phase(TargetPhase.FAILED)
            if self.rollout.targets[name].cause is not FailureCause.UNREACHABLE
            or (name in self.wave.targets and not self.rollout.rejoin)
        )

    def weight(self, target: str) -> int:
        """Order of failed targets by how much they say about the revision; lowest first."""
        cause = self.rollout.targets[target].cause
        return _WEIGHTS.get(cause, 0) if cause else 0
