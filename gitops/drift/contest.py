"""Who takes a field by turns with us, and how long we hold off: the longer the fight, the longer."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

FIGHT_FROM = 3
"""So many corrections of one field, close to one another, are a fight and no accident."""
_FIRST = timedelta(seconds=5)
_LONGEST = timedelta(hours=1)
_CALM = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Contest:
    """The corrections of one object's fields, as far as they belong together.

    `managers` are those who took the fields, `paths` the fields (JSON pointers) of the newest correction.
    """

    managers: tuple[str, ...]
    paths: frozenset[str]
    rounds: int
    last: datetime

    @property
    def fought(self) -> bool:
        """Whether this is a fight."""
        return self.rounds >= FIGHT_FROM

    @property
    def hold(self) -> timedelta:
        """How long after the newest correction the next one waits."""
        if not self.fought:
            return timedelta(0)
        doubled: int = 2 ** min(self.rounds - FIGHT_FROM, 20)
        return min(_FIRST * doubled, _LONGEST)

    def concerns(self, paths: Iterable[str], now: datetime) -> bool:
        """Whether a change of `paths` now goes on with this: the same field, and not long after."""
        return not self.paths.isdisjoint(paths) and now - self.last <= max(_CALM, 2 * self.hold)

    def open_at(self, paths: Iterable[str], now: datetime) -> datetime:
        """Give the moment from which a change of `paths` may be corrected; `now` where nothing holds it."""
        return max(now, self.last + self.hold) if self.concerns(paths, now) else now


def corrected(
    before: Contest | None, managers: Iterable[str], paths: Iterable[str], now: datetime
) -> Contest:
    """Take in one more correction."""
    fields, who = frozenset(paths), tuple(sorted(set(managers)))
    if before is None or not before.concerns(fields, now):
        return Contest(who, fields, 1, now)
    return Contest(tuple(sorted({*before.managers, *who})), fields, before.rounds + 1, now)
