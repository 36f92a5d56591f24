"""How much an application may grow on its way from files to objects. Ten lines of `copy` double ten times."""

from __future__ import annotations

from gitops.objects import Json

OBJECT_SIZE = 3 << 20
"""Of one object, as `size_of` counts: no API server takes a request beyond 3 MiB."""
MOST_GROWTH = 32 << 20
"""Of all that variables and patches write for an application on one target."""
_MOST_COPIED = 256 << 20
_DEEPEST = 100


class TooLarge(Exception):  # noqa: N818 - internal: becomes a Problem where its place is known
    """Says what is too large, without quoting it."""


def size_of(value: Json) -> int:
    """Count the characters of all keys and texts, and one for each value.

    Raises TooLarge beyond OBJECT_SIZE and for what is nested too deep, before it has looked at much more.
    """
    size = 0
    todo: list[tuple[Json, int]] = [(value, 1)]
    while todo:
        part, depth = todo.pop()
        size += 1
        if isinstance(part, str):
            size += len(part)
        elif isinstance(part, dict):
            size += sum(map(len, part))
            todo.extend((inner, depth + 1) for inner in part.values())
        elif isinstance(part, list):
            todo.extend((inner, depth + 1) for inner in part)
        if size + len(todo) > OBJECT_SIZE:
            raise TooLarge("the object becomes larger than 3 MiB, more than an API server takes")
        if depth > _DEEPEST:
            raise TooLarge(f"the object becomes nested deeper than {_DEEPEST} levels")
    return size


class Growth:
    """What variables and patches have written and copied so far for one application on one target."""

    def __init__(self, limit: int = MOST_GROWTH, copies: int = _MOST_COPIED) -> None:
        self._left = limit
        self._copies_left = copies

    def spend(self, size: int) -> None:
        """Count text that is about to be written. Raises TooLarge."""
        self._left -= size
        if self._left < 0:
            raise TooLarge("variables and patches make this application too large on one target")

    def copied(self, size: int) -> None:
        """Count a copy of an object that a patch works on. Raises TooLarge."""
        self._copies_left -= size
        if self._copies_left < 0:
            raise TooLarge("so many patches on so many objects take too long: use fewer")
