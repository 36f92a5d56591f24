"""State and observation in, events and wanted work out: one pass's decision over an environment.

Every step yields at most one event, which is folded before the next step looks: a pass ends when no
step has anything more to say.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from gitops.rollout import (
    advancing,
    commands,
    drifting,
    failing,
    foreign,
    pruning,
    slots,
    soak,
    timing,
    unsettling,
)
from gitops.rollout import events as e
from gitops.rollout.arrival import arrived, newer
from gitops.rollout.observation import Desired, Observation, Work
from gitops.rollout.quiet import Quiet, still
from gitops.rollout.state import ApplicationState, EnvironmentState, Rollout, RolloutPhase, TargetPhase
from gitops.rollout.step import NO_NEWS
from gitops.rollout.transitions import evolve
from gitops.rollout.work import apply_work, restore_work, wanted


@dataclass(frozen=True, slots=True)
class Decision:
    """What one pass says: facts to record first, work to have under way, when to look again.

    `quiet` is for the next pass, which is quicker by it.
    """

    state: EnvironmentState
    events: tuple[e.Event, ...]
    work: frozenset[Work]
    look_again_at: datetime | None
    quiet: Quiet = field(default_factory=Quiet, repr=False, compare=False)


def advance(
    state: EnvironmentState, seen: Observation, now: datetime, quiet: Quiet | None = None
) -> Decision:
    """Decide one pass. The same arguments give the same decision, byte for byte.

    `quiet` is that of any earlier decision, and saves work only.
    """
    pass_ = _Pass(state, seen, now)
    for facts in (drifting, foreign, pruning, commands):
        for event in tuple(facts.new_facts(state, seen, now)):
            pass_.record(event)
    quiet = still(pass_.state.applications, seen.desired, quiet or Quiet())
    names = sorted(quiet.others | pass_.doubtful.keys())
    progressed = True
    while progressed:
        # A dependency settled by a later name, or a place it gave back, may let an earlier one go on.
        progressed = pass_.exhaust_all(names)
    if pass_.started and pass_.state.observed != seen.revision:
        # From here on the records know where the branch was, and no commit before is read for commands again.
        pass_.record(e.RevisionObserved(at=now, revision=seen.revision))
    quiet = still(pass_.state.applications, seen.desired, quiet)
    moving = {name: pass_.state.applications[name] for name in quiet.others & pass_.state.applications.keys()}
    return Decision(
        state=pass_.state,
        events=tuple(pass_.events),
        work=wanted(moving),
        look_again_at=min(_deadlines(moving, seen, now), default=None),
        quiet=quiet,
    )


class _Pass:
    """One pass's working state."""

    def __init__(self, state: EnvironmentState, seen: Observation, now: datetime) -> None:
        self.state = state
        self.seen = seen
        self.now = now
        self.events: list[e.Event] = []
        self._slots: slots.Slots | None = None
        self.doubtful = unsettling.doubtful(seen)
        self._quiet: defaultdict[str, set[str]] = defaultdict(set)

    @property
    def started(self) -> bool:
        """Whether the pass started a rollout."""
        return any(isinstance(event, e.RolloutStarted) for event in self.events)

    def record(self, event: e.Event) -> None:
        self.state = evolve(self.state, (event,))
        self.events.append(event)
        self._slots = None

    def exhaust_all(self, names: list[str]) -> bool:
        """Record everything that is due for each of `names`; return whether there was anything."""
        before = len(self.events)
        for name in names:
            while (event := self._next(name)) is not None:
                self.record(event)
        return len(self.events) > before

    def _next(self, name: str) -> e.Event | None:
        application = self.state.application(name)
        rollout = application.rollout
        if rollout is None:
            doubtful = self.doubtful.get(name, {})
            return unsettling.next_event(name, application, doubtful, self.now) or self._start(
                name, application
            )
        superseded = self._supersede(name, application, rollout)
        if superseded is not None:
            return superseded
        match rollout.phase:
            case RolloutPhase.ADVANCING:
                quiet = self._quiet[rollout.id]
                return advancing.next_event(name, self.state, self.seen, self.now, quiet)
            case RolloutPhase.FAILED:
                return failing.after_failure(name, application, self.now)
            case RolloutPhase.RESTORING:
                return failing.while_restoring(name, application, self.seen, self.now)
            case RolloutPhase.REVERTING:
                return failing.while_reverting(name, application, self.seen, self.now)
            case RolloutPhase.HALTED:
                return None

    def _supersede(self, name: str, application: ApplicationState, rollout: Rollout) -> e.Event | None:
        if rollout.phase not in (RolloutPhase.ADVANCING, RolloutPhase.HALTED):
            return None
        desired = newer(name, application, self.seen)
        # Nobody writes for a halted rollout, also where it was halted in the middle of a target.
        halted = rollout.phase is RolloutPhase.HALTED
        if desired is None or (not halted and advancing.applying(name, rollout, self.seen)):
            return None
        return e.RolloutSuperseded(at=self.now, application=name, rollout=rollout.id, by=self.seen.revision)

    def _start(self, name: str, application: ApplicationState) -> e.Event | None:
        desired = self.seen.desired.get(name)
        if desired is None or self.seen.suspended:
            return None
        if desired.removed and name not in self.state.applications:
            return None  # gone from Git and from every target: nothing is known of it, so nothing is due
        rejoin = desired.digest in application.quarantine or arrived(application, desired)
        if desired.removed and rejoin and _nothing_left(application, desired):
            return e.ApplicationRetired(at=self.now, application=name)
        plan = self._rejoin(name, application, desired) if rejoin else desired
        if plan is None or not self._place_for(name):
            return None
        return self._started(name, application, plan, rejoin=rejoin)

    def _place_for(self, name: str) -> bool:
        if self._slots is None:
            self._slots = slots.slots(self.state, self.seen)
        return self._slots.open_to(name)

    def _rejoin(self, name: str, application: ApplicationState, desired: Desired) -> Desired | None:
        """One wave of the left behind that answer again, with the gates of the last of their waves.

        What became uncertain while Git wants inputs in quarantine goes with them.
        """
        good = application.good
        answering = {work.target for work in self.seen.reachable if work.application == name}
        uncertain = {target for target, on in application.on.items() if not on.settled}
        back = (answering & set(application.lagging) | uncertain - set(application.lagging)) & desired.targets
        if not back or good is None:
            return None
        last = [wave for wave in desired.waves if back & set(wave.targets)][-1]
        changes = {"name": f"{last.name}-rejoin", "targets": tuple(sorted(back)), "max_concurrent": len(back)}
        plan = last.model_copy(update=changes)
        removed = desired.removed and desired.digest == good.digest
        return Desired(good.digest, (plan,), desired.depends_on, removed=removed)

    def _started(self, name: str, application: ApplicationState, plan: Desired, *, rejoin: bool) -> e.Event:
        return e.RolloutStarted(
            at=self.now,
            application=name,
            rollout=f"{name}#{application.rollouts + 1}",
            revision=application.good.revision if rejoin and application.good else self.seen.revision,
            digest=plan.digest,
            waves=plan.waves,
            on_failure=self.seen.on_failure.action,
            push=self.seen.on_failure.push,
            prune_permitted=plan.removed if rejoin else bool(application.prune_permitted_by),
            removed=plan.removed,
            rejoin=rejoin,
        )


