"""Copy objects between two repositories on one machine; the cost follows what is missing, not the size."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from typing import NamedTuple

import pygit2
from pygit2.enums import FileMode

from controllers.adapters.git.listing import differing, raw_tree

_SPARE = 1 << 16  # bytes beside the object itself: folders, a partly filled block


class _Due(NamedTuple):
    """An object to copy. `present` is a tree that is there with all below it: what is in both is left out."""

    oid: pygit2.Oid
    present: pygit2.Oid | None = None


def copy_closure(source: pygit2.Repository, target: pygit2.Repository, tip: str) -> int:
    """Copy `tip` and all that it needs and `target` lacks; return how many objects were written.

    Children are written before whatever names them. So an object that is present proves that all below it
    is present, however often this was killed on the way. Raises OSError (ENOSPC) when the disk is full.
    """
    written = 0
    stack: list[tuple[_Due, bool]] = [(_Due(pygit2.Oid(hex=tip)), False)]
    while stack:
        due, children_done = stack.pop()
        if due.oid in target:
            continue
        if not children_done:
            stack.append((due, True))
            stack.extend((child, False) for child in _children(source, target, due))
            continue
        kind, content = source.odb.read(due.oid)
        _require_room(target.path, len(content))
        target.odb.write(kind, content)
        written += 1
    return written


def _require_room(folder: str, size: int) -> None:
    """Say so ourselves: libgit2 1.9 reports a loose object that did not fit without a reason."""
    free = os.statvfs(folder)
    if free.f_bavail * free.f_frsize < size + _SPARE:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _children(source: pygit2.Repository, target: pygit2.Repository, due: _Due) -> Iterator[_Due]:
    found: object = source[due.oid]
    if isinstance(found, pygit2.Commit):
        yield from map(_Due, found.parent_ids)
        known = next((parent for parent in found.parent_ids if parent in target), None)
        yield _Due(found.tree_id, target[known].peel(pygit2.Tree).id if known else None)
    elif isinstance(found, pygit2.Tree):
        present = raw_tree(target, due.present) if due.present else b""
        for _, old, new in differing(present, raw_tree(source, due.oid)):
            if new is not None and new.format != FileMode.COMMIT:
                inside = pygit2.Oid(raw=old.hash) if old is not None and old.is_tree and new.is_tree else None
                yield _Due(pygit2.Oid(raw=new.hash), inside)
    elif isinstance(found, pygit2.Tag):
        yield _Due(found.target)
