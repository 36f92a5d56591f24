"""State and observation in, events and wanted work out: one pass's decision over an environment.

Every step yields at most one event, which is folded before the next step looks: a pass ends when no
step has anything more to say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from gitops.rollout import advancing, failing
from gitops.rollout import events as e
from gitops.rollout.observation import Command, Desired, Observation, Work
from gitops.rollout.state import (
    ApplicationState,
    EnvironmentState,
    Rollout,
    RolloutPhase,
    TargetPhase,
    WavePlan,
)
from gitops.rollout.transitions import evolve
from gitops.rollout.work import wanted


@dataclass(frozen=True, slots=True)
class Decision:
    """What one pass says: facts to record first, work to have under way, when to look again."""

    state: EnvironmentState
    events: tuple[e.Event, ...]
    work: frozenset[Work]
    look_again_at: datetime | None


def advance(state: EnvironmentState, seen: Observation, now: datetime) -> Decision:
    """Decide one pass. The same arguments give the same decision, byte for byte."""
    pass_ = _Pass(state, seen, now)
    pass_.commands()
    pass_.refusals()
    for name in sorted(set(state.applications) | set(seen.desired)):
        pass_.exhaust(name)
    # A dependency settled by a later name, or a rollout slot it gave back, may let an earlier one go on.
    while pass_.progressed:
        pass_.progressed = False
        for name in sorted(set(pass_.state.applications) | set(seen.desired)):
            pass_.exhaust(name)
    return Decision(
        state=pass_.state,
        events=tuple(pass_.events),
        work=wanted(pass_.state),
        look_again_at=min(_deadlines(pass_.state, seen, now), default=None),
    )


class _Pass:
    """One pass's working state."""

    def __init__(self, state: EnvironmentState, seen: Observation, now: datetime) -> None:
        self.state = state
        self.seen = seen
        self.now = now
        self.events: list[e.Event] = []
        self.progressed = False

    def record(self, event: e.Event) -> None:
        self.state = evolve(self.state, (event,))
        self.events.append(event)
        self.progressed = True

    def commands(self) -> None:
        for command in self.seen.commands:
            for name in _concerned(command, self.state, self.seen):
                self.record(
                    e.CommandSeen(
                        at=self.now,
                        application=name,
                        command=command.kind,
                        commit=command.commit,
                        author=command.author,
                    )
                )
        if self.seen.commands and self.state.observed != self.seen.revision:
            self.record(e.RevisionObserved(at=self.now, revision=self.seen.revision))

    def refusals(self) -> None:
        if self.seen.problems and self.state.refused != self.seen.revision:
            problems = tuple(problem for _, found in sorted(self.seen.problems.items()) for problem in found)
            self.record(
                e.RevisionRefused(
                    at=self.now, revision=self.seen.revision, problems=tuple(dict.fromkeys(problems))
                )
            )

    def exhaust(self, name: str) -> None:
        while (event := self._next(name)) is not None:
            self.record(event)

    def _next(self, name: str) -> e.Event | None:
        application = self.state.application(name)
        rollout = application.rollout
        if rollout is None:
            return self._start(name, application)
        steps: dict[RolloutPhase, Callable[[], e.Event | None]] = {
            RolloutPhase.ADVANCING: lambda: advancing.next_event(name, self.state, self.seen, self.now),
            RolloutPhase.FAILED: lambda: failing.after_failure(name, application, self.now),
            RolloutPhase.RESTORING: lambda: failing.while_restoring(name, application, self.seen, self.now),
            RolloutPhase.REVERTING: lambda: failing.while_reverting(name, application, self.seen, self.now),
            RolloutPhase.HALTED: lambda: None,
        }
        return self._supersede(name, application, rollout) or steps[rollout.phase]()

    def _supersede(self, name: str, application: ApplicationState, rollout: Rollout) -> e.Event | None:
        desired = self.seen.desired.get(name)
        if desired is None or desired.digest in (rollout.digest, *application.quarantine):
            return None
        if rollout.rejoin and application.good is not None and desired.digest == application.good.digest:
            return None
        if rollout.phase not in (RolloutPhase.ADVANCING, RolloutPhase.HALTED):
            return None
        if advancing.applying(name, rollout, self.seen):
            return None
        return e.RolloutSuperseded(at=self.now, application=name, rollout=rollout.id, by=desired.revision)

    def _start(self, name: str, application: ApplicationState) -> e.Event | None:
        desired = self.seen.desired.get(name)
        if desired is None or self.seen.suspended or not startable(name, self.state, self.seen):
            return None
        if desired.digest in application.quarantine:
            return self._rejoin(name, application)
        if arrived(application, desired):
            if desired.removed:
                return e.ApplicationRetired(at=self.now, application=name)
            return self._rejoin(name, application)
        return self._started(name, application, desired)

    def _rejoin(self, name: str, application: ApplicationState) -> e.Event | None:
        good = application.good
        back = sorted(work.target for work in self.seen.reachable if work.application == name)
        back = [target for target in back if target in application.lagging]
        desired = self.seen.desired[name]
        if not back or good is None or not set(back) <= desired.targets:
            return None
        last = max((wave for wave in desired.waves if set(back) & set(wave.targets)), key=desired.waves.index)
        plan = last.model_copy(
            update={"name": f"{last.name}-rejoin", "targets": tuple(back), "max_concurrent": len(back)}
        )
        wanted_again = Desired(
            good.revision, good.digest, (plan,), desired.depends_on, removed=desired.removed
        )
        return self._started(name, application, wanted_again, rejoin=True)

    def _started(
        self, name: str, application: ApplicationState, desired: Desired, *, rejoin: bool = False
    ) -> e.Event:
        return e.RolloutStarted(
            at=self.now,
            application=name,
            rollout=f"{name}#{application.rollouts + 1}",
            revision=desired.revision,
            digest=desired.digest,
            waves=desired.waves,
            on_failure=self.seen.on_failure.action,
            push=self.seen.on_failure.push,
            prune_permitted=bool(application.prune_permitted_by),
            removed=desired.removed,
            rejoin=rejoin,
        )


