"""Times as they are written: RFC 3339 in UTC for programs, the same with a space for people."""

from __future__ import annotations

from datetime import UTC, datetime


def rfc3339(at: datetime | None) -> str | None:
    """Write `2026-11-23T05:25:41Z`; None for no time."""
    return None if at is None else f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def readable(at: datetime) -> str:
    """Write `2026-11-23 05:25:41Z`."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%SZ}"
