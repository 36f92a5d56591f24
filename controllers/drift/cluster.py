"""One environment on one cluster: what was applied there, what is seen of it, and what is done about it."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple, Protocol, TypeAlias

from controllers.adapters.kube.client import KubeClient
from controllers.adapters.kube.patience import Patience
from controllers.drift.collection import Collection
from controllers.drift.corrector import Corrector, Standing
from controllers.drift.ledger import Ledger
from controllers.drift.place import Place, signature, trimmed
from controllers.rollout.observer import CONFIG_MAPS, Access
from gitops.drift import DriftReport, Sight, Verdict
from gitops.errors import GitopsError, InvalidInput
from gitops.inventory import INVENTORY_OF, Inventory, from_config_maps
from gitops.inventory.storage import APPLICATION
from gitops.model.targets import Target
from gitops.objects import GroupKind, JsonObject, ObjectKey
from gitops.ownership import ENVIRONMENT
from gitops.plan import Scope

log = logging.getLogger(__name__)

Kept: TypeAlias = tuple[str, str, Sight]
# Chunks of an inventory are written one after the other; one reading serves them all.
_GATHER_SECONDS = 0.02
# A rollout that has ended is followed by the news of what it stored.
_AFTERWARDS_SECONDS = 0.5
_LONGEST_SECONDS = 30.0
# How much is judged before others get their turn.
_BATCH = 500


class Member(NamedTuple):
    """One application on one target of this cluster, and with whose rights its objects are handled."""

    application: str
    target: Target
    access: Access


class Desk(Protocol):
    """What the environment says about a place, from its state and from Git."""

    def standing(self, scope: Scope) -> Standing | None:
        """What the place is on, and by which rules; None while nothing may be done there."""

    def told(self) -> None:
        """There is something new to read."""


class ClusterDrift:
    """Watches until stopped. Used from the event loop only."""

    def __init__(
        self, environment: str, own: KubeClient, desk: Desk, corrector: Corrector, patience: Patience
    ) -> None:
        self._environment = environment
        self._own = own
        self._desk = desk
        self._corrector = corrector
        self._patience = patience
        self._members: dict[tuple[str, Target], Member] = {}
        self._places: dict[tuple[str, str], Place] = {}
        self._ledgers: dict[tuple[str, str], Ledger] = {}
        self._by_key: dict[ObjectKey, tuple[Place, ...]] = {}
        self._collections: dict[GroupKind, Collection[Kept]] = {}
        self._chunks: dict[tuple[str, str], dict[str, JsonObject]] = defaultdict(dict)
        self._unread: set[tuple[str, str]] = set()
        self._in_hand: set[tuple[int, ObjectKey]] = set()
        self._again: set[tuple[int, ObjectKey]] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._reading: asyncio.Task[None] | None = None
        self._stopped = False
        self._patient = _AFTERWARDS_SECONDS
        self._resuming: asyncio.TimerHandle | None = None
        self._blind: dict[GroupKind, str] = {}
        self._inventories: Collection[JsonObject] = Collection(
            own, CONFIG_MAPS, f"{INVENTORY_OF}={environment}", lambda body: body, metadata_only=False
        )
        self._inventories.on_change = self._inventory_changed
        self._inventories.on_synced = self._wake_reader

    def follow(self, members: Iterable[Member]) -> None:
        """Watch these, and nothing else. The first call begins."""
        self._members = {(one.application, one.target): one for one in members}
        for target in {one.target for one in self._members.values()}:
            self._unread |= {place for place in self._chunks if place[1] == target.namespace}
        wanted = {(one.application, one.target.namespace) for one in self._members.values()}
        for place in self._places.keys() - wanted:
            self._drop(place)
        self._inventories.cover({one.target.namespace: self._own for one in self._members.values()})
        self._unread |= wanted - self._places.keys()
        self._wake_reader()

    async def stop(self) -> None:
        """End everything; what is being written is written to its end."""
        self._stopped = True
        if self._resuming is not None:
            self._resuming.cancel()
        tasks = [*self._tasks, *([self._reading] if self._reading else [])]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        await asyncio.gather(*(ledger.stop() for ledger in self._ledgers.values()))
        await self._inventories.stop()
        await asyncio.gather(*(one.stop() for one in self._collections.values()))

    def scopes(self) -> tuple[Scope, ...]:
        """The places that are watched."""
        return tuple(place.scope for place in self._places.values())

    async def quiet(self, scope: Scope) -> None:
        """Wait until no write of ours is under way at a place."""
        await self._places[scope.application, scope.target.namespace].quiet()

    def reports(self) -> Mapping[tuple[str, str], DriftReport]:
        """What is open, by application and target."""
        found = {}
        for member in self._members.values():
            place = self._places.get((member.application, member.target.namespace))
            if place is not None:
                findings = {finding.object: finding for finding in place.findings.values()}
                name = (member.application, str(member.target))
                found[name] = DriftReport(findings, complete=self._looked_at(place))
        return found

    def resume(self) -> None:
        """Look at what had to wait: somebody was writing, or the record was not there yet."""
        if self._resuming is not None:
            self._resuming.cancel()
            self._resuming = None
        for place in self._places.values():
            if place.suspects and self._desk.standing(place.scope) is not None:
                waiting, place.suspects = place.suspects, set()
                for key in sorted(waiting):
                    asyncio.get_running_loop().call_later(_AFTERWARDS_SECONDS, self._note, place, key)
        self._resume_later()

    def _resume_later(self) -> None:
        """Nobody tells when work that was ended has finished its write, or when a record comes."""
        if not any(place.suspects for place in self._places.values()):
            self._patient = _AFTERWARDS_SECONDS
        elif self._resuming is None and not self._stopped:
            self._resuming = asyncio.get_running_loop().call_later(self._patient, self.resume)
            self._patient = min(self._patient * 2, _LONGEST_SECONDS)

    def judge_anew(self) -> None:
        """Forget what was looked at: other rules apply from here on."""
        for place in self._places.values():
            place.known.clear()
            for key in [*place.entries]:
                self._note(place, key)

    @property
    def tracked(self) -> int:
        """How many objects are watched."""
        return len(self._by_key)

    @property
    def synced(self) -> bool:
        """Whether every inventory is read and every kind was listed once."""
        return (
            self._inventories.synced and not self._unread and all(map(self._looked_at, self._places.values()))
        )

    def _looked_at(self, place: Place) -> bool:
        busy = any(number == id(place) for number, _ in self._in_hand)
        return (
            place.read
            and not busy
            and not place.suspects
            and all(self._sees(kind, namespace) for kind, namespace in place.where)
        )

    def _sees(self, kind: GroupKind, namespace: str) -> bool:
        collection = self._collections.get(kind)
        return collection is not None and collection.sees(namespace)

    # -- inventories

    def _inventory_changed(self, kind: str, body: JsonObject) -> None:
        metadata = body["metadata"]
        application = str((metadata.get("labels") or {}).get(APPLICATION, ""))
        place = application, str(metadata.get("namespace") or "")
        if kind == "DELETED":
            self._chunks[place].pop(str(metadata["name"]), None)
        else:
            self._chunks[place][str(metadata["name"])] = body
        ledger = self._ledgers.get(place)
        if ledger is not None and metadata.get("resourceVersion") in ledger.written:
            ledger.written.discard(metadata["resourceVersion"])
            return  # our own words
        self._unread.add(place)
        self._wake_reader()

    def _wake_reader(self) -> None:
        if self._stopped:
            return
        if self._unread and (self._reading is None or self._reading.done()):
            self._reading = asyncio.create_task(self._read_inventories(), name="read inventories")

    async def _read_inventories(self) -> None:
        while self._unread and self._inventories.synced:
            await asyncio.sleep(_GATHER_SECONDS)
            where = min(self._unread)
            self._unread.discard(where)
            application, namespace = where
            member = next(
                (
                    one
                    for one in self._members.values()
                    if (one.application, one.target.namespace) == (application, namespace)
                ),
                None,
            )
            if member is None:
                continue
            try:
                chunks = list(self._chunks.get(where, {}).values())
                inventory = await asyncio.to_thread(from_config_maps, chunks, member.target.cluster)
            except InvalidInput as error:
                log.warning("drift of %s is not watched: %s", application, error)
                continue
            await self._take(where, member, inventory)

    async def _take(self, where: tuple[str, str], member: Member, inventory: Inventory | None) -> None:
        place = self._places.get(where)
        if place is None:
            place = Place(Scope(self._environment, member.application, member.target))
            self._places[where] = place
            self._ledgers[where] = Ledger(self._own, place, lambda: self._free(place))
        before = set(place.entries)
        changed = place.take(inventory)
        for key in before - place.entries.keys():
            self._untrack(place, key)
        for key in changed:
            others = self._by_key.get(key, ())
            if place not in others:
                self._by_key[key] = (*others, place) if others else (place,)
        await self._cover()
        await self._judge_all(place, changed)
        self._desk.told()

    async def _judge_all(self, place: Place, keys: Iterable[ObjectKey]) -> None:
        for count, key in enumerate(keys, 1):
            if self._sees(key.group_kind, key.namespace):
                self._note(place, key)
            if not count % _BATCH:
                await asyncio.sleep(0)

    def _free(self, place: Place) -> bool:
        return self._desk.standing(place.scope) is not None

    def _drop(self, where: tuple[str, str]) -> None:
        place = self._places.pop(where)
        ledger = self._ledgers.pop(where)
        for key in [*place.entries]:
            place.forget(key)
            self._untrack(place, key)
        self._spawn(ledger.stop())

    def _untrack(self, place: Place, key: ObjectKey) -> None:
        left = tuple(one for one in self._by_key.get(key, ()) if one is not place)
        if left:
            self._by_key[key] = left
        else:
            self._by_key.pop(key, None)

    # -- objects

    async def _cover(self) -> None:
        """Watch exactly the kinds and namespaces that inventories name."""
        wanted: dict[GroupKind, dict[str, KubeClient]] = defaultdict(dict)
        for place in self._places.values():
            member = self._members.get((place.scope.application, place.scope.target))
            if member is not None:
                for kind, namespace in place.where:
                    wanted[kind].setdefault(namespace, member.access.objects)
        for kind in sorted(self._collections.keys() - wanted.keys()):
            self._spawn(self._collections.pop(kind).stop())
        for kind, clients in sorted(wanted.items()):
            collection = self._collections.get(kind) or await self._collection(kind)
            if collection is not None:
                collection.cover(clients)

    async def _collection(self, kind: GroupKind) -> Collection[Kept] | None:
        try:
            discovery = await self._own.discovery()
            resource = discovery.preferred(kind)
            if resource is None:
                resource = (await self._own.discovery(refresh=True)).preferred(kind)
        except GitopsError as error:
            self._blind[kind] = str(error)
            return None
        if resource is None:
            self._blind[kind] = f"the cluster does not serve {kind} any more"
            return None
        self._blind.pop(kind, None)
        foreign = any(one.access.objects is not one.access.own for one in self._members.values())
        selector = f"{ENVIRONMENT}={self._environment}"
        collection: Collection[Kept] = Collection(None if foreign else self._own, resource, selector, trimmed)
        collection.on_change = lambda _type, kept, kind=kind: self._seen(kind, kept)  # type: ignore[misc]
        collection.on_synced = lambda kind=kind: self._spawn(self._listed(kind))  # type: ignore[misc]
        self._collections[kind] = collection
        return collection

    async def _listed(self, kind: GroupKind) -> None:
        """After a list, what is not in it is known to be missing."""
        for place in [*self._places.values()]:
            await self._judge_all(place, [key for key in place.entries if key.group_kind == kind])
        self._desk.told()

    def _seen(self, kind: GroupKind, kept: Kept) -> None:
        key = ObjectKey(*kind, kept[0], kept[1])
        for place in self._by_key.get(key, ()):
            self._note(place, key)

    def sight(self, key: ObjectKey) -> Sight | None:
        """What is seen of an object now; None where nothing is."""
        collection = self._collections.get(key.group_kind)
        kept = collection.find(key.namespace, key.name) if collection is not None else None
        return kept[2] if kept is not None else None

    def _note(self, place: Place, key: ObjectKey) -> None:
        """Judge an object; what is not as it was applied is looked at closely, by one task at a time."""
        if self._stopped or key not in place.entries or not self._sees(key.group_kind, key.namespace):
            return
        if (id(place), key) in self._in_hand:
            self._again.add((id(place), key))
            return
        sight = self.sight(key)
        verdict = place.judge(key, sight).verdict
        if verdict is Verdict.INTACT or verdict is Verdict.TERMINATING:
            if sight is not None and verdict is Verdict.INTACT and key not in place.times:
                place.seen_applied(key, sight)
            if place.findings.pop(key, None) is not None:
                self._desk.told()
            return
        if self._desk.standing(place.scope) is None:
            if sight is not None:
                place.seen_applied(key, sight)  # whoever writes now is we
            place.suspects.add(key)
            self._resume_later()
            return
        if place.known.get(key) == signature(sight):
            return
        self._in_hand.add((id(place), key))
        self._spawn(self._attend(place, key))

    async def _attend(self, place: Place, key: ObjectKey) -> None:
        failures = 0
        mark = (id(place), key)
        try:
            while True:
                self._again.discard(mark)
                try:
                    again_in = await self._look_closer(place, key)
                    failures = 0
                except GitopsError as error:
                    failures += 1
                    log.debug("%s of %s: %s", key, place.scope.name, error)
                    await self._patience.sleep(self._patience.wait(failures))
                    continue
                if again_in is not None and again_in > 0:
                    loop = asyncio.get_running_loop()
                    loop.call_later(again_in, self._reopen, place, key)
                elif again_in is None and mark not in self._again:
                    return
                if again_in:
                    return
        except Exception:
            log.exception("%s of %s cannot be looked at", key, place.scope.name)
        finally:
            self._in_hand.discard(mark)
            self._resume_later()
            if mark in self._again:
                self._again.discard(mark)
                self._note(place, key)
            self._desk.told()

    def _reopen(self, place: Place, key: ObjectKey) -> None:
        place.known.pop(key, None)
        self._note(place, key)

    async def _look_closer(self, place: Place, key: ObjectKey) -> float | None:
        """Look, and do what may be done; the seconds after which to look again, or None: at the next news."""
        sight = self.sight(key)
        judged = place.judge(key, sight) if key in place.entries else None
        if judged is None or judged.verdict in (Verdict.INTACT, Verdict.TERMINATING):
            place.findings.pop(key, None)
            return None
        standing = self._desk.standing(place.scope)
        member = self._members.get((place.scope.application, place.scope.target))
        if standing is None or member is None:
            place.suspects.add(key)
            return None
        if place.known.get(key) == signature(sight):
            return None
        outcome = await self._corrector.attend(place, key, sight, standing, member.access.objects)
        if place.unsaved and (
            ledger := self._ledgers.get((place.scope.application, place.scope.target.namespace))
        ):
            ledger.note(soon=bool(place.contests.get(key)))
        return outcome

    def _spawn(self, work: object) -> None:
        task = asyncio.ensure_future(work)  # type: ignore[call-overload]
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
