"""One application on one simulated cluster in this process, rolled out by a worker and watched for drift."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from controllers.adapters.kube.client import KubeClient
from controllers.adapters.kube.patience import Patience
from controllers.adapters.kube.resources import Resource
from controllers.adapters.kube.watching import Watch
from controllers.adapters.kube.wire import RequestSeen, WatchEvent
from controllers.clock import now
from controllers.drift.cluster import ClusterDrift, Member
from controllers.drift.corrector import Corrector
from controllers.drift.foreign import ForeignKeeper
from controllers.drift.habits import Habits
from controllers.drift.place import Place
from controllers.drift.standing import Standing
from controllers.rollout.observer import Access, Question
from controllers.rollout.worker import Errand, TargetWorker
from gitops.drift import Deed, DriftFact, DriftRules, ForeignFact, Sight
from gitops.errors import InvalidInput, Location
from gitops.inventory import Inventory, from_config_maps, selector, to_config_maps
from gitops.model.kinds import DriftMode, IgnoredDifference
from gitops.model.targets import Target
from gitops.objects import Manifest, ObjectKey
from gitops.plan import PlanPolicy, Scope, Wanted, settle
from gitops.redact import Redactor
from gitops.rollout.observation import TargetReport

SCOPE = Scope("production", "web", Target("eu-1", "shop"))
CONFIG_MAPS = Resource("", "v1", "ConfigMap", "configmaps", namespaced=True)
NAMESPACES = Resource("", "v1", "Namespace", "namespaces", namespaced=False)
QUICK = Patience(first_wait=0.01, longest_wait=0.05)


def config_map(name: str, value: str = "one") -> Manifest:
    """A kind without a generation."""
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"value": value}}
    return Manifest(body, Location(f"environments/production/web/{name}.yaml", 1, 1))


def rule(name: str, port: int = 1) -> Manifest:
    """A kind with a generation, and nobody who acts on it."""
    spec = {"podSelector": {}, "ingress": [{"ports": [{"port": port}]}]}
    body = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": name},
        "spec": spec,
    }
    return Manifest(body, Location(f"environments/production/web/{name}.yaml", 1, 1))


async def until(condition: Callable[[], Any], within: float = 20) -> None:
    """Wait for a condition that nobody announces."""
    async with asyncio.timeout(within):
        while not condition():  # noqa: ASYNC110 - what is waited for goes on in other tasks
            await asyncio.sleep(0.005)


async def _no_siblings(_question: Question) -> Mapping[str, frozenset[ObjectKey]]:
    return {}


class HeldWatch(Watch):
    """A watch whose news are kept back for as long as the gate is shut."""

    gate: asyncio.Event

    async def __anext__(self) -> WatchEvent:
        """Give the next event once the gate is open."""
        event = await super().__anext__()
        await self.gate.wait()
        return event


@dataclass
class Desk:
    """What the environment would say."""

    revision: str = ""
    mode: DriftMode = DriftMode.CORRECT
    writing: bool = False
    exclusive: bool = False
    empty: bool = False
    allowed: frozenset[str] = frozenset()
    ignored: tuple[IgnoredDifference, ...] = ()
    kept: frozenset[str] = frozenset()
    on_told: Callable[[], None] = lambda: None

    def standing(self, scope: Scope) -> Standing | None:
        """None while a rollout writes."""
        del scope
        if self.writing or not self.revision:
            return None
        rules = DriftRules(self.mode, self.ignored, allowed_managers=self.allowed, exclusive=self.exclusive)
        return Standing(self.revision, rules, empty=self.empty)

    def held(self, scope: Scope) -> frozenset[str]:
        """What is kept of what left Git."""
        del scope
        return self.kept

    def told(self) -> None:
        """Tell the test."""
        self.on_told()


@dataclass
class Yard:
    """The cluster, what was rolled out to it, and the watch over it.

    `client` is what the watch uses, and `requests` what it sent; rollouts and people use `person`.
    """

    client: KubeClient
    person: KubeClient
    desk: Desk = field(default_factory=Desk)
    facts: list[DriftFact] = field(default_factory=list)
    foreign: list[ForeignFact] = field(default_factory=list)
    requests: list[RequestSeen] = field(default_factory=list)
    revisions: dict[str, tuple[Manifest, ...]] = field(default_factory=dict)
    habits: Habits = field(default_factory=lambda: Habits(QUICK))
    unrendered: InvalidInput | None = None
    hidden: Redactor = field(default_factory=Redactor)
    drift: ClusterDrift = field(init=False)
    _settled: dict[str, Mapping[ObjectKey, Manifest]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.client.on_request = self.requests.append
        self.start()

    def start(self) -> None:
        """Begin to watch, as a process that starts does."""

        def allowed(scope: Scope) -> bool:
            return self.desk.standing(scope) is not None

        doing = (
            Corrector(self._manifests, allowed, self.facts.append, now, self.hidden.text),
            ForeignKeeper(self._manifests, allowed, self.foreign.append, now, self.hidden.text),
        )
        self.drift = ClusterDrift("production", self.client, self.desk, doing, self.habits)

    def follow(self) -> None:
        """Watch the application."""
        self.drift.follow([Member(SCOPE.application, SCOPE.target, Access(self.client, self.client))])

    async def watched(self) -> None:
        """Watch, and wait until everything is looked at."""
        self.follow()
        await until(lambda: self.drift.places() and self.drift.synced)

    @property
    def place(self) -> Place:
        """What is known of the application here."""
        (place,) = self.drift.places()
        return place

    @property
    def dry_runs(self) -> int:
        """How many were sent since `requests` was cleared."""
        return sum(one.dry_run for one in self.requests)

    @property
    def asked(self) -> list[RequestSeen]:
        """Requests since `requests` was cleared, but for watches: when those begin, nobody waits for."""
        return [one for one in self.requests if one.verb != "watch"]

    @property
    def corrections(self) -> list[str]:
        """Names of the objects that were put back, in order."""
        return [fact.finding.object for fact in self.facts if fact.deed is Deed.CORRECTED]

    def hold(self, *, whole: bool) -> asyncio.Event:
        """Keep back the news of watches that begin from now on, until the event that is returned is set.

        `whole`: of those that bring whole objects, inventories; else of those that bring metadata.
        """
        gate = asyncio.Event()
        watch = self.client.watch

        def held(resource: Resource, namespace: str = "", **chosen: Any) -> Watch:
            found = watch(resource, namespace, **chosen)
            if chosen.get("metadata_only") is whole:
                return found
            kept = HeldWatch(found._transport, found._call)
            kept.gate = gate
            return kept

        self.client.watch = held  # type: ignore[method-assign]
        gate.set()
        return gate

    def sight(self, name: str, kind: str = "ConfigMap", group: str = "") -> Sight | None:
        """What the watch saw last of an object."""
        return self.drift.sight(ObjectKey(group, kind, "shop", name))

    async def roll_out(self, number: int, *manifests: Manifest) -> None:
        """Let a worker bring the target to these manifests; who watches drift gives way meanwhile."""
        revision = f"{number:040x}"
        self.desk.writing = True
        await self.drift.give_way(SCOPE.application, str(SCOPE.target))
        told: list[TargetReport] = []
        wanted = Wanted(SCOPE, revision, f"{number:064x}", "environments/production/web", manifests)
        policy = PlanPolicy(create_namespace=True, prune_permitted=True)
        worker = TargetWorker(
            Errand(wanted, policy, _no_siblings),
            Access(self.person, self.person),
            report=told.append,
            redact=str,
            clock=now,
            patience=QUICK,
        )
        task = asyncio.create_task(worker.run())
        try:
            await until(lambda: told and (told[-1].settled or told[-1].failure))
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        assert told[-1].settled, told[-1]
        self.revisions[revision] = manifests
        self.desk.revision = revision
        self.desk.writing = False
        self.drift.resume()

    async def settled(self, *manifests: Manifest) -> None:
        """Roll out these manifests first of all, and wait until they are watched."""
        await self.roll_out(1, *manifests)
        await self.watched()

    async def inventory(self) -> Inventory:
        """What is stored."""
        chosen = selector(SCOPE.environment, SCOPE.application)
        listing = await self.person.list(CONFIG_MAPS, "shop", label_selector=chosen)
        found = from_config_maps(listing.items, SCOPE.target.cluster)
        assert found is not None
        return found

    async def store(self, inventory: Inventory) -> None:
        """Write an inventory as a rollout would."""
        for body in to_config_maps(inventory):
            await self.person.apply(CONFIG_MAPS, body)

    async def paint(self, name: str, value: str, by: str = "kubectl-edit") -> None:
        """Let somebody take a field by force."""
        body = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": name, "namespace": "shop"},
            "data": {"value": value},
        }
        await self.person.apply(CONFIG_MAPS, body, field_manager=by)

    async def value(self, name: str) -> str:
        """What an object holds; "" where it is not there."""
        body = await self.person.get(CONFIG_MAPS, name, "shop")
        return str(body["data"]["value"]) if body else ""

    async def _manifests(
        self, scope: Scope, revision: str, client: KubeClient
    ) -> Mapping[ObjectKey, Manifest]:
        if self.unrendered is not None:
            raise self.unrendered
        discovery = await client.discovery()

        def namespaced(api_version: str, kind: str) -> bool | None:
            resource = discovery.find(api_version, kind)
            return None if resource is None else resource.namespaced

        if revision not in self._settled:
            settled = settle(self.revisions[revision], scope, namespaced)
            self._settled[revision] = {manifest.key: manifest for manifest in settled.manifests}
        return self._settled[revision]
