"""Keep the number of a mirror's files bounded: every fetch leaves a pack, every record some loose objects."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import pygit2

_log = logging.getLogger(__name__)
_PACKS = 100
_LOOSE = 20_000
_SPARE = 16 << 20  # bytes beside the new pack
_NAME_LENGTH = 38  # hex digits of a loose object's file name; its folder has the other two


def compact(path: Path, *, packs: int = _PACKS, loose: int = _LOOSE) -> bool:
    """Put all objects of the repository in `path` into one pack if there are more files than the limits.

    The old files go only after the new pack is complete under its name, so it may be killed at any point.
    Nothing is dropped, reachable or not; nothing is done where the disk would fill. Returns whether it did.
    """
    old_packs = set(path.glob("objects/pack/pack-*.pack"))
    old_loose = [file for file in path.glob("objects/[0-9a-f][0-9a-f]/*") if len(file.name) == _NAME_LENGTH]
    if len(old_packs) <= packs and len(old_loose) <= loose:
        return False
    free = os.statvfs(path)
    if free.f_bavail * free.f_frsize < sum(file.stat().st_size for file in (*old_packs, *old_loose)) + _SPARE:
        _log.warning("the mirror in %s has many small files and no room to pack them", path)
        return False
    repository = pygit2.Repository(str(path))
    count = repository.pack()
    repository.free()
    new = set(path.glob("objects/pack/pack-*.pack")) - old_packs
    if len(new) == 1:  # none: the objects are those of a pack that is there already
        for pack in old_packs:
            pack.with_suffix(".idx").unlink(missing_ok=True)  # first: a pack without index is not looked at
            pack.unlink()
        for file in old_loose:
            file.unlink(missing_ok=True)
    _log.info("packed %d objects of the mirror in %s", count, path)
    return True
