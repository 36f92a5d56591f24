"""Decides which objects are looked at closely, and when: one task for each, none while a rollout writes.

What waits for its record, or for the end of a rollout, is kept as a suspect of its place. The closer look
itself is the corrector's.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Collection, Iterable
from functools import partial
from typing import Protocol

from controllers.adapters.kube.client import KubeClient
from controllers.adapters.kube.patience import Patience
from controllers.drift.corrector import Corrector
from controllers.drift.place import Place, signature
from controllers.drift.standing import Standing
from controllers.drift.tasks import Tasks
from controllers.drift.timers import Alarms, Reminder
from gitops.drift import Sight, Verdict
from gitops.errors import GitopsError
from gitops.objects import ObjectKey
from gitops.plan import Scope

log = logging.getLogger(__name__)

# How much is judged before others get their turn.
_BATCH = 500


class Desk(Protocol):
    """What the environment says about a place, from its state and from Git."""

    def standing(self, scope: Scope) -> Standing | None:
        """What the place is on, and by which rules; None while nothing may be done there."""

    def held(self, scope: Scope) -> Collection[str]:
        """Objects that left Git and are held back there, as far as is recorded."""

    def told(self) -> None:
        """There is something new to read."""


class View(Protocol):
    """What the watch over a cluster knows, and keeps for a place."""

    def places(self) -> Collection[Place]:
        """All that are watched."""

    def sight(self, key: ObjectKey) -> Sight | None:
        """What is seen of an object now; None where nothing is."""

    def sees(self, key: ObjectKey) -> bool:
        """Whether an object that is not seen is not there."""

    def client(self, place: Place) -> KubeClient | None:
        """With whose rights the objects of a place are handled; None where it is not watched any more."""

    def is_sibling(self, applyset: str) -> bool:
        """Whether an ApplySet is that of another application of the environment."""

    async def caught_up(self, place: Place) -> None:
        """Wait until the record that is stored now has been read. Raises what the client raises."""

    def noticed(self, place: Place, key: ObjectKey) -> None:
        """There may be news of a tracked object."""

    def learnt(self, place: Place, key: ObjectKey) -> None:
        """Something may have been found out about an object that its stored record does not say yet."""


class Attention:
    """Of one cluster. Used from the event loop only."""

    def __init__(self, desk: Desk, corrector: Corrector, patience: Patience, view: View) -> None:
        self._desk = desk
        self._corrector = corrector
        self._patience = patience
        self._view = view
        self._in_hand: dict[int, set[ObjectKey]] = defaultdict(set)
        self._again: set[tuple[int, ObjectKey]] = set()
        self._releasing: set[int] = set()
        self._tasks = Tasks()
        self._alarms = Alarms()
        self._stopped = False
        # Nobody tells when work that was ended has finished its write.
        self._reminder = Reminder(self.resume)

    async def stop(self) -> None:
        """End everything; what is being written is written to its end."""
        self._stopped = True
        self._reminder.stop()
        self._alarms.stop()
        await self._tasks.stop()

    def undecided(self, place: Place) -> bool:
        """Whether something of a place is still to be looked at."""
        return bool(place.suspects) or id(place) in self._releasing or bool(self._in_hand.get(id(place)))

    def busy_with(self, key: ObjectKey) -> bool:
        """Whether an object is being looked at."""
        return any(key in keys for keys in self._in_hand.values())

    def resume(self) -> None:
        """Look at what had to wait: somebody was writing, or the record was not there yet."""
        self._reminder.cancel()
        for place in self._view.places():
            if place.suspects and self._desk.standing(place.scope) is not None:
                self._release(place)
            self.confirm_loss(place)
        self._resume_later()

    def confirm_loss(self, place: Place) -> None:
        """Make sure that an inventory that is not there is none which a rollout has just stored."""
        if place.lost and not place.sure and self._desk.standing(place.scope) is not None:
            self._release(place)

    async def judge_all(self, place: Place, keys: Iterable[ObjectKey]) -> None:
        """Judge many objects of a place, leaving others their turn."""
        for count, key in enumerate(keys, 1):
            self.note(place, key)
            if not count % _BATCH:
                await asyncio.sleep(0)

    def note(self, place: Place, key: ObjectKey) -> None:
        """Judge an object; what is not as it was applied is looked at closely, by one task at a time."""
        if self._stopped or key not in place.entries or not self._view.sees(key):
            return
        self._view.noticed(place, key)
        if key in self._in_hand.get(id(place), ()):
            self._again.add((id(place), key))
            return
        sight = self._view.sight(key)
        if self._fine(place, key, sight):
            place.retries.forget(key)
            # What only a check has found looks fine for as long as nothing changes.
            if key in place.findings and place.known.get(key) != signature(sight):
                del place.findings[key]
                self._desk.told()
            return
        free = self._desk.standing(place.scope) is not None
        if not free and sight is not None:
            place.seen_applied(key, sight)  # whoever writes now is we
        if free and place.known.get(key) == signature(sight):
            return
        if free and place.sure:
            self._in_hand[id(place)].add(key)
            self._tasks.begin(self._attend(place, key))
            return
        place.suspects.add(key)
        if free:
            self._release(place)
        else:
            self._resume_later()

    async def check(self, place: Place, key: ObjectKey) -> None:
        """See `Checker`: look closely at an object that looks as it was applied."""
        await self._made_sure(place)
        standing, client = self._desk.standing(place.scope), self._view.client(place)
        if standing is None or client is None or not place.sure or not self._view.sees(key):
            return
        if key not in place.entries or key in place.findings or key in self._in_hand.get(id(place), ()):
            return
        self._in_hand[id(place)].add(key)
        try:
            again_in = await self._corrector.attend(
                place, key, self._view.sight(key), standing, client, thorough=True
            )
            if again_in is not None:
                self._alarms.ring_in(again_in, place.scope, key, partial(self._reopen, place, key))
            self._view.learnt(place, key)
        except GitopsError as error:
            log.debug("%s of %s is checked another time: %s", key, place.scope.name, error)
        except Exception:
            log.exception("%s of %s cannot be checked", key, place.scope.name)
        finally:
            self._end(place, key)

    def _fine(self, place: Place, key: ObjectKey, sight: Sight | None) -> bool:
        """Whether nothing is to be done about what is seen."""
        verdict = place.judge(key, sight).verdict
        if sight is not None and verdict is Verdict.INTACT and key not in place.times:
            place.seen_applied(key, sight)
        moved = sight is not None and verdict is Verdict.NOT_OURS and self._view.is_sibling(sight.part_of)
        return moved or verdict in (Verdict.INTACT, Verdict.TERMINATING)

    def _release(self, place: Place) -> None:
        """Judge the suspects of a place anew, by the record that is stored now."""
        if id(place) not in self._releasing and not self._stopped:
            self._releasing.add(id(place))
            self._tasks.begin(self._released(place))

    async def _released(self, place: Place) -> None:
        try:
            await self._made_sure(place)
            waiting, place.suspects = place.suspects, set()
        finally:
            self._releasing.discard(id(place))
        await self.judge_all(place, sorted(waiting))
        self._resume_later()
        self._desk.told()

    async def _made_sure(self, place: Place) -> None:
        """Wait until the record that the newest rollout left is known, or until the next one begins."""
        failures = 0
        while not place.sure and self._desk.standing(place.scope) is not None:
            turn = place.turn
            try:
                await self._view.caught_up(place)
            except GitopsError as error:
                failures += 1
                log.debug("the record of %s: %s", place.scope.name, error)
                await self._patience.sleep(self._patience.wait(failures))
            else:
                place.confirmed = turn

    def _resume_later(self) -> None:
        places = self._view.places()
        if not any(map(self.undecided, places)):
            self._reminder.reset()
        elif any(place.suspects for place in places):
            self._reminder.later()

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
                    self._alarms.ring_in(again_in, place.scope, key, partial(self._reopen, place, key))
                    return
                if mark not in self._again:
                    return
        except Exception:
            log.exception("%s of %s cannot be looked at", key, place.scope.name)
        finally:
            self._end(place, key)

    def _end(self, place: Place, key: ObjectKey) -> None:
        """Put an object down; what happened to it meanwhile is looked at next."""
        keys = self._in_hand[id(place)]
        keys.discard(key)
        if not keys:
            del self._in_hand[id(place)]
        self._resume_later()
        if (id(place), key) in self._again:
            self._again.discard((id(place), key))
            self.note(place, key)
        self._desk.told()

    def _reopen(self, place: Place, key: ObjectKey) -> None:
        place.known.pop(key, None)
        self.note(place, key)

    async def _look_closer(self, place: Place, key: ObjectKey) -> float | None:
        """Look, and do what may be done; the seconds after which to look again, or None: at the next news."""
        sight = self._view.sight(key)
        judged = place.judge(key, sight) if key in place.entries else None
        if judged is None or judged.verdict in (Verdict.INTACT, Verdict.TERMINATING):
            place.findings.pop(key, None)
            return None
        standing, client = self._desk.standing(place.scope), self._view.client(place)
        if standing is None or client is None or not place.sure:
            place.suspects.add(key)
            return None
        if place.known.get(key) == signature(sight):
            return None
        refused = place.retries.left(key)
        if refused:
            return refused
        outcome = await self._corrector.attend(place, key, sight, standing, client)
        self._view.learnt(place, key)
        return outcome
