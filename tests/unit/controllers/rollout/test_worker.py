"""One target through a revision, over HTTP: what is told when the API server fails in the middle."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from controllers.adapters.kube.patience import Patience
from controllers.clock import now
from controllers.rollout.observer import Access, Question
from controllers.rollout.worker import Errand, TargetWorker
from gitops.errors import Location
from gitops.model.targets import Target
from gitops.objects import Manifest
from gitops.ownership import PART_OF
from gitops.plan import PlanPolicy, Scope, Wanted
from gitops.rollout.observation import TargetReport
from gitops.rollout.state import FailureCause
from tests.unit.controllers.adapters.kube.scripted import Stage, drops, refuses, staged
from tests.unit.controllers.rollout.little_api import LittleApi, Request
from tests.unit.controllers.rollout.shop import until

SECRET = "c4nary-of-secrets"
POLICY = PlanPolicy(create_namespace=True, prune_permitted=True)


def config_map(name: str, value: str = "one", namespace: str = "shop") -> Manifest:
    metadata = {"name": name, "namespace": namespace}
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"value": value}}
    return Manifest(body, Location(f"environments/production/web/{name}.yaml", 1, 1))


def widget(name: str, size: int = 1, depends_on: str = "") -> Manifest:
    annotations = {"gitops-waves.io/depends-on": depends_on} if depends_on else {}
    metadata = {"name": name, "annotations": annotations}
    body = {"apiVersion": "example.org/v1", "kind": "Widget", "metadata": metadata, "spec": {"size": size}}
    return Manifest(body, Location(f"environments/production/web/{name}.yaml", 1, 1))


def wanted(number: int, *manifests: Manifest) -> Wanted:
    scope = Scope("production", "web", Target("eu-1", "shop"))
    return Wanted(scope, f"{number:040x}", f"{number:064x}", "environments/production/web", manifests)


@dataclass
class World:
    """A cluster, and what workers told about it. `waits` is how often one slept before it tried again."""

    stage: Stage
    api: LittleApi
    told: list[TargetReport] = field(default_factory=list)
    waits: int = 0
    while_waiting: Callable[[], None] = lambda: None

    @property
    def last(self) -> TargetReport:
        """The newest report."""
        return self.told[-1] if self.told else TargetReport()

    @asynccontextmanager
    async def working(self, what: Wanted, policy: PlanPolicy = POLICY) -> AsyncIterator[None]:
        """Let a worker work, as long as the block lasts."""
        self.told.clear()
        worker = TargetWorker(
            Errand(what, policy, _no_siblings),
            Access(self.stage.client, self.stage.client),
            report=self.told.append,
            redact=lambda text: text.replace(SECRET, "(redacted)"),
            clock=now,
            patience=Patience(sleep=self._sleep),
        )
        task = asyncio.create_task(worker.run())
        try:
            yield
            assert not task.done(), task.exception()
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def settle(self, what: Wanted, policy: PlanPolicy = POLICY) -> None:
        """Let a worker work until all is well; Widgets are ready as soon as they are there."""
        async with self.working(what, policy):
            await until(lambda: self.last.counts is not None)
            for name in self.api.names("widgets"):
                self.api.ready(name)
            await until(lambda: self.last.settled)
        self.api.writes.clear()

    async def _sleep(self, _seconds: float) -> None:
        self.waits += 1
        self.while_waiting()
        await asyncio.sleep(0)


async def _no_siblings(_question: Question) -> dict[str, Any]:
    return {}


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """An empty cluster."""
    async with staged() as stage:
        api = LittleApi()
        stage.api.otherwise = api.play
        yield World(stage, api)


def applies(*names: str) -> Callable[[Request], bool]:
    return lambda asked: asked.verb == "apply" and asked.name in names


def inventories(asked: Request) -> bool:
    return asked.verb == "apply" and "gitops" in asked.name


async def test_a_connection_lost_in_the_middle_of_a_layer_is_gone_on_from(world: World) -> None:
    """Nothing of the revision is to blame: it says that nobody answers, looks again, and finishes."""
    await world.settle(wanted(1, config_map("a"), config_map("b"), config_map("c"), config_map("d")))
    mend = world.api.fault(applies("b"), drops())
    world.while_waiting = lambda: mend() if world.waits == 2 else None
    changed = wanted(2, config_map("a", "2"), config_map("b", "2"), config_map("c", "2"), config_map("d"))
    async with world.working(changed):
        await until(lambda: world.last.settled)
    assert world.waits == 2
    assert any("no answer" in report.unreachable for report in world.told)
    assert not any(report.failure for report in world.told)
    values = {key[2]: body["data"]["value"] for key, body in world.api.objects.items() if len(key[2]) == 1}
    assert values == {"a": "2", "b": "2", "c": "2", "d": "one"}
    assert "apply configmaps d" not in world.api.writes
    world.api.writes.clear()
    async with world.working(changed):
        await until(lambda: world.last.settled)
    assert world.api.writes == []


async def test_all_refusals_of_a_layer_are_told_together(world: World) -> None:
    """What dry-runs let pass and the apply does not: each object with its file and the server's words."""
    for name in ("a", "c"):
        world.api.fault(applies(name), refuses(422, f"{name} is not to my taste", reason="Invalid"))
    async with world.working(wanted(1, config_map("a"), config_map("b"), config_map("c"))):
        await until(lambda: world.last.failure)
    failure = world.last.failure
    assert failure is not None
    assert failure.cause is FailureCause.REJECTED
    assert [line.partition(":")[0] for line in failure.evidence] == [
        "environments/production/web/a.yaml",
        "environments/production/web/c.yaml",
    ]
    assert all("is not to my taste" in line for line in failure.evidence)
    assert world.api.names("configmaps") == ["b"]


