"""Decides which objects are looked at for foreign fields, and when: one task for each, as news comes."""

from __future__ import annotations

import logging
from functools import partial

from controllers.adapters.kube.patience import Patience
from controllers.drift.attention import Desk, View
from controllers.drift.foreign import ForeignKeeper, is_ours
from controllers.drift.place import Place
from controllers.drift.tasks import Tasks
from controllers.drift.timers import Alarms, Reminder
from gitops.drift import Sight
from gitops.errors import GitopsError
from gitops.objects import ObjectKey

log = logging.getLogger(__name__)


class ForeignAttention:
    """Of one cluster. Used from the event loop only."""

    def __init__(self, desk: Desk, keeper: ForeignKeeper, patience: Patience, view: View) -> None:
        self._desk = desk
        self._keeper = keeper
        self._patience = patience
        self._view = view
        self._tasks = Tasks()
        # Nobody tells when a rollout's work has ended, or when its record comes.
        self._reminder = Reminder(self.resume)
        self._alarms = Alarms()
        self._stopped = False

    async def stop(self) -> None:
        """End everything; what is being written is written to its end."""
        self._stopped = True
        self._reminder.stop()
        self._alarms.stop()
        await self._tasks.stop()

    def resume(self) -> None:
        """Look at what had to wait: somebody was writing, or the record was not there yet."""
        self._reminder.cancel()
        for place in self._view.places():
            if place.foreign.pending and self._desk.standing(place.scope) is not None:
                waiting, place.foreign.pending = place.foreign.pending, set()
                for key in sorted(waiting):
                    self.note(place, key, self._view.sight(key))
        self._resume_later()

    def note(self, place: Place, key: ObjectKey, sight: Sight | None) -> None:
        """Take in what is seen of a tracked object now."""
        notes = place.foreign
        if sight is None or not sight.foreign or not is_ours(place, sight):
            if notes.clear(key):
                self._desk.told()
            return
        if self._stopped or key in notes.in_hand or notes.known.get(key) == sight.foreign:
            return
        standing = self._desk.standing(place.scope)
        if standing is None:
            notes.pending.add(key)
            self._resume_later()
        elif any(not standing.rules.may_own(key, one.owner.manager) for one in sight.foreign):
            notes.in_hand.add(key)
            self._tasks.begin(self._attend(place, key))
        elif notes.clear(key):  # all of it by those who may
            self._desk.told()

    async def _attend(self, place: Place, key: ObjectKey) -> None:
        notes, sight = place.foreign, self._view.sight(key)
        again_in: float | None = None
        try:
            again_in = await self._look(place, key, sight)
            notes.silences.pop(key, None)
        except GitopsError as error:
            log.debug("%s of %s: %s", key, place.scope.name, error)
            notes.silences[key] = notes.silences.get(key, 0) + 1
            again_in = self._patience.wait(notes.silences[key])
        except Exception:
            log.exception("%s of %s cannot be looked at", key, place.scope.name)
        finally:
            notes.in_hand.discard(key)
        if again_in is not None:
            self._alarms.ring_in(again_in, place.scope, key, partial(self._reopen, place, key))
        elif self._view.sight(key) != sight:
            self._again(place, key)
        self._resume_later()
        self._desk.told()

    async def _look(self, place: Place, key: ObjectKey, sight: Sight | None) -> float | None:
        standing, client = self._desk.standing(place.scope), self._view.client(place)
        if standing is None or client is None:
            place.foreign.pending.add(key)
            return None
        if sight is None or key not in place.entries:
            return None
        return await self._keeper.attend(place, key, sight, standing, client)

    def _reopen(self, place: Place, key: ObjectKey) -> None:
        place.foreign.known.pop(key, None)
        self._again(place, key)

    def _again(self, place: Place, key: ObjectKey) -> None:
        if key in place.entries:
            self.note(place, key, self._view.sight(key))

    def _resume_later(self) -> None:
        if not any(place.foreign.undecided for place in self._view.places()):
            self._reminder.reset()
        else:
            self._reminder.later()
