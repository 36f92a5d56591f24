"""What took time to get, kept on disk by a digest that stands for it. Several processes may share it.

It can be deleted at any time, and is never trusted: an entry that is damaged, cannot be read or is no file of
ours counts as missing. A disk that is full or read-only costs time, nothing else.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import stat
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from controllers.files import write_whole

log = logging.getLogger(__name__)

_PRIVATE = 0o700
_MAGIC = b"gitops-waves output 1\n"
_CHECKSUM_BYTES = 32
_DIGITS = frozenset("0123456789abcdef")
# Making room goes on until a tenth is free: not every write has to look through the folder.
_FREE_SHARE = 0.1


class _Entry(NamedTuple):
    used: float
    size: int
    path: Path


class DiskCache:
    """Contents by digest (hexadecimal); what was used longest ago goes first. For any thread."""

    def __init__(self, folder: Path, limit_bytes: int, what: str = "rendered outputs") -> None:
        """`limit_bytes` bounds the files together; several processes may exceed it by a tenth each.

        `what` names, for the log, what is kept.
        """
        self._what = what
        self._folder = folder
        self._limit = limit_bytes
        self._lock = threading.Lock()
        self._room = 0  # bytes that may be written before the folder is looked through again
        self._complained = False

    def get(self, digest: str) -> bytes | None:
        """Give what was kept; None where nothing sound is."""
        path = self._path(digest)
        try:
            with _opened(path) as file:
                content = file.read(self._limit + 1)
                os.utime(file.fileno())
        except FileNotFoundError:
            return None
        except OSError as error:
            self._complain(error)
            return None
        data = _checked(digest, content)
        if data is None:
            log.warning("one of the %s in %s is damaged: it is made again", self._what, self._folder)
            with contextlib.suppress(OSError):
                path.unlink()
        return data

    def put(self, digest: str, data: bytes) -> None:
        """Keep it; it must hold no Secret's values. Raises nothing for a disk that fails."""
        content = _MAGIC + _checksum(digest, data) + data
        if len(content) > self._limit:
            return
        path = self._path(digest)
        try:
            self._folder.mkdir(mode=_PRIVATE, parents=True, exist_ok=True)
            path.parent.mkdir(mode=_PRIVATE, exist_ok=True)
            self._make_room(len(content))
            write_whole(path, content)
        except OSError as error:
            self._complain(error)

    def _path(self, digest: str) -> Path:
        if not _DIGITS.issuperset(digest):
            raise ValueError(f"{digest!r} is not a digest")
        return self._folder / digest[:2] / digest

    def _make_room(self, size: int) -> None:
        with self._lock:
            if size > self._room:
                entries = sorted(_entries(self._folder))
                held = sum(entry.size for entry in entries)
                goal = int(self._limit * (1 - _FREE_SHARE)) - size
                for entry in entries:
                    if held <= goal:
                        break
                    entry.path.unlink(missing_ok=True)
                    held -= entry.size
                self._room = min(self._limit - held, int(self._limit * _FREE_SHARE) + size)
            self._room -= size

    def _complain(self, error: OSError) -> None:
        if not self._complained:
            self._complained = True
            log.warning(
                "%s cannot be kept in %s, and are had anew each time: %s",
                self._what,
                self._folder,
                error.strerror,
            )


def _entries(folder: Path) -> Iterator[_Entry]:
    """Everything in the cache, drafts of killed processes too."""
    for path in folder.glob("*/*"):
        with contextlib.suppress(OSError):  # another process made room too
            found = path.lstat()
            if stat.S_ISREG(found.st_mode):
                yield _Entry(found.st_mtime, found.st_size, path)


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    """Open a file of ours; what is a symlink or another's is refused."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_uid != os.geteuid():
            raise FileNotFoundError(path)
        yield file


def _checksum(digest: str, data: bytes) -> bytes:
    """Of the data and its name: an entry that was moved is no better than a damaged one."""
    return hashlib.sha256(digest.encode() + b"\0" + data).digest()


def _checked(digest: str, content: bytes) -> bytes | None:
    begin = len(_MAGIC) + _CHECKSUM_BYTES
    data = content[begin:]
    sound = content.startswith(_MAGIC) and content[len(_MAGIC) : begin] == _checksum(digest, data)
    return data if sound else None