async def test_dry_run_problems_of_all_objects_are_told_before_anything_is_written(world: World) -> None:
    """Forbidden counts as a problem of that object, not as a cluster that does not answer."""
    await world.settle(wanted(1, config_map("a")))
    world.api.fault(
        lambda asked: asked.verb == "dry-run" and asked.name == "b",
        refuses(422, "b is bad", reason="Invalid"),
    )
    world.api.fault(
        lambda asked: asked.verb == "dry-run" and asked.name == "c",
        refuses(403, "c is not for you", reason="Forbidden"),
    )
    async with world.working(wanted(2, config_map("a", "2"), config_map("b"), config_map("c"))):
        await until(lambda: world.last.failure)
    failure = world.last.failure
    assert failure is not None
    assert len(failure.evidence) == 2
    assert world.api.writes == []


async def test_pruning_waits_for_health(world: World) -> None:
    """What left Git stays until what came instead is Current; only then the target is settled."""
    await world.settle(wanted(1, widget("old"), config_map("a")))
    async with world.working(wanted(2, widget("new"), config_map("a"))):
        await until(lambda: "still starting" in world.last.waiting_for)
        assert world.api.names("widgets") == ["new", "old"]
        assert not world.last.settled
        world.api.ready("new")
        await until(lambda: world.last.settled)
        assert world.api.names("widgets") == ["new"]
    assert not any(
        "old" in line for body in world.api.inventory() for line in body["data"]["entries"].splitlines()
    )


async def test_restoring_prunes_at_once(world: World) -> None:
    """What the failed revision added goes, whether or not what it broke is healthy again yet."""
    await world.settle(wanted(1, widget("old", 1)))
    async with world.working(wanted(2, widget("old", 2), config_map("added"))):
        await until(lambda: world.last.counts is not None)
    restoring = replace(POLICY, restoring=True, prune_permitted=False)
    async with world.working(wanted(1, widget("old", 1)), restoring):
        await until(lambda: "still starting" in world.last.waiting_for)
        assert world.api.names("configmaps") == []
        assert not world.last.settled
        world.api.ready("old")
        await until(lambda: world.last.settled)


async def test_expired_credentials_say_nothing_about_the_revision(world: World) -> None:
    """A 401 is a cluster that cannot be reached; when an operator has mended it, the work goes on."""
    mend = world.api.fault(lambda _asked: True, refuses(401, "Unauthorized", reason="Unauthorized"))
    world.while_waiting = lambda: mend() if world.waits == 3 else None
    async with world.working(wanted(1, config_map("a"))):
        await until(lambda: world.last.settled)
    assert any(report.unreachable for report in world.told)
    assert not any(report.failure for report in world.told)