def arrived(application: ApplicationState, desired: Desired) -> bool:
    """Whether every target settled on `desired`, or was left behind by a rollout that reached the others."""
    if application.good is None or application.good.digest != desired.digest:
        return False
    for target in desired.targets:
        on = application.on.get(target)
        if target not in application.lagging and (
            on is None or on.digest != desired.digest or not on.settled
        ):
            return False
    return True


def startable(name: str, state: EnvironmentState, seen: Observation) -> bool:
    """Whether the environment has a free slot for one more rollout."""
    running = [
        other
        for other, application in state.applications.items()
        if other != name
        and application.rollout is not None
        and application.rollout.phase is not RolloutPhase.HALTED
    ]
    return len(running) < seen.max_concurrent_rollouts


def _concerned(command: Command, state: EnvironmentState, seen: Observation) -> tuple[str, ...]:
    known = set(state.applications) | set(seen.desired)
    if not command.application:
        return tuple(sorted(known))
    return (command.application,) if command.application in known else ()


def _deadlines(state: EnvironmentState, seen: Observation, now: datetime) -> Iterator[datetime]:
    for name, application in state.applications.items():
        rollout = application.rollout
        if rollout is None:
            continue
        for moment in _rollout_deadlines(name, rollout, seen):
            if moment > now:
                yield moment


def _rollout_deadlines(name: str, rollout: Rollout, seen: Observation) -> Iterator[datetime]:
    wave = rollout.current_wave
    if wave is None:
        return
    if rollout.phase is RolloutPhase.RESTORING:
        yield rollout.since + failing.patience(wave)
        yield rollout.since + wave.progress_deadline
    yield from _target_deadlines(rollout, wave)
    if rollout.soaking_since is not None:
        yield from advancing.soak_moments(name, rollout, wave, seen)


def _target_deadlines(rollout: Rollout, wave: WavePlan) -> Iterator[datetime]:
    for target in rollout.targets.values():
        if target.phase is TargetPhase.APPLYING and target.started_at is not None:
            yield target.started_at + wave.progress_deadline
        elif target.phase is TargetPhase.SETTLING:
            yield target.since + wave.progress_deadline
