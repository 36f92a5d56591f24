"""A scene that did not come out as it is told."""

from __future__ import annotations


class Unexpected(Exception):  # noqa: N818 - reads as what happened
    """What was expected and what was seen, for people."""


def expect(claim: str, seen: object, wanted: object) -> None:
    """Raise Unexpected unless `seen` equals `wanted`."""
    if seen != wanted:
        raise Unexpected(f"{claim}: expected {wanted!r}, saw {seen!r}")