async def test_health_that_is_lost_is_told_and_comes_back(world: World) -> None:
    """The worker watches for as long as somebody wants to know."""
    async with world.working(wanted(1, widget("w"))):
        await until(lambda: world.last.counts is not None)
        world.api.ready("w")
        await until(lambda: world.last.current_since)
        place = ("widgets", "shop", "w")
        broken = {"conditions": [{"type": "Ready", "status": "False", "message": "lost its way"}]}
        world.api._put(place, {**world.api.objects[place], "status": broken})
        await until(lambda: world.last.current_since is None and "lost its way" in world.last.waiting_for)
        world.api.ready("w")
        await until(lambda: world.last.current_since)


async def test_bookkeeping_that_is_not_taken_is_told_and_tried_again(world: World) -> None:
    """A webhook that refuses our inventory keeps the objects from being written, and says so in its words."""
    mend = world.api.fault(inventories, refuses(400, f"no inventories here, {SECRET}"))
    waiting = asyncio.Event()
    world.while_waiting = waiting.set
    async with world.working(wanted(1, config_map("a"))):
        await until(waiting.is_set)
        await until(lambda: "no inventories here, (redacted)" in world.last.waiting_for)
        assert not world.last.failure
        assert world.api.names("configmaps") == []
        mend()
        await until(lambda: world.last.settled)


async def test_an_inventory_that_cannot_be_read_is_a_persons_to_mend(world: World) -> None:
    """Nobody can say any more what is ours, so nothing is written over it; the ConfigMap is named."""
    await world.settle(wanted(1, config_map("a")))
    (stored,) = world.api.inventory()
    stored["data"] = {**stored["data"], "entries": "garbage"}
    async with world.working(wanted(2, config_map("a", "2"))):
        await until(lambda: world.last.failure)
    failure = world.last.failure
    assert failure is not None
    assert failure.cause is FailureCause.REFUSED
    assert stored["metadata"]["name"] in failure.because
    assert world.api.writes == []


async def test_a_second_look_at_what_is_there_writes_nothing(world: World) -> None:
    """A restart finds everything as it was applied: no apply, not even of the inventory."""
    what = wanted(1, config_map("a"), widget("w"))
    await world.settle(what)
    async with world.working(what):
        await until(lambda: world.last.settled)
    assert world.api.writes == []


async def test_later_layers_wait_for_what_they_depend_on(world: World) -> None:
    """And the worker says for what, meanwhile."""
    after = widget("after", depends_on="example.org/Widget/database")
    async with world.working(wanted(1, widget("database"), after)):
        await until(lambda: "still starting" in world.last.waiting_for)
        assert world.api.names("widgets") == ["database"]
        world.api.ready("database")
        await until(lambda: world.last.counts is not None)
        assert world.api.names("widgets") == ["after", "database"]


async def test_schemas_are_asked_for_only_where_no_dry_run_could_tell(world: World) -> None:
    """The first revision makes the namespace, so nothing can be tried; the second passes its dry-run."""

    def asked() -> int:
        return sum(seen.path.startswith("/openapi/v3") for seen in world.stage.api.seen)

    await world.settle(wanted(1, config_map("a")))
    first = asked()
    assert first > 0
    await world.settle(wanted(2, config_map("a", "two")))
    assert asked() == first


@pytest.mark.parametrize("taken", [1, 5], ids=["one of them", "most of them"])
@pytest.mark.parametrize("namespaces", [1, 5], ids=["in one namespace", "in many namespaces"])
async def test_what_another_owner_labelled_is_never_taken_back_however_many_are_tracked(
    world: World, taken: int, namespaces: int
) -> None:
    """A list by our label lacks such objects, and they are there all the same."""
    places = [f"n{number}" for number in range(namespaces)]
    for place in places:
        world.api.objects["namespaces", "", place] = {"metadata": {"name": place, "uid": place}}

    def everything(number: int) -> Wanted:
        manifests = [config_map(f"c{each}", str(number), place) for each in range(6) for place in places]
        return wanted(number, *manifests)

    await world.settle(everything(1))
    for (plural, namespace, name), body in world.api.objects.items():
        if plural == "configmaps" and namespace == "n0" and name in [f"c{each}" for each in range(taken)]:
            body["metadata"]["labels"][PART_OF] = "applyset-of-somebody-else-v1"
    async with world.working(everything(2)):
        await until(lambda: world.last.failure)
    assert world.last.failure is not None
    assert len([line for line in world.last.failure.evidence if "belongs to" in line]) == taken
    assert not [write for write in world.api.writes if "gitops" not in write]
