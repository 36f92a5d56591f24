"""Random worlds: whatever happens, in whatever order, the promises hold and every wait has a reason."""
# ruff: noqa: D102 - a rule's name says what happens

from __future__ import annotations

from datetime import timedelta

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from gitops.gates import Outcome
from gitops.model.gates import ApprovalGate
from gitops.model.kinds import FailurePolicy, OnFailure, RevertPush
from gitops.rollout import events as e
from gitops.rollout.explain import explain
from gitops.rollout.state import EnvironmentState, WavePlan
from gitops.rollout.transitions import evolve
from gitops.rollout.wait import Wait
from tests.unit.gitops.rollout.world import MINUTE, SECOND, World, http, wave

TARGETS = ("t1", "t2", "t3", "t4", "t5")
NAMES = st.sampled_from(["api", "web"])
DIGESTS = st.sampled_from(["A", "B", "C", "D"])
BEHAVIOURS = st.sampled_from(["good", "crash", "never", "flaky", "refused", "rejected"])
FAULTS = st.dictionaries(st.tuples(NAMES, st.sampled_from(TARGETS), DIGESTS), BEHAVIOURS, max_size=12)


@st.composite
def waves(draw: st.DrawFn) -> tuple[WavePlan, ...]:
    """One to three waves over the five targets, small budgets, short soaks, all kinds of gates."""
    cuts = sorted(draw(st.sets(st.integers(1, 4), max_size=2)))
    parts = [TARGETS[begin:end] for begin, end in zip([0, *cuts], [*cuts, 5], strict=True)]
    gates = st.sampled_from([(), (http(),), (ApprovalGate(type="approval"),)])
    return tuple(
        wave(
            f"w{index}",
            *part,
            max_concurrent=draw(st.integers(1, 3)),
            max_failures=draw(st.integers(0, 2)),
            progress_deadline=MINUTE,
            soak=draw(st.sampled_from([0, 5])) * SECOND,
            gates=draw(gates),
        )
        for index, part in enumerate(parts)
    )


