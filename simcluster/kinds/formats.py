"""String formats that CRD schemas may ask for, as strict as the server is with each (go-openapi's strfmt)."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from urllib.parse import urlsplit

_UUID = r"[0-9a-f]{{8}}-?[0-9a-f]{{4}}-?{version}[0-9a-f]{{3}}-?{variant}[0-9a-f]{{3}}-?[0-9a-f]{{12}}"
_ANY, _VARIANT = "[0-9a-f]", "[89ab]"
_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_DATE_TIME = re.compile(
    r"(\d{4}-\d{2}-\d{2})t(\d{2}:\d{2}:\d{2})(?:\.\d+)?(?:z|[+-]\d{2}:\d{2})", re.IGNORECASE
)
_GO_DURATION = re.compile(r"[-+]?(0|((\d+(\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h))+)")
_UNITS = "ns|nano|us|µs|micro|ms|milli|s|sec|secs|second|seconds|m|min|mins|minute|minutes"
_WORD_DURATION = re.compile(rf"(\d+)\s*({_UNITS}|h|hr|hour|hours|d|day|days|w|week|weeks)", re.IGNORECASE)
_LARGEST_BYTE = 255
_SHORTEST_TEN = 10


def fits(text: str, format_: str) -> bool:
    """Whether a string has a format; True for formats that the server does not know."""
    check = _CHECKS.get(format_)
    return check is None or check(text)


def _matches(pattern: str) -> Callable[[str], bool]:
    compiled = re.compile(pattern)
    return lambda text: compiled.fullmatch(text) is not None


def _uuid(version: str = _ANY, variant: str = _ANY) -> Callable[[str], bool]:
    found = _matches(_UUID.format(version=version, variant=variant))
    return lambda text: found(text.lower())


def _date(text: str) -> bool:
    try:
        return len(text) == len("2006-01-02") and bool(date.fromisoformat(text))
    except ValueError:
        return False


def _date_time(text: str) -> bool:
    found = _DATE_TIME.fullmatch(text)
    try:
        return found is not None and bool(datetime.fromisoformat(f"{found[1]}T{found[2]}"))
    except ValueError:
        return False


def _duration(text: str) -> bool:
    return bool(_GO_DURATION.fullmatch(text) or _WORD_DURATION.fullmatch(text))


def _ipv4(text: str) -> bool:
    found = re.fullmatch(r"(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})", text)
    return found is not None and max(map(int, found.groups())) <= _LARGEST_BYTE


def _parses(parse: Callable[[str], object]) -> Callable[[str], bool]:
    def check(text: str) -> bool:
        try:
            parse(text)
        except ValueError:
            return False
        return True

    return check


def _cidr(text: str) -> object:
    if "/" not in text:
        raise ValueError(text)
    return ipaddress.ip_network(text, strict=False)


def _uri(text: str) -> bool:
    if not text or re.search(r"[\x00-\x20\x7f]", text):
        return False
    return text.startswith("/") or bool(re.match(r"[a-zA-Z][a-zA-Z0-9+.-]*:", text) and urlsplit(text).scheme)


def _isbn(text: str) -> bool:
    digits = text.replace("-", "").replace(" ", "")
    if re.fullmatch(r"\d{9}[\dX]", digits):
        values = [_SHORTEST_TEN if char == "X" else int(char) for char in digits]
        return sum((10 - index) * value for index, value in enumerate(values)) % 11 == 0
    if re.fullmatch(r"\d{13}", digits):
        return sum(int(char) * (3 if index % 2 else 1) for index, char in enumerate(digits)) % 10 == 0
    return False


def _luhn(text: str) -> bool:
    digits = re.sub(r"\D", "", text)
    doubled = (int(char) * (2 if index % 2 else 1) for index, char in enumerate(reversed(digits)))
    return len(digits) > _SHORTEST_TEN and sum(value // 10 + value % 10 for value in doubled) % 10 == 0


def _at_most(length: int, check: Callable[[str], bool]) -> Callable[[str], bool]:
    return lambda text: len(text) <= length and check(text)


_CHECKS: Mapping[str, Callable[[str], bool]] = {
    "bsonobjectid": _matches(r"[0-9a-fA-F]{24}"),
    "byte": _matches(r"([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{4}|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{2}==)"),
    "cidr": _parses(_cidr),
    "creditcard": _luhn,
    "date": _date,
    "date-time": _date_time,
    "datetime": _date_time,
    "duration": _duration,
    "email": _matches(r"([^<>]*<)?[^@\s<>]+@[^@\s<>]+>?"),
    "hexcolor": _matches(r"#?([0-9a-fA-F]{3}|[0-9a-fA-F]{6})"),
    "hostname": _matches(
        r"[a-zA-Z0-9](-?[a-zA-Z0-9]){0,62}|([a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?\.)+[a-zA-Z]{2,63}"
    ),
    "ipv4": _ipv4,
    "ipv6": _parses(ipaddress.IPv6Address),
    "isbn": _isbn,
    "isbn10": _at_most(13, _isbn),
    "isbn13": _isbn,
    "k8s-long-name": _at_most(253, _matches(rf"{_LABEL}(\.{_LABEL})*")),
    "k8s-short-name": _at_most(63, _matches(_LABEL)),
    "mac": _matches(
        r"[0-9a-fA-F]{2}([:-][0-9a-fA-F]{2}){5}([:-][0-9a-fA-F]{2}){0,2}|([0-9a-fA-F]{4}\.){2,3}[0-9a-fA-F]{4}"
    ),
    "rgbcolor": _matches(r"rgb\(\s*\d{1,3}\s*,\s*\d{1,3}\s*,\s*\d{1,3}\s*\)"),
    "ssn": _matches(r"\d{3}[- ]?\d{2}[- ]?\d{4}"),
    "uri": _uri,
    "uuid": _uuid(),
    "uuid3": _uuid("3"),
    "uuid4": _uuid("4", _VARIANT),
    "uuid5": _uuid("5", _VARIANT),
}
