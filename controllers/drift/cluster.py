"""One environment on one cluster: what was applied there, what is seen of it, and what is done about it."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Coroutine, Iterable, Mapping
from typing import Any, NamedTuple, Protocol

from controllers.adapters.kube.client import KubeClient
from controllers.adapters.kube.patience import Patience
from controllers.drift.corrector import Corrector, Standing
from controllers.drift.inventories import Inventories, Where
from controllers.drift.ledger import Ledger
from controllers.drift.place import Place, signature
from controllers.drift.sightings import Sightings
from controllers.rollout.observer import Access
from gitops.drift import DriftReport, Sight, Verdict
from gitops.errors import GitopsError
from gitops.inventory import Inventory
from gitops.model.targets import Target
from gitops.objects import GroupKind, ObjectKey
from gitops.plan import Scope

log = logging.getLogger(__name__)

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
        self._members: dict[Where, Member] = {}
        self._places: dict[Where, Place] = {}
        self._ledgers: dict[Where, Ledger] = {}
        self._by_key: dict[ObjectKey, tuple[Place, ...]] = {}
        self._inventories = Inventories(environment, own, self._take, self._is_own_write)
        self._sightings = Sightings(
            environment, own, self._seen, lambda kind: self._spawn(self._listed(kind))
        )
        self._in_hand: set[tuple[int, ObjectKey]] = set()
        self._again: set[tuple[int, ObjectKey]] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopped = False
        self._patient = _AFTERWARDS_SECONDS
        self._resuming: asyncio.TimerHandle | None = None

    def follow(self, members: Iterable[Member]) -> None:
        """Watch these, and nothing else. The first call begins."""
        self._members = {(one.application, one.target.namespace): one for one in members}
        for where in self._places.keys() - self._members.keys():
            self._drop(where)
        self._inventories.follow({where: one.target.cluster for where, one in self._members.items()})

    async def stop(self) -> None:
        """End everything; what is being written is written to its end."""
        self._stopped = True
        if self._resuming is not None:
            self._resuming.cancel()
        await self._inventories.stop()
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        await asyncio.gather(*(ledger.stop() for ledger in self._ledgers.values()))
        await self._sightings.stop()

    def scopes(self) -> tuple[Scope, ...]:
        """The places that are watched."""
        return tuple(place.scope for place in self._places.values())

    async def quiet(self, scope: Scope) -> None:
        """Wait until no write of ours is under way at a place."""
        await self._places[scope.application, scope.target.namespace].quiet()

    def reports(self) -> Mapping[tuple[str, str], DriftReport]:
        """What is open, by application and target."""
        found = {}
        for where, member in self._members.items():
            place = self._places.get(where)
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
        return self._inventories.synced and all(map(self._looked_at, self._places.values()))

    def _looked_at(self, place: Place) -> bool:
        busy = any(number == id(place) for number, _ in self._in_hand)
        return (
            place.read
            and not busy
            and not place.suspects
            and all(self._sightings.sees(kind, namespace) for kind, namespace in place.where)
        )

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
            if self._sightings.sees(key.group_kind, key.namespace):
                self._note(place, key)
            if not count % _BATCH:
                await asyncio.sleep(0)

    def _free(self, place: Place) -> bool:
        return self._desk.standing(place.scope) is not None

    def _drop(self, where: Where) -> None:
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

    async def _cover(self) -> None:
        """Watch exactly the kinds and namespaces that inventories name."""
        wanted: dict[GroupKind, dict[str, KubeClient]] = defaultdict(dict)
        for where, place in self._places.items():
            member = self._members.get(where)
            if member is not None:
                for kind, namespace in place.where:
                    wanted[kind].setdefault(namespace, member.access.objects)
        await self._sightings.cover(wanted)

    async def _listed(self, kind: GroupKind) -> None:
        """After a list, what is not in it is known to be missing."""
        for place in [*self._places.values()]:
            await self._judge_all(place, [key for key in place.entries if key.group_kind == kind])
        self._desk.told()

    def _seen(self, key: ObjectKey) -> None:
        for place in self._by_key.get(key, ()):
            self._note(place, key)

    def sight(self, key: ObjectKey) -> Sight | None:
        """What is seen of an object now; None where nothing is."""
        return self._sightings.find(key)

    def _note(self, place: Place, key: ObjectKey) -> None:
        """Judge an object; what is not as it was applied is looked at closely, by one task at a time."""
        if (
            self._stopped
            or key not in place.entries
            or not self._sightings.sees(key.group_kind, key.namespace)
        ):
            return
        if (id(place), key) in self._in_hand:
            self._again.add((id(place), key))
            return
        sight = self.sight(key)
        verdict = place.judge(key, sight).verdict
        moved = sight is not None and verdict is Verdict.NOT_OURS and self._is_sibling(sight.part_of)
        if verdict in (Verdict.INTACT, Verdict.TERMINATING) or moved:
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

    def _is_sibling(self, applyset: str) -> bool:
        """Whether another application of this environment has it now: its rollout moved it there."""
        return any(place.applyset == applyset for place in self._places.values())

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
        where = place.scope.application, place.scope.target.namespace
        member = self._members.get(where)
        if standing is None or member is None:
            place.suspects.add(key)
            return None
        if place.known.get(key) == signature(sight):
            return None
        outcome = await self._corrector.attend(place, key, sight, standing, member.access.objects)
        ledger = self._ledgers.get(where)
        if place.unsaved and ledger is not None:
            ledger.note(soon=key in place.contests)
        return outcome

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
