"""The folder of a mirror: make it, reopen it, and replace it when it is broken."""

from __future__ import annotations

import fcntl
import logging
import math
import os
import shutil
import time
from itertools import count
from pathlib import Path

import pygit2
from pygit2.enums import ObjectType

from controllers.adapters.git.audit import REFS, SEEN, ref_target
from controllers.adapters.git.compaction import compact
from controllers.adapters.git.failures import explained

_log = logging.getLogger(__name__)
_PRIVATE = 0o700  # manifests hold Secrets, and they lie here in the clear
_CACHED_TREE = 1 << 20  # bytes: folders of a thousand applications are read at every step to a file
_CACHED = 64 << 20  # bytes of all objects that libgit2 keeps, for all repositories of this process
_STALE = 600  # seconds after which a lock or a half-written pack can only be a dead process's


def claim(path: Path) -> int | None:
    """Say that this process works in the mirror at `path`, or give None where another one, or this, does.

    The claim ends when the descriptor is closed: by the system, where the process is killed.
    """
    with explained(f"opening the mirror in {path}"):
        path.parent.mkdir(mode=_PRIVATE, parents=True, exist_ok=True)
        descriptor = os.open(path.with_name(f"{path.name}.claim"), os.O_RDWR | os.O_CREAT, mode=0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        _log.warning("the mirror in %s is in use, or its file system has no locks: share none", path)
        return None
    return descriptor


def open_store(path: Path, branch: str, *, alone: bool) -> pygit2.Repository:
    """Open the bare repository at `path`; make it where there is none, or where it is broken.

    `alone`: no other process writes to it, so whatever is locked there was locked by one that is dead.
    Everything in it comes from the remote, except records that were not pushed yet: a broken folder that may
    hold some is renamed, not removed, and a warning says where it is.
    """
    with explained(f"opening the mirror in {path}"):
        if path.exists() and not _sound(path):
            _clear_away(path)
        if not path.exists():
            _create(path, branch)
        _sweep(path, alone=alone)
        compact(path)
        pygit2.settings.cache_object_limit(ObjectType.TREE, _CACHED_TREE)
        pygit2.settings.cache_max_size(_CACHED)
        _point_head(path, f"ref: refs/heads/{branch}\n")
        return pygit2.Repository(str(path))


def _create(path: Path, branch: str) -> None:
    """Make it beside its place first, so that nobody finds half of it."""
    draft = path.with_name(f".{path.name}.new")
    shutil.rmtree(draft, ignore_errors=True)
    repository = pygit2.init_repository(str(draft), bare=True, initial_head=branch)
    draft.chmod(_PRIVATE)
    repository.config["http.followRedirects"] = "false"  # credentials go to the configured host only
    repository.config["core.logAllRefUpdates"] = "false"
    repository.free()
    draft.rename(path)


def _point_head(path: Path, content: str) -> None:
    """Let `HEAD` mean the followed branch; other processes may be reading."""
    head = path / "HEAD"
    if head.read_text(encoding="utf-8") != content:
        draft = path / "HEAD.new"
        draft.write_text(content, encoding="utf-8")
        draft.replace(head)


def _sound(path: Path) -> bool:
    """Whether every ref names a commit whose tree can be read. A torn write shows there first."""
    refs = [file for file in path.glob("refs/**/*") if file.is_file() and file.suffix != ".lock"]
    try:
        for file in refs:  # libgit2's own listing passes over the broken ones
            pygit2.Oid(hex=file.read_text(encoding="ascii").strip())
        repository = pygit2.Repository(str(path))
        for name in repository.listall_references():
            if name.startswith("refs/tags/"):  # they may name anything, and nothing here reads them
                continue
            repository[str(repository.references[name].target)].peel(pygit2.Tree)
        repository.free()
    except (pygit2.GitError, KeyError, ValueError, OSError) as error:
        _log.warning("the mirror in %s is damaged and will be fetched again: %s", path, error)
        return False
    return True


def _clear_away(path: Path) -> None:
    if _all_pushed(path):
        shutil.rmtree(path)
        return
    aside = next(free for n in count(1) if not (free := path.with_name(f"{path.name}.damaged-{n}")).exists())
    path.rename(aside)
    _log.warning("the damaged mirror may hold audit records that were never pushed; it is kept in %s", aside)


def _all_pushed(path: Path) -> bool:
    try:
        repository = pygit2.Repository(str(path))
        ours = [name for name in repository.listall_references() if name.startswith(REFS)]
        return all(
            ref_target(repository, name) == ref_target(repository, SEEN + name.removeprefix(REFS))
            for name in ours
        )
    except (pygit2.GitError, KeyError, ValueError, OSError):
        return False


def _sweep(path: Path, *, alone: bool) -> None:
    """Remove what killed processes left: locks would block later writes, halves of packs fill the disk."""
    oldest = math.inf if alone else time.time() - _STALE
    for pattern in ("*.lock", "refs/**/*.lock", "objects/pack/*_git2_*", "objects/**/tmp_object_git2_*"):
        for leftover in path.glob(pattern):
            if leftover.stat().st_mtime < oldest:
                leftover.unlink(missing_ok=True)
