"""Places inside an object: as steps, and as JSON pointers (RFC 6901), which are text."""

from __future__ import annotations

from typing import TypeAlias

Pointer: TypeAlias = tuple[str | int, ...]
"""Names of fields, and indices in lists, from the outermost."""


def pointer_to(*steps: str | int) -> str:
    """Write a place; "" is the whole object."""
    return "".join(f"/{str(step).replace('~', '~0').replace('/', '~1')}" for step in steps)


def steps_of(pointer: str) -> tuple[str, ...]:
    """Read what `pointer_to` wrote; the index of a list's element is text too."""
    return tuple(step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:])
