"""A world for the rollout machine: clusters that behave as they are told, a branch, a clock. No I/O.

It plays the shell: does the wanted work, reports how it stands, and checks on every pass what must
always hold (a replay gives the same state; a second look at the same things says nothing new; a pass that
knows who was quiet decides as one that knows nothing).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from gitops.drift import DriftReport
from gitops.gates import Outcome, Sample, Sampling
from gitops.model.gates import HttpGate
from gitops.model.kinds import OnFailure
from gitops.rollout import events as e
from gitops.rollout.decide import Decision, advance
from gitops.rollout.explain import explain
from gitops.rollout.observation import (
    ApplyWork,
    Command,
    Desired,
    Failure,
    Observation,
    ProbeWork,
    PruneWork,
    ReachWork,
    RestoreWork,
    RevertReport,
    RevertWork,
    TargetReport,
    TargetWork,
    Work,
)
from gitops.rollout.quiet import Quiet
from gitops.rollout.state import (
    ApplicationState,
    EnvironmentState,
    FailureCause,
    RolloutPhase,
    TargetPhase,
    WavePlan,
)
from gitops.rollout.transitions import evolve

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)
APPLY = timedelta(seconds=2)
SETTLE = timedelta(seconds=3)


def wave(name: str, *targets: str, **settings: Any) -> WavePlan:
    """A wave with small numbers: all targets at once, no failures, ten minutes, no soak."""
    chosen = {
        "max_concurrent": max(len(targets), 1),
        "max_failures": 0,
        "progress_deadline": 10 * MINUTE,
        **settings,
    }
    return WavePlan(name=name, targets=targets, **chosen)


THREE_WAVES = (wave("canary", "c1"), wave("europe", "e1", "e2"), wave("rest", "r1", "r2", "r3"))


@dataclass
class _Life:
    """How far one piece of work on a target has come."""

    begun: datetime
    answering_since: datetime | None = None
    applied_at: datetime | None = None
    current_since: datetime | None = None
    settled: bool = False


@dataclass
class World:
    """`behaviour` answers for (application, target, digest); `good` where it says nothing.

    `stuck` are objects whose deletion does not go through, by target; `held` those that ask for permission.
    `lost` are the targets whose inventory is gone, `released` what may end that objects are held there, as
    the watch over live objects tells.
    """

    now: datetime = START
    state: EnvironmentState = field(default_factory=EnvironmentState)
    revision: str = "r0"
    desired: dict[str, Desired] = field(default_factory=dict)
    problems: dict[str, tuple[str, ...]] = field(default_factory=dict)
    awaiting: dict[str, str] = field(default_factory=dict)
    commands: tuple[Command, ...] = ()
    suspended: bool = False
    on_failure: OnFailure = field(default_factory=OnFailure)
    max_rollouts: int = 10
    behaviour: dict[tuple[str, str, str], str] = field(default_factory=dict)
    silent: set[str] = field(default_factory=set)
    gate_answers: Callable[[ProbeWork], Outcome] = lambda _work: Outcome.GOOD
    push: str = "accepted"
    pushed: list[str] = field(default_factory=list)
    holds: dict[tuple[str, str], str] = field(default_factory=dict)
    writes: list[tuple[str, str, str]] = field(default_factory=list)
    events: list[e.Event] = field(default_factory=list)
    lives: dict[Work, _Life] = field(default_factory=dict)
    samples: dict[ProbeWork, Sampling] = field(default_factory=dict)
    stuck: dict[str, dict[str, str]] = field(default_factory=dict)
    held: dict[str, dict[str, str]] = field(default_factory=dict)
    lost: set[str] = field(default_factory=set)
    released: dict[str, dict[str, str]] = field(default_factory=dict)
    work: frozenset[Work] = frozenset()
    quiet: Quiet = field(default_factory=Quiet)
    look_again_at: datetime | None = None

    # what people do

    def commit(self, name: str, digest: str, waves: tuple[WavePlan, ...] = THREE_WAVES, **more: Any) -> None:
        """Merge new inputs of an application."""
        self.revision = f"r{int(self.revision[1:]) + 1}"
        self.desired[name] = Desired(digest, waves, **more)

    def ask(self, kind: e.CommandKind, application: str = "") -> None:
        """Merge a commit that asks for something."""
        self.revision = f"r{int(self.revision[1:]) + 1}"
        self.commands = (*self.commands, Command(kind, application, self.revision, "Ada"))

    def bad(self, digest: str, *targets: str, how: str = "crash", application: str = "web") -> None:
        """Make inputs misbehave on targets."""
        for target in targets:
            self.behaviour[application, target, digest] = how

    def cure(self) -> None:
        """Every input behaves from now on, every cluster answers."""
        self.behaviour.clear()
        self.silent.clear()

    def restart(self, *, down: timedelta = timedelta(0)) -> None:
        """Kill the process: everything that is not recorded is lost. It starts again after `down`."""
        self.now += down
        self.lives.clear()
        self.samples.clear()
        self.work = frozenset()
        self.quiet = Quiet()

    # how time goes by

    def step(self, by: timedelta = SECOND) -> tuple[e.Event, ...]:
        """Let time pass, do the wanted work, decide once."""
        self.now += by
        self._do_work()
        return self.decide()

    def run(self, duration: timedelta, by: timedelta = SECOND) -> None:
        """Step through a span of time."""
        until = self.now + duration
        while self.now < until:
            self.step(by)

    def run_until(self, done: Callable[[], bool], limit: timedelta = timedelta(hours=1)) -> None:
        """Step until `done`; a world that never gets there is an error, told with its own sentences."""
        until = self.now + limit
        while not done():
            assert self.now < until, "\n".join(self.sentences())
            self.step()

    def settle(self, limit: timedelta = timedelta(hours=1)) -> None:
        """Step until no rollout runs, or only halted ones."""
        self.step()
        self.run_until(lambda: all(not _moves(each) for each in self.state.applications.values()), limit)

    def decide(self) -> tuple[e.Event, ...]:
        """One pass, with the checks that hold for every pass."""
        seen = self.observe()
        decision = advance(self.state, seen, self.now, self.quiet)
        self.quiet = decision.quiet
        check_pass(self.state, seen, decision, self.now)
        self.state = decision.state
        if self.state.observed == self.revision:
            self.commands = ()
        self.events.extend(decision.events)
        self.look_again_at = decision.look_again_at
        self._take(decision.work)
        return decision.events

    def observe(self) -> Observation:
        """What the shell sees now."""
        targets: dict[TargetWork, TargetReport] = {}
        reachable = set()
        reverts = {}
        for work in self.work:
            if isinstance(work, ApplyWork | RestoreWork):
                targets[work] = self._report(work)
            elif isinstance(work, PruneWork):
                targets[work] = TargetReport(settled=True, leaving=self.stuck.get(work.target, {}))
            elif isinstance(work, ReachWork) and work.target not in self.silent:
                reachable.add(work)
            elif isinstance(work, RevertWork):
                reverts[work] = self._revert(work)
        return Observation(
            revision=self.revision,
            desired=dict(self.desired),
            problems=dict(self.problems),
            awaiting=dict(self.awaiting),
            commands=self.commands,
            suspended=self.suspended,
            on_failure=self.on_failure,
            max_concurrent_rollouts=self.max_rollouts,
            targets=targets,
            samplings=dict(self.samples),
            reverts=reverts,
            reachable=frozenset(reachable),
            drift={
                (name, target): DriftReport(
                    lost=target in self.lost,
                    complete=target not in self.lost,
                    released=self.released.get(target, {}),
                )
                for name, application in self.state.applications.items()
                for target in application.on
            },
        )

    # what tests ask

    def application(self, name: str = "web") -> ApplicationState:
        """The application's state."""
        return self.state.application(name)

    def sentences(self) -> list[str]:
        """Every wait, in words."""
        return [str(wait) for wait in explain("production", self.state, self.observe(), self.now)]

    def told(self, *kinds: type[Any], application: str = "web") -> list[str]:
        """Events of an application in short: `TargetStarted c1`; all its kinds unless some are named."""
        return [
            _short(event)
            for event in self.events
            if getattr(event, "application", application) == application
            and (isinstance(event, kinds) if kinds else not isinstance(event, e.RevisionObserved))
        ]

    def on(self, digest: str, application: str = "web") -> list[str]:
        """Targets that hold `digest` in truth, whatever the machine believes."""
        return sorted(
            target for (name, target), held in self.holds.items() if (name, held) == (application, digest)
        )

    # the clusters

    def _take(self, work: frozenset[Work]) -> None:
        for gone in self.work - work:
            self.lives.pop(gone, None)
            if isinstance(gone, ProbeWork):
                self.samples.pop(gone, None)
        for new in work - self.work:
            self.lives[new] = _Life(self.now)
            if isinstance(new, ProbeWork):
                self.samples[new] = Sampling(self.now)
        self.work = work

    def _do_work(self) -> None:
        for work in sorted(self.work, key=repr):
            if isinstance(work, ApplyWork | RestoreWork):
                self._apply(work, self.lives[work])
            elif isinstance(work, ProbeWork):
                self._sample(work)

    def _apply(self, work: ApplyWork | RestoreWork, life: _Life) -> None:
        if work.target in self.silent:
            life.answering_since = life.current_since = None
            return
        life.answering_since = life.answering_since or self.now
        how = self.behaviour.get((work.application, work.target, work.digest), "good")
        if how in {"refused", "rejected"}:
            return
        if life.applied_at is None and self.now - life.answering_since >= APPLY:
            life.applied_at = self.now
            self.lost.discard(work.target)
            if self.holds.get((work.application, work.target)) != work.digest:
                self.holds[work.application, work.target] = work.digest
                self.writes.append((work.application, work.target, work.digest))
        if life.applied_at is not None and self.now - life.applied_at >= SETTLE and how != "never":
            current = how == "good"
            life.current_since = (life.current_since or self.now) if current else None
            life.settled = life.settled or current

    def _report(self, work: ApplyWork | RestoreWork) -> TargetReport:
        life = self.lives[work]
        if work.target in self.silent:
            return TargetReport(unreachable=f"{work.target}: connection refused", settled=life.settled)
        how = self.behaviour.get((work.application, work.target, work.digest), "good")
        failure = None
        if life.answering_since is not None and how in {"refused", "rejected"}:
            failure = Failure(FailureCause(how.capitalize()), f"{how} by {work.target}")
        elif life.applied_at is not None and how == "crash" and self.now - life.applied_at >= SETTLE:
            failure = Failure(FailureCause.HEALTH, "Deployment api: CrashLoopBackOff", ("exit code 1",))
        return TargetReport(
            counts={"configured": 1} if life.applied_at is not None else None,
            held={} if getattr(work, "prune_permitted", False) else self.held.get(work.target, {}),
            leaving=self.stuck.get(work.target, {}),
            settled=life.settled,
            current_since=life.current_since,
            answering_since=life.answering_since,
            failure=failure,
            waiting_for="" if life.current_since else "Deployment api: 0 of 1 replicas ready",
        )

    def _sample(self, work: ProbeWork) -> None:
        sampling = self.samples[work]
        outcome = self.gate_answers(work)
        sample = Sample(self.now, outcome, f"HTTP {200 if outcome is Outcome.GOOD else 503}")
        self.samples[work] = replace(sampling, samples=(*sampling.samples, sample)[-5:])

    def _revert(self, work: RevertWork) -> RevertReport:
        if self.push == "accepted":
            good = self.state.application(work.application).good
            if work.rollout not in self.pushed and good is not None:
                self.pushed.append(work.rollout)
                self.revision = f"r{int(self.revision[1:]) + 1}"
                was = self.desired[work.application]
                self.desired[work.application] = replace(was, digest=good.digest, removed=False)
            return RevertReport(commit=self.revision)
        if self.push == "waits":
            return RevertReport(waiting_for="the remote does not answer")
        return RevertReport(refused=self.push)


