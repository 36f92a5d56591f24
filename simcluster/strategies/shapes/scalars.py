"""Leaves of built-in types whose JSON has a canonical form."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from simcluster.clock import micro_timestamp, timestamp
from simcluster.strategies import amounts

_CANONICAL_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_CANONICAL_MICRO_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


def quantity(value: object) -> str:
    """Write a quantity as the server does; JSON numbers are taken too."""
    return amounts.canonical(str(value))


def milli_quantity(value: object) -> str:
    """Write an entry of a resource list: rounded up to thousandths."""
    return amounts.canonical_milli(str(value))


def time(value: object) -> object:
    """Write a metav1.Time: UTC, whole seconds."""
    if not isinstance(value, str) or _CANONICAL_TIME.fullmatch(value):
        return value
    moment = _moment(value)
    return value if moment is None else timestamp(moment)


def micro_time(value: object) -> object:
    """Write a metav1.MicroTime: UTC, microseconds."""
    if not isinstance(value, str) or _CANONICAL_MICRO_TIME.fullmatch(value):
        return value
    moment = _moment(value)
    return value if moment is None else micro_timestamp(moment)


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except ValueError:
        return None


# The letters are those of shapes.go; None is: kept as it is.
SCALARS: Mapping[str, Callable[[Any], Any] | None] = {
    "s": None,
    "i": None,
    "b": None,
    "n": None,
    "x": None,
    "y": None,
    "r": None,
    "d": None,
    "q": quantity,
    "t": time,
    "u": micro_time,
}
ZEROS: Mapping[str, Any] = {"s": "", "i": 0, "b": False, "n": 0, "x": 0, "y": "", "q": "0", "d": "0s"}
