"""Reads the scalars that Go reads by methods of their own: times, bytes, quantities, IntOrString.

Errors are `ValueError`s with the words of the server's decoder.
"""

from __future__ import annotations

import base64
import re
import string
from datetime import UTC, datetime, timedelta, timezone

from simcluster.clock import micro_timestamp, timestamp

_BASE64 = frozenset(string.ascii_letters + string.digits + "+/")
_QUANTUM = 4
_RFC3339 = "2006-01-02T15:04:05Z07:00"
_RFC3339_MICRO = "2006-01-02T15:04:05.000000Z07:00"
# The elements of the layout, as Go names them, and what each one reads.
_ELEMENTS = (
    ("2006", r"\d{4}"),
    ("-", "-"),
    ("01", r"\d{2}"),
    ("-", "-"),
    ("02", r"\d{2}"),
    ("T", "T"),
    ("15", r"\d{2}"),
    (":", ":"),
    ("04", r"\d{2}"),
    (":", ":"),
    ("05", r"\d{2}"),
)
_ZONE = ("Z07:00", r"Z|[+-]\d{2}:\d{2}")
_WHOLE = re.compile(r"(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(?:[.,](\d+))?(Z|[+-]\d{2}:\d{2})")


def time(text: str, *, micro: bool = False) -> str:
    """Return a time as metav1.Time (whole seconds) or MicroTime writes it, in UTC."""
    layout = _RFC3339_MICRO if micro else _RFC3339
    found = _WHOLE.fullmatch(text)
    if found is None or (micro and len(found[7] or "") != len("000000")):
        raise ValueError(f'parsing time "{text}" as "{layout}": {_first_wrong(text, micro=micro)}')
    try:
        moment = _moment(found)
    except ValueError as error:
        raise ValueError(f'parsing time "{text}": {_out_of_range(str(error))} out of range') from None
    return micro_timestamp(moment) if micro else timestamp(moment)


def _moment(found: re.Match[str]) -> datetime:
    year, month, day, hour, minute, second = (int(found[number]) for number in range(1, 7))
    micros = int((found[7] or "")[:6].ljust(6, "0"))
    zone = found[8]
    offset = timedelta(0)
    if zone != "Z":
        offset = timedelta(hours=int(zone[1:3]), minutes=int(zone[4:6])) * (-1 if zone[0] == "-" else 1)
    moment = datetime(year, month, day, hour, minute, second, micros, tzinfo=timezone(offset))
    return moment.astimezone(UTC)


def _out_of_range(error: str) -> str:
    return next((part for part in ("month", "day", "hour", "minute", "second") if part in error), "day")


def _first_wrong(text: str, *, micro: bool) -> str:
    elements = [*_ELEMENTS, *([(".000000", r"\.\d{6}")] if micro else [("", r"(?:[.,]\d+)?")]), _ZONE]
    rest = text
    for name, pattern in elements:
        found = re.match(pattern, rest)
        if found is None:
            return f'cannot parse "{rest}" as "{name}"'
        rest = rest[found.end() :]
    return f'extra text: "{rest}"'


def octets(text: str) -> str:
    """Return base64 text as Go writes the bytes it stands for: line breaks in it are gone."""
    plain = ""
    for index, char in enumerate(text):
        if char in "\r\n":
            continue
        padding = char == "=" and len(plain) % _QUANTUM >= _QUANTUM // 2
        if (char not in _BASE64 and not padding) or (plain.endswith("=") and char != "="):
            raise ValueError(f"illegal base64 data at input byte {index}")
        plain += char
    if left := len(plain) % _QUANTUM:
        raise ValueError(f"illegal base64 data at input byte {len(text) - left}")
    return base64.b64encode(base64.b64decode(plain)).decode()