class Histories(RuleBasedStateMachine):
    """People commit and command, clusters misbehave, the process dies; time goes on."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()

    @initialize(
        plan=waves(),
        limit=st.integers(1, 2),
        on_failure=st.builds(
            OnFailure, action=st.sampled_from(FailurePolicy), push=st.sampled_from(RevertPush)
        ),
        faults=FAULTS,
    )
    def begin(
        self,
        plan: tuple[WavePlan, ...],
        limit: int,
        on_failure: OnFailure,
        faults: dict[tuple[str, str, str], str],
    ) -> None:
        self.plan = plan
        for name in ("api", "web"):
            self.world.commit(name, "A", tuple(each.model_copy(update={"gates": ()}) for each in plan))
        self.world.settle()
        self.world.on_failure = on_failure
        self.world.behaviour.update(faults)
        self.world.max_rollouts = limit

    @rule(name=NAMES, digest=DIGESTS, then=st.integers(0, 40))
    def commit(self, name: str, digest: str, then: int) -> None:
        depends_on = ("api",) if name == "web" else ()
        self.world.commit(name, digest, self.plan, depends_on=depends_on)
        self.steps(then)

    @rule(name=NAMES)
    def remove(self, name: str) -> None:
        if name in self.world.desired:
            self.world.commit(name, "gone", self.plan, removed=True)

    @rule(kind=st.sampled_from(e.CommandKind), name=st.sampled_from(["", "api", "web"]))
    def ask(self, kind: e.CommandKind, name: str) -> None:
        self.world.ask(kind, name)

    @rule(name=NAMES, place=st.sampled_from(TARGETS), how=BEHAVIOURS)
    def misbehave(self, name: str, place: str, how: str) -> None:
        desired = self.world.desired.get(name)
        if desired is not None:
            self.world.behaviour[name, place, desired.digest] = how

    @rule(place=st.sampled_from(TARGETS))
    def silence(self, place: str) -> None:
        self.world.silent ^= {place}

    @rule(outcome=st.sampled_from(Outcome))
    def answer(self, outcome: Outcome) -> None:
        self.world.gate_answers = lambda _work: outcome

    @rule(push=st.sampled_from(["accepted", "waits", "a person has to revert"]))
    def remote(self, push: str) -> None:
        self.world.push = push

    @rule()
    def suspend(self) -> None:
        self.world.suspended = not self.world.suspended

    @rule(hours=st.integers(0, 2))
    def restart(self, hours: int) -> None:
        self.world.restart(down=timedelta(hours=hours))

    @rule(seconds=st.integers(1, 12))
    def pass_time(self, seconds: int) -> None:
        self.steps(seconds)

    def steps(self, seconds: int) -> None:
        """Let seconds pass, one pass each."""
        for _ in range(seconds):
            self.world.step()

    @rule()
    def wait(self) -> None:
        self.world.run(90 * SECOND, by=5 * SECOND)

    def teardown(self) -> None:
        """Liveness: in a world that behaves, all arrives in the end, or is held and says why."""
        world = self.world
        world.cure()
        world.suspended = False
        world.push = "accepted"
        world.gate_answers = lambda _work: Outcome.GOOD
        for _ in range(30):
            world.ask(e.CommandKind.APPROVE)
            world.run(20 * SECOND, by=2 * SECOND)
        check_rest(world)

    @invariant()
    def history_holds(self) -> None:
        check_history(self.world)


def check_history(world: World) -> None:
    """The recorded events alone give the state; waves come in order and within bounds; quarantine holds."""
    assert evolve(EnvironmentState(), world.events) == world.state
    running: dict[str, e.RolloutStarted] = {}
    passed: dict[str, list[str]] = {}
    started: dict[str, set[str]] = {}
    good: dict[str, str] = {}
    held: dict[str, set[str]] = {"api": set(), "web": set()}
    for event in world.events:
        match event:
            case e.RolloutStarted(application=name):
                assert event.digest not in held[name]
                running[name], passed[name], started[name] = event, [], set()
            case e.WavePassed(application=name):
                passed[name].append(event.wave)
            case e.TargetStarted(application=name):
                plans = running[name].waves
                turn = next(index for index, plan in enumerate(plans) if event.target in plan.targets)
                assert passed[name] == [plan.name for plan in plans[:turn]]
                started[name].add(event.target)
                assert len(started[name]) <= plans[turn].max_concurrent
            case e.TargetHealthy(application=name) | e.TargetFailed(application=name):
                started[name].discard(event.target)
            case e.RolloutSucceeded(application=name):
                good[name] = running[name].digest
            case e.RolloutFailed(application=name):
                held[name] |= {running[name].digest} - {good.get(name, "")}
            case e.CommandSeen(application=name) if event.command is not e.CommandKind.APPROVE:
                held[name] = set()
            case e.ApplicationRetired(application=name):
                held[name] = set()
                good.pop(name)
            case _:
                pass


def check_rest(world: World) -> None:
    """In a calm world every application is on what Git wants, or on good with a sentence why it is held."""
    waits = {(wait.application, wait.target): wait for wait in explained(world)}
    for name, desired in world.desired.items():
        application = world.state.application(name)
        if desired.removed and name not in world.state.applications:
            continue
        arrived = application.good is not None and application.good.digest == desired.digest
        if arrived and application.rollout is None:
            there = {
                target for target, on in application.on.items() if on.digest == desired.digest and on.settled
            }
            assert there | set(application.lagging) >= desired.targets
            continue
        sentence = str(waits[name, ""])
        assert "holds revision" in sentence or "is halted" in sentence or _held_up(world, name), sentence


def explained(world: World) -> tuple[Wait, ...]:
    """Every wait of the world, as values."""
    return explain("production", world.state, world.observe(), world.now)


def _held_up(world: World, name: str) -> bool:
    """Whether a dependency that is itself held is what `name` waits for."""
    return any(
        wait.application == name and "waits for api" in wait.waits_for
        for wait in explained(world)
        if wait.target
    )


Histories.TestCase.settings = settings(
    max_examples=40,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TestHistories = Histories.TestCase
