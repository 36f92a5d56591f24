"""Copy objects between two repositories on one machine; the cost follows what is missing, not the size."""

from __future__ import annotations

import errno
import os

import pygit2
from pygit2.enums import FileMode

_SPARE = 1 << 16  # bytes beside the object itself: folders, a partly filled block


def copy_closure(source: pygit2.Repository, target: pygit2.Repository, tip: str) -> int:
    """Copy `tip` and all that it needs and `target` lacks; return how many objects were written.

    Children are written before whatever names them. So an object that is present proves that all below it
    is present, however often this was killed on the way. Raises OSError (ENOSPC) when the disk is full.
    """
    written = 0
    stack: list[tuple[pygit2.Oid, bool]] = [(pygit2.Oid(hex=tip), False)]
    while stack:
        oid, children_done = stack.pop()
        if oid in target:
            continue
        if not children_done:
            stack.append((oid, True))
            stack.extend((child, False) for child in _children(source, oid))
            continue
        kind, content = source.odb.read(oid)
        _require_room(target.path, len(content))
        target.odb.write(kind, content)
        written += 1
    return written


def _require_room(folder: str, size: int) -> None:
    """Say so ourselves: libgit2 1.9 reports a loose object that did not fit without a reason."""
    free = os.statvfs(folder)
    if free.f_bavail * free.f_frsize < size + _SPARE:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _children(repository: pygit2.Repository, oid: pygit2.Oid) -> list[pygit2.Oid]:
    found: object = repository[oid]
    if isinstance(found, pygit2.Commit):
        return [found.tree_id, *found.parent_ids]
    if isinstance(found, pygit2.Tree):
        return [entry.id for entry in found if entry.filemode != FileMode.COMMIT]
    if isinstance(found, pygit2.Tag):
        return [found.target]
    return []
