"""One environment on one cluster: which places are watched there, and what was applied to each of them."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from controllers.adapters.kube.client import KubeClient
from controllers.drift.attention import Attention, Desk
from controllers.drift.corrector import Corrector
from controllers.drift.foreign import ForeignKeeper
from controllers.drift.foreign_attention import ForeignAttention
from controllers.drift.habits import Habits
from controllers.drift.inventories import Inventories, Where
from controllers.drift.ledger import Ledger
from controllers.drift.patrol import Patrol
from controllers.drift.place import Place
from controllers.drift.sightings import Sightings
from controllers.drift.tasks import Tasks
from controllers.rollout.observer import CONFIG_MAPS, Access
from gitops.drift import DriftReport, Sight, released
from gitops.inventory import Inventory, selector
from gitops.model.targets import Target
from gitops.objects import GroupKind, ObjectKey
from gitops.plan import Scope


class Member(NamedTuple):
    """One application on one target of this cluster, and with whose rights its objects are handled."""

    application: str
    target: Target
    access: Access


class ClusterDrift:
    """Watches until stopped. Used from the event loop only. It is the `View` of its own attention."""

    def __init__(
        self,
        environment: str,
        own: KubeClient,
        desk: Desk,
        doing: tuple[Corrector, ForeignKeeper],
        habits: Habits,
    ) -> None:
        corrector, keeper = doing
        self._environment = environment
        self._own = own
        self._desk = desk
        self._members: dict[Where, Member] = {}
        self._places: dict[Where, Place] = {}
        self._ledgers: dict[Where, Ledger] = {}
        self._attention = Attention(desk, corrector, habits.patience, self)
        self._foreign = ForeignAttention(desk, keeper, habits.patience, self)
        self._inventories = Inventories(environment, own, self._take, self._is_own_write, habits.turns)
        self._sightings = Sightings(environment, own, self._seen, self._came, habits)
        self._inventories.on_blind = self._sightings.on_blind = desk.told
        self._tasks = Tasks()
        self._judging = 0
        self._check_every = habits.check_every

    def follow(self, members: Iterable[Member]) -> None:
        """Watch these, and nothing else. The first call begins."""
        if self._check_every:
            self._tasks.begin(Patrol(self._check_every, self, self._attention).run())
            self._check_every = 0.0
        self._members = {(one.application, one.target.namespace): one for one in members}
        for where in self._places.keys() - self._members.keys():
            self._drop(where)
        self._inventories.follow({where: one.target.cluster for where, one in self._members.items()})

    async def stop(self) -> None:
        """End everything; what is being written is written to its end."""
        await self._inventories.stop()
        await self._tasks.stop()
        await self._attention.stop()
        await self._foreign.stop()
        await asyncio.gather(*(ledger.stop() for ledger in self._ledgers.values()))
        await self._sightings.stop()

    async def give_way(self, application: str, target: str) -> None:
        """Let a rollout write at a place: wait until no write of ours is under way."""
        for place in self._places.values():
            if (place.scope.application, str(place.scope.target)) == (application, target):
                await place.give_way()

    def reports(self) -> Mapping[tuple[str, str], DriftReport]:
        """What is open, by application and target."""
        return {
            (member.application, str(member.target)): self._report(self._places[where])
            for where, member in self._members.items()
            if where in self._places
        }

    def resume(self) -> None:
        """Look at what had to wait for a rollout, or for its record."""
        self._attention.resume()
        self._foreign.resume()

    def judge_anew(self) -> None:
        """Forget what was looked at: other rules apply from here on."""
        for place in self._places.values():
            place.look_anew()
            for key in [*place.entries]:
                self._attention.note(place, key)

    @property
    def tracked(self) -> int:
        """How many objects are watched."""
        return sum(len(place.entries) for place in self._places.values())

    @property
    def synced(self) -> bool:
        """Whether every inventory is read, and every kind was listed and is watched now."""
        return self._inventories.synced and all(map(self._looked_at, self._places.values()))

    def undecided(self, key: ObjectKey) -> bool:
        """Whether an object is being looked at."""
        return self._attention.busy_with(key)

    def places(self) -> Collection[Place]:
        """See `View`."""
        return self._places.values()

    def sight(self, key: ObjectKey) -> Sight | None:
        """See `View`."""
        return self._sightings.find(key)

    def sees(self, key: ObjectKey) -> bool:
        """See `View`."""
        return self._sightings.sees(key.group_kind, key.namespace)

    def client(self, place: Place) -> KubeClient | None:
        """See `View`."""
        member = self._members.get(_where(place.scope))
        return None if member is None else member.access.objects

    def is_sibling(self, applyset: str) -> bool:
        """See `View`. Such an object's rollout moved it there."""
        return any(place.applyset == applyset for place in self._places.values())

    async def caught_up(self, place: Place) -> None:
        """See `View`. One list tells the versions; nothing but the watch brings what they hold."""
        scope = place.scope
        chosen = selector(scope.environment, scope.application)
        listing = await self._own.list(
            CONFIG_MAPS, scope.target.namespace, label_selector=chosen, metadata_only=True
        )
        await self._inventories.reach(_where(scope), listing)

    def noticed(self, place: Place, key: ObjectKey) -> None:
        """See `View`."""
        self._foreign.note(place, key, self.sight(key))

    def learnt(self, place: Place, key: ObjectKey) -> None:
        """See `View`."""
        ledger = self._ledgers.get(_where(place.scope))
        if place.unsaved and ledger is not None:
            ledger.note(soon=key in place.contests)

    def _report(self, place: Place) -> DriftReport:
        return DriftReport(
            findings={finding.object: finding for finding in place.findings.values()},
            complete=self._looked_at(place),
            foreign={finding.object: finding for finding in place.foreign.findings.values()},
            lost=place.sure and self._is_lost(place) and self._free(place),
            released=self._released(place),
        )

    def _looked_at(self, place: Place) -> bool:
        return (
            place.read
            and not self._judging
            and not self._is_lost(place)
            and not self._attention.undecided(place)
            and not place.foreign.undecided
            and not self._inventories.blind
            and all(self._sightings.follows(kind, namespace) for kind, namespace in place.where)
        )

    def _is_lost(self, place: Place) -> bool:
        """Whether there is no inventory, though there has to be one."""
        standing = self._desk.standing(place.scope)
        return place.lost and (standing is None or not standing.empty)

    def _released(self, place: Place) -> Mapping[str, str]:
        """What may end that objects are held back, by object."""
        held = self._desk.held(place.scope)
        if not held:
            return {}
        tracked = {str(key): entry for key, entry in place.entries.items() if self.sees(key)}
        seen = {
            name: released(tracked[name], self.sight(tracked[name].key), place.applyset)
            for name in sorted(held)
            if name in tracked
        }
        return {name: word for name, word in seen.items() if word}

    def _is_own_write(self, where: Where, version: str) -> bool:
        ledger = self._ledgers.get(where)
        return ledger is not None and ledger.wrote(version)

    async def _take(self, where: Where, inventory: Inventory | None) -> None:
        member = self._members.get(where)
        if member is None:
            return
        place = self._places.get(where)
        if place is None:
            place = Place(Scope(self._environment, member.application, member.target))
            self._places[where] = place
            self._ledgers[where] = Ledger(self._own, place, lambda: self._free(place))
        self._judging += 1
        try:
            changed = place.take(inventory)
            await self._cover()
            await self._attention.judge_all(place, changed)
        finally:
            self._judging -= 1
        self._attention.confirm_loss(place)
        self._desk.told()

    def _free(self, place: Place) -> bool:
        return self._desk.standing(place.scope) is not None

    def _drop(self, where: Where) -> None:
        place = self._places.pop(where)
        ledger = self._ledgers.pop(where)
        for key in [*place.entries]:
            place.forget(key)
        self._tasks.begin(ledger.stop())

    async def _cover(self) -> None:
        """Watch exactly the kinds and namespaces that inventories name."""
        wanted: dict[GroupKind, dict[str, KubeClient]] = defaultdict(dict)
        for where, place in self._places.items():
            member = self._members.get(where)
            if member is not None:
                for kind, namespace in place.where:
                    wanted[kind].setdefault(namespace, member.access.objects)
        await self._sightings.cover(wanted)

    def _came(self, kind: GroupKind) -> None:
        self._judging += 1
        self._tasks.begin(self._listed(kind))

    async def _listed(self, kind: GroupKind) -> None:
        """After a list, what is not in it is known to be missing."""
        try:
            for place in [*self._places.values()]:
                keys = [key for key in place.entries if key.group_kind == kind]
                await self._attention.judge_all(place, keys)
        finally:
            self._judging -= 1
        self._desk.told()

    def _seen(self, key: ObjectKey) -> None:
        for place in self._places.values():
            if key in place.entries:
                self._attention.note(place, key)
                if str(key) in self._desk.held(place.scope):
                    self._desk.told()


def _where(scope: Scope) -> Where:
    return scope.application, scope.target.namespace