def _nothing_left(application: ApplicationState, desired: Desired) -> bool:
    still_there = application.leaving or application.held
    return not application.lagging and not still_there and arrived(application, desired)


def _deadlines(
    applications: Mapping[str, ApplicationState], seen: Observation, now: datetime
) -> Iterator[datetime]:
    for name, application in applications.items():
        rollout = application.rollout
        if rollout is None:
            continue
        for moment in _rollout_deadlines(name, application, rollout, seen):
            if moment > now:
                yield moment


def _rollout_deadlines(
    name: str, application: ApplicationState, rollout: Rollout, seen: Observation
) -> Iterator[datetime]:
    wave = rollout.current_wave
    if wave is None:
        return
    if rollout.phase is RolloutPhase.RESTORING:
        for target in rollout.in_phase(TargetPhase.RESTORING):
            report = seen.targets.get(restore_work(name, application, rollout, target), NO_NEWS)
            for hurry in (False, True):
                due = timing.restore_due(rollout, report, hurry=hurry)
                if due is not None:
                    yield due
    if rollout.phase is not RolloutPhase.ADVANCING or rollout.wave_started_at is None:
        return
    for target in wave.targets:
        report = seen.targets.get(apply_work(name, rollout, target), NO_NEWS)
        due = timing.target_due(rollout, target, report)
        if due is not None:
            yield due
    yield from soak.moments(name, rollout, wave, seen)
