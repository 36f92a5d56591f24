"""Who takes a field by turns with us, and how long we hold off: the longer the fight, the longer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

FIGHT_FROM = 3
"""So many corrections of one field, close to one another, are a fight and no accident."""
FIGHT_ACROSS = 20
"""So many corrections of one object, whichever its fields, are one too; a field's fight alone stays below."""
_FIRST = timedelta(seconds=5)
_LONGEST = timedelta(hours=1)
_CALM = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Contest:
    """The corrections of one field, or of one object, as far as they belong together.

    `managers` are those who took what was corrected; `fight_from` so many `rounds` are a fight.
    """

    managers: tuple[str, ...]
    rounds: int
    last: datetime
    fight_from: int = FIGHT_FROM

    @property
    def fought(self) -> bool:
        """Whether this is a fight."""
        return self.rounds >= self.fight_from

    @property
    def hold(self) -> timedelta:
        """How long after the newest correction the next one waits."""
        if not self.fought:
            return timedelta(0)
        doubled: int = 2 ** min(self.rounds - self.fight_from, 20)
        return min(_FIRST * doubled, _LONGEST)

    @property
    def until(self) -> datetime:
        """The moment from which the next correction may be made."""
        return self.last + self.hold

    def goes_on(self, now: datetime) -> bool:
        """Whether a correction now belongs to this: not long after the newest."""
        return now - self.last <= max(_CALM, 2 * self.hold)


@dataclass(frozen=True, slots=True)
class Contests:
    """The newest corrections of one object.

    `fields` are those of each field (a JSON pointer, say), `across` those of any: who takes ever other
    fields, or has generated names in their paths, is held off too.
    """

    fields: Mapping[str, Contest] = field(default_factory=dict)
    across: Contest | None = None

    def over(self, paths: Iterable[str], now: datetime) -> Contest | None:
        """Give the one that holds off a change of `paths` now the longest; None where none concerns it."""
        concerned = [self.fields.get(path) for path in sorted(set(paths))]
        going = [one for one in (*concerned, self.across) if one is not None and one.goes_on(now)]
        return max(going, key=lambda one: (one.until, one.rounds), default=None)

    def corrected(self, managers: Iterable[str], paths: Iterable[str], now: datetime) -> Contests:
        """Take in one more correction; what is over is forgotten."""
        who, concerned = frozenset(managers), frozenset(paths)
        kept = {path: one for path, one in self.fields.items() if one.goes_on(now)}
        taken = {path: _more(kept.get(path, Contest((), 0, now)), who, now) for path in concerned}
        across = self.across if self.across is not None and self.across.goes_on(now) else None
        return Contests(kept | taken, _more(across or Contest((), 0, now, FIGHT_ACROSS), who, now))


def _more(contest: Contest, managers: frozenset[str], now: datetime) -> Contest:
    who = tuple(sorted(managers.union(contest.managers)))
    return replace(contest, managers=who, rounds=contest.rounds + 1, last=now)
