"""Schedules of CronJobs, as robfig/cron reads them; only whether they are right."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import available_timezones

_DESCRIPTORS = frozenset({"@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"})
_MONTHS = {
    name: number
    for number, name in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), 1
    )
}
_DAYS = {name: number for number, name in enumerate(("sun", "mon", "tue", "wed", "thu", "fri", "sat"))}
_FIELDS = 5


class _Bounds(NamedTuple):
    least: int
    most: int
    names: Mapping[str, int]


_BOUNDS = (
    _Bounds(0, 59, {}),
    _Bounds(0, 23, {}),
    _Bounds(1, 31, {}),
    _Bounds(1, 12, _MONTHS),
    _Bounds(0, 6, _DAYS),
)


class _Wrong(ValueError):  # noqa: N818 - a schedule's fault, not this program's
    """What is wrong, in the library's words."""


@lru_cache(maxsize=256)
def fault(schedule: str) -> str:
    """Return what is wrong with a schedule, or ""."""
    try:
        _check(schedule)
    except _Wrong as error:
        return str(error)
    return ""


def _check(schedule: str) -> None:
    text = schedule
    if text.startswith(("TZ=", "CRON_TZ=")):
        zone, _, text = text.partition(" ")
        if not _known_zone(zone.partition("=")[2]):
            raise _Wrong(
                f"provided bad location {zone.partition('=')[2]}: unknown time zone {zone.partition('=')[2]}"
            )
        text = text.strip()
    if text.startswith("@"):
        _check_descriptor(text)
        return
    fields = text.split()
    if len(fields) != _FIELDS:
        raise _Wrong(f"expected exactly {_FIELDS} fields, found {len(fields)}: [{' '.join(fields)}]")
    for field, bounds in zip(fields, _BOUNDS, strict=True):
        for part in field.split(","):
            _check_range(part, bounds)


def _known_zone(name: str) -> bool:
    return time_zone_is_known(name)


@lru_cache(maxsize=256)
def time_zone_is_known(name: str) -> bool:
    """Whether the machine's zone database has a name."""
    return name in available_timezones()


def _check_descriptor(text: str) -> None:
    if text in _DESCRIPTORS or text.startswith("@every "):
        return
    raise _Wrong(f"unrecognized descriptor: {text}")


def _check_range(part: str, bounds: _Bounds) -> None:
    ends, slash, step = part.partition("/")
    low, dash, high = ends.partition("-")
    if "-" in high:
        raise _Wrong(f"too many hyphens: {part}")
    if low in {"*", "?"}:
        start, end = bounds.least, bounds.most
    else:
        start = _number(low, bounds.names)
        end = _number(high, bounds.names) if dash else start
    if slash:
        if "/" in step:
            raise _Wrong(f"too many slashes: {part}")
        every = _number(step, {})
        end = bounds.most if not dash and low not in {"*", "?"} else end
    else:
        every = 1
    if start < bounds.least:
        raise _Wrong(f"beginning of range ({start}) below minimum ({bounds.least}): {part}")
    if end > bounds.most:
        raise _Wrong(f"end of range ({end}) above maximum ({bounds.most}): {part}")
    if start > end:
        raise _Wrong(f"beginning of range ({start}) beyond end of range ({end}): {part}")
    if every == 0:
        raise _Wrong(f"step of range should be a positive number: {part}")


def _number(text: str, names: Mapping[str, int]) -> int:
    if text.lower() in names:
        return names[text.lower()]
    if not text.lstrip("+-").isdigit():
        raise _Wrong(f'failed to parse int from {text}: strconv.Atoi: parsing "{text}": invalid syntax')
    number = int(text)
    if number < 0:
        raise _Wrong(f"negative number ({number}) not allowed: {text}")
    return number