def check_pass(state: EnvironmentState, seen: Observation, decision: Decision, now: datetime) -> None:
    """What holds for every pass there is."""
    assert evolve(state, decision.events) == decision.state
    again = advance(decision.state, seen, now)
    assert again.events == ()
    assert again.work == decision.work
    assert advance(state, seen, now) == decision
    assert advance(decision.state, seen, now, decision.quiet) == again
    assert decision.look_again_at is None or decision.look_again_at > now
    early = (decision.look_again_at or now + 1000 * MINUTE) - timedelta(milliseconds=2)
    assert advance(decision.state, seen, max(now, early)).events == (), (
        "time alone moves it before it looks again"
    )
    check_words(decision.state, seen, now)


def check_words(state: EnvironmentState, seen: Observation, now: datetime) -> None:
    """Every application has its sentence, and so has every target that is not at rest."""
    waits = explain("production", state, seen, now)
    moving = [wait for wait in waits if "left Git" not in wait.waits_for]
    told = {(wait.application, wait.target) for wait in moving}
    assert len(told) == len(moving)
    assert {(name, "") for name in set(state.applications) | set(seen.desired) | set(seen.problems)} <= told
    for name, application in state.applications.items():
        assert {(name, target) for target in application.lagging} <= told
        rollout = application.rollout
        if rollout is not None and rollout.phase is RolloutPhase.ADVANCING:
            at_rest = set(rollout.in_phase(TargetPhase.HEALTHY))
            assert {(name, target) for target in set(rollout.targets) - at_rest} <= told
        if rollout is not None and rollout.phase is RolloutPhase.RESTORING:
            assert {(name, target) for target in rollout.in_phase(TargetPhase.RESTORING)} <= told
    for wait in waits:
        assert wait.waits_for
        assert str(wait).endswith(".")


def http(name: str = "smoke", **more: Any) -> HttpGate:
    """An HTTP gate that asks every second."""
    return HttpGate(type="http", name=name, url="https://shop.example/healthz", interval=SECOND, **more)


def moving(state: EnvironmentState) -> Iterable[str]:
    """Applications with a rollout that is not halted."""
    return [name for name, each in state.applications.items() if _moves(each)]


def _moves(application: ApplicationState) -> bool:
    return application.rollout is not None and application.rollout.phase != "Halted"


def _short(event: e.Event) -> str:
    about = getattr(event, "target", "") or getattr(event, "wave", "")
    return f"{type(event).__name__} {about}".strip()
