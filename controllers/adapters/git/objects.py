"""Copy objects between two repositories on one machine; the cost follows what is missing, not the size."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from typing import NamedTuple

import pygit2
from pygit2.enums import FileMode, ObjectType

from controllers.adapters.git.listing import differing, raw_tree

_SPARE = 1 << 16  # bytes beside the object itself: folders, a partly filled block


class _Due(NamedTuple):
    """An object to copy. `present` is a tree that is there with all below it: what is in both is left out."""

    oid: pygit2.Oid
    present: pygit2.Oid | None = None


class _Object(NamedTuple):
    kind: int
    content: bytes


def copy_closure(source: pygit2.Repository, target: pygit2.Repository, tip: str) -> int:
    """Copy `tip` and all that it needs and `target` lacks; return how many objects were written.

    Children are written before whatever names them. So an object that is present proves that all below it
    is present, however often this was killed on the way. Raises OSError (ENOSPC) when the disk is full.
    """
    written = 0
    stack: list[tuple[_Due, _Object | None]] = [(_Due(pygit2.Oid(hex=tip)), None)]
    while stack:
        due, complete = stack.pop()
        if due.oid in target:
            continue
        if complete is None:
            found = _read(source, due.oid)
            stack.append((due, found))
            stack.extend((child, None) for child in _children(source, target, due, found))
            continue
        _require_room(target.path, len(complete.content))
        target.odb.write(complete.kind, complete.content)
        written += 1
    return written


def _require_room(folder: str, size: int) -> None:
    """Say so ourselves: libgit2 1.9 reports a loose object that did not fit without a reason."""
    free = os.statvfs(folder)
    if free.f_bavail * free.f_frsize < size + _SPARE:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _read(source: pygit2.Repository, oid: pygit2.Oid) -> _Object:
    kind, _ = source.odb.read_header(oid)
    return _Object(kind, raw_tree(source, oid) if kind == ObjectType.TREE else source.odb.read(oid)[1])


def _children(
    source: pygit2.Repository, target: pygit2.Repository, due: _Due, found: _Object
) -> Iterator[_Due]:
    if found.kind == ObjectType.TREE:
        present = raw_tree(target, due.present) if due.present else b""
        for _, old, new in differing(present, found.content):
            if new is not None and new.format != FileMode.COMMIT:
                inside = pygit2.Oid(raw=old.hash) if old is not None and old.is_tree and new.is_tree else None
                yield _Due(pygit2.Oid(raw=new.hash), inside)
        return
    named: object = source[due.oid] if found.kind != ObjectType.BLOB else None
    if isinstance(named, pygit2.Commit):
        yield from map(_Due, named.parent_ids)
        known = next((parent for parent in named.parent_ids if parent in target), None)
        yield _Due(named.tree_id, target[known].peel(pygit2.Tree).id if known else None)
    elif isinstance(named, pygit2.Tag):
        yield _Due(named.target)
