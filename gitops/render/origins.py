"""Where a value of a patched object was written: its pointer, followed back through the operations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from gitops.dialect import Document
from gitops.errors import Location
from gitops.objects import Json
from gitops.pointers import Pointer, steps_of


@dataclass(frozen=True, slots=True)
class Place:
    """A part of a document; of none, the file alone."""

    document: Document | None = field(repr=False)
    pointer: Pointer
    file: Location

    def at(self, *pointer: str | int, key: bool = False) -> Location:
        """Where the value at `pointer` below it is written, or its key."""
        if self.document is None:
            return self.file
        locate = self.document.locate_key if key else self.document.locate
        return locate(*self.pointer, *pointer)


@dataclass(frozen=True, slots=True)
class Step:
    """One operation that was carried out. Steps of pointers are integers where they count in a list.

    `source` is what was removed, moved or copied, as the object was before; `target` is where a value was
    put, as the object was after. `place` is the operation's.
    """

    op: str
    source: Pointer | None
    target: Pointer | None
    place: Place


def resolved(body: Json, path: str) -> Pointer:
    """Take a JSON pointer (RFC 6901) apart, along `body`; `-` is the last item of a list."""
    value = body
    steps: list[str | int] = []
    for name in steps_of(path):
        step: str | int = name
        if isinstance(value, list):
            step = len(value) - 1 if name == "-" else int(name[:9]) if name.isdecimal() else name
        steps.append(step)
        if isinstance(value, list):
            value = value[step] if isinstance(step, int) and 0 <= step < len(value) else None
        else:
            value = value.get(name) if isinstance(value, dict) else None
    return tuple(steps)


def written(pointer: Pointer, steps: Sequence[Step], *, key: bool = False) -> Location | Pointer:
    """Give the place in the operation that wrote the value at `pointer`, or took it away.

    Where none did: where the value stood before all of `steps`.
    """
    for step in reversed(steps):
        source, target = step.source, step.target
        if target is not None and pointer[: len(target)] == target:
            rest = pointer[len(target) :]
            if source is None:
                return step.place.at("value", *rest, key=key) if rest or not key else step.place.at("path")
            pointer = (*source, *rest)
            continue
        if target is not None and step.op != "replace":
            pointer = _shifted(pointer, target, -1)
        if source is not None and step.op != "copy":
            if isinstance(source[-1], str) and pointer[: len(source)] == source:
                return step.place.at()
            pointer = _shifted(pointer, source, 1)
    return pointer


def _shifted(pointer: Pointer, item: Pointer, by: int) -> Pointer:
    """Count as before an item was put into a list, or taken out."""
    *holder, at = item
    depth = len(holder)
    index = pointer[depth] if len(pointer) > depth and list(pointer[:depth]) == holder else None
    if isinstance(at, int) and isinstance(index, int) and index >= at:
        return (*pointer[:depth], index + by, *pointer[depth + 1 :])
    return pointer
