"""What a registry asks of whom it does not know: RFC 9110, 11.6.1, and the distribution's token scheme."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

_SCHEME = re.compile(r"(?:^|,)\s*(basic|bearer)(?:\s+|$)", re.IGNORECASE)
_PARAMETER = re.compile(r"([a-z_]+)=(?:\"([^\"]*)\"|([^\s,\"]+))\s*(?:,\s*)?", re.IGNORECASE)
_LONGEST = 4096


@dataclass(frozen=True, slots=True)
class Challenge:
    """`realm` is where a bearer token is had, `service` for whom; a basic one is without."""

    bearer: bool
    realm: str = ""
    service: str = ""


def challenge(headers: Iterable[str]) -> Challenge | None:
    """Read `WWW-Authenticate`; a token counts more than a password. None where there is neither."""
    found = [
        (one[1].lower(), header[one.end() :])
        for header in headers
        if len(header) <= _LONGEST
        for one in _SCHEME.finditer(header)
    ]
    for scheme, rest in found:
        if scheme == "bearer":
            said = dict(_parameters(rest))
            return Challenge(bearer=True, realm=said.get("realm", ""), service=said.get("service", ""))
    return Challenge(bearer=False) if found else None


def _parameters(rest: str) -> Iterator[tuple[str, str]]:
    at = 0
    while one := _PARAMETER.match(rest, at):
        yield one[1].lower(), one[2] or one[3] or ""
        at = one.end()
