"""Cron schedules: `*/5 9-17 * * MON-FRI`, `@daily`, as robfig/cron reads them for CronJobs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

_SHORTHANDS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_BOUNDS = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
_YEARS = 5


@dataclass(frozen=True, slots=True)
class Schedule:
    """The minutes, hours, days, months and weekdays (0 is Sunday) at which it is time."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    every_day: bool
    every_weekday: bool

    def next_after(self, moment: datetime, zone: tzinfo) -> datetime | None:
        """Return the next time after `moment`, in its zone; None where none comes in five years."""
        at = moment.astimezone(zone).replace(second=0, microsecond=0) + timedelta(minutes=1)
        end = at + timedelta(days=366 * _YEARS)
        while at < end:
            if at.month not in self.months or not self._day(at):
                at = (at + timedelta(days=1)).replace(hour=0, minute=0)
            elif at.hour not in self.hours:
                at = (at + timedelta(hours=1)).replace(minute=0)
            elif at.minute not in self.minutes:
                at += timedelta(minutes=1)
            else:
                return at.astimezone(moment.tzinfo)
        return None

    def _day(self, at: datetime) -> bool:
        """Either list suffices where both are given (a rule of cron)."""
        day, weekday = at.day in self.days, at.isoweekday() % 7 in self.weekdays
        return (day and weekday) if self.every_day or self.every_weekday else (day or weekday)


def parse(text: str) -> Schedule:
    """Read a schedule of five fields or a shorthand; raises `ValueError` for what is none."""
    fields = _SHORTHANDS.get(text.strip(), text).split()
    if len(fields) != len(_BOUNDS):
        raise ValueError(f"expected exactly 5 fields, found {len(fields)}: {fields}")
    minutes, hours, days, months, weekdays = (
        _field(field.lower(), number) for number, field in enumerate(fields)
    )
    weekdays = frozenset(each % 7 for each in weekdays)
    return Schedule(minutes, hours, days, months, weekdays, fields[2][0] in "*?", fields[4][0] in "*?")


def _field(text: str, number: int) -> frozenset[int]:
    low, high = _BOUNDS[number]
    found: set[int] = set()
    for part in text.split(","):
        span, _, step = part.partition("/")
        first, dash, last = span.partition("-")
        if span in ("*", "?"):
            begin, end = low, min(high, 6) if number == len(_BOUNDS) - 1 else high
        else:
            begin = _number(first, number)
            end = _number(last, number) if dash else (high if step else begin)
        width = int(step) if step else 1
        if not low <= begin <= end <= high or width < 1:
            raise ValueError(f"end of range ({end}) or beginning ({begin}) out of bounds: {text}")
        found.update(range(begin, end + 1, width))
    return frozenset(found)


def _number(text: str, number: int) -> int:
    names = {3: _MONTHS, 4: _DAYS}.get(number, ())
    if text in names:
        return names.index(text) + (number == 3)  # noqa: PLR2004 - months count from 1
    return int(text)
