"""Private folders, each for one run of a tool, on disk or in memory; none of them is left behind."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

_PREFIX = "gitops-waves-render-"
MOMENT = 60
"""Seconds that pass at most between making a folder and locking it, on a machine that is very slow."""
_MEMORY = Path("/dev/shm")  # noqa: S108 - it is asked whether it is in memory, and folders in it are private
_MOUNTS = Path("/proc/mounts")
_IN_MEMORY = frozenset({"tmpfs", "ramfs"})


def memory(mounts: Path = _MOUNTS, folder: Path = _MEMORY) -> Path | None:
    """Give a folder whose files are in memory alone, where this system has one: on Linux."""
    try:
        lines = [line.split() for line in mounts.read_text().splitlines()]
    except OSError:
        return None
    kinds = [words[2] for words in lines if len(words) > 2 and words[1] == str(folder)]  # noqa: PLR2004 - as used
    usable = bool(kinds) and kinds[-1] in _IN_MEMORY and os.access(folder, os.W_OK | os.X_OK)
    return folder if usable else None


@contextlib.contextmanager
def private(folder: Path) -> Iterator[Path]:
    """Make a folder in `folder` that only this user can enter, and remove it. Raises OSError."""
    place = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=folder))  # 0700
    try:
        with _locked(place):
            yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)


def sweep(folder: Path) -> None:
    """Remove what processes of this user left that were killed more than MOMENT ago: it may hold Secrets."""
    for leftover in folder.glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):
            state = leftover.lstat()
            if state.st_uid == os.getuid() and state.st_mtime < time.time() - MOMENT:
                with _locked(leftover):
                    shutil.rmtree(leftover, ignore_errors=True)


@contextlib.contextmanager
def _locked(place: Path) -> Iterator[None]:
    """Hold a folder. Raises BlockingIOError, which is an OSError, where another process does."""
    descriptor = os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)
