"""Who changed a field: read from the managedFields of the live object; lists are matched by their keys."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from gitops.fields import FIELD_MANAGER, Owner, owner_of, place_of, value_at
from gitops.objects import JsonObject
from gitops.pointers import steps_of

Pointer: TypeAlias = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Author:
    """`certain`: the owner holds the field now. Who removes a field owns nothing: then it is a guess.

    The guess is the newest writer of the object.
    """

    owner: Owner
    certain: bool

    def __str__(self) -> str:
        """Such as `kubectl-edit (Update)`."""
        if not self.owner.manager:
            return "somebody"
        through = f" of {self.owner.subresource}" if self.owner.subresource else ""
        maybe = "" if self.certain else "perhaps "
        return f"{maybe}{self.owner.manager} ({self.owner.operation}{through})"


NOBODY = Author(Owner("", ""), certain=False)


def author_of(live: JsonObject, pointer: str) -> Author:
    """Say who holds, or last wrote, the field at `pointer` of a live object.

    Others come before us: our entry holds a field that differs only where somebody applied under our name.
    """
    at = steps_of(pointer)
    entries = list((live.get("metadata") or {}).get("managedFields") or ())
    holders = [entry for entry in entries if _holds(entry, live, at)]
    others = [entry for entry in holders if not _ours(entry)]
    if others or holders:
        return Author(owner_of(max(others or holders, key=_time)), certain=True)
    writers = [entry for entry in entries if not entry.get("subresource") and not _ours(entry)]
    if not writers:
        return NOBODY
    return Author(owner_of(max(writers, key=_time)), certain=False)


def newest_author(live: JsonObject) -> Author:
    """Say who wrote the object last, status aside: the likeliest author of what nobody holds."""
    return author_of(live, "/\0")


def _ours(entry: JsonObject) -> bool:
    return entry.get("manager") == FIELD_MANAGER and entry.get("operation") == "Apply"


def _time(entry: JsonObject) -> str:
    return str(entry.get("time", ""))


def _holds(entry: JsonObject, live: JsonObject, at: Pointer) -> bool:
    """Whether the entry holds the field, something below it, or a whole that contains it."""
    for held, whole in _held(entry.get("fieldsV1") or {}, live, ()):
        if held[: len(at)] == at or (whole and at[: len(held)] == held):
            return True
    return False


def _held(fields: JsonObject, live: Any, prefix: Pointer) -> Iterator[tuple[Pointer, bool]]:  # noqa: ANN401
    """Pointers into `live` of what a FieldsV1 trie holds; with them, whether all below is held too."""
    for step, below in fields.items():
        if step == ".":
            yield prefix, False
            continue
        name = place_of(step, live)
        if name is None:
            continue  # an element that is not there any more
        if below:
            yield from _held(below, value_at(live, name), (*prefix, name))
        else:
            yield (*prefix, name), True


def names(authors: Iterable[Author]) -> tuple[str, ...]:
    """Managers, each once, in order."""
    return tuple(sorted({author.owner.manager for author in authors if author.owner.manager}))
