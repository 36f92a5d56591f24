"""Read a tar file that is held in memory, entry by entry: names and contents as they are written there.

Formats: POSIX.1-2001 (ustar and pax) and GNU's long names. What is neither a file nor a folder is refused
with its name. Which names are fit for a chart is not decided here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from tarfile import TarError, TarInfo

MOST_FILE_BYTES = 5 << 20
"""Of one file; helm takes no larger one either."""
MOST_ENTRIES = 10_000
"""Of one archive and all that are packed in it."""
_MOST_HEADER = 16 << 10
_MOST_HEADERS = 2 << 20

_BLOCK = 512
_FILE = frozenset({b"0", b"\0"})
_FOLDER = b"5"
_LONG_NAME, _PAX, _PAX_GLOBAL = b"L", b"x", b"g"
_EXTENDING = frozenset({_LONG_NAME, _PAX, _PAX_GLOBAL})
_REFUSED = {
    b"1": "a hard link",
    b"2": "a symbolic link",
    b"3": "a device",
    b"4": "a device",
    b"6": "a pipe",
    b"K": "a link",
    b"S": "a sparse file",
}
_RECORD = re.compile(rb"([1-9][0-9]{0,8}) ([^=\0\n]+)=")


class BadArchive(Exception):  # noqa: N818 - internal: becomes a Problem where the archive's place is known
    """What is wrong with an archive, or with one `entry` of it."""

    def __init__(self, message: str, entry: str = "") -> None:
        self.entry = entry
        super().__init__(message)


@dataclass(slots=True)
class Headers:
    """How many are left for an archive and those in it: each costs time, whatever its size."""

    entries: int = MOST_ENTRIES
    extended: int = _MOST_HEADERS

    def entry(self) -> None:
        """Count one header. Raises BadArchive."""
        self.entries -= 1
        if self.entries < 0:
            raise BadArchive(f"more than {MOST_ENTRIES} entries")

    def extend(self, size: int) -> None:
        """Count `size` bytes of an extended header. Raises BadArchive."""
        self.extended -= size
        if size > _MOST_HEADER or self.extended < 0:
            raise BadArchive("extended headers that are too large")


def entries(tar: bytes, headers: Headers) -> Iterator[tuple[str, bytes | None]]:
    """Give name and content of each file, None for a folder's content. Raises BadArchive.

    Bytes of a name that are no UTF-8 come as lone surrogates.
    """
    at, said = 0, _Said()
    while at + _BLOCK <= len(tar) and tar.count(0, at, at + _BLOCK) < _BLOCK:
        headers.entry()
        header = _header(tar[at : at + _BLOCK])
        extends = header.type in _EXTENDING
        name, size = (header.name, header.size) if extends else said.over(header)
        if size < 0 or at + _BLOCK + size > len(tar):
            raise BadArchive("the archive ends within this entry", name)
        content = tar[at + _BLOCK : at + _BLOCK + size] if size <= MOST_FILE_BYTES else None
        if extends:
            headers.extend(size)
            said.read(header.type, content or b"")
        else:
            yield name, _content(header.type, name, size, content)
            said = _Said()
        at += _BLOCK - (-size // _BLOCK) * _BLOCK
    if tar.count(0, at) != max(len(tar) - at, 0):
        raise BadArchive("something follows the end of the tar file, or it is damaged")


def _header(block: bytes) -> TarInfo:
    try:
        return TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except (TarError, ValueError):
        raise BadArchive("this is no tar file, or it is damaged") from None


def _content(kind: bytes, name: str, size: int, content: bytes | None) -> bytes | None:
    if kind != _FOLDER and kind not in _FILE:
        what = _REFUSED.get(kind, "neither a file nor a folder")
        raise BadArchive(f"{what}: a chart is made of files and folders", name)
    if kind == _FOLDER and size:
        raise BadArchive("a folder with a content", name)
    if content is None:
        raise BadArchive(f"more than {MOST_FILE_BYTES >> 20} MiB in one file", name)
    return None if kind == _FOLDER else content


@dataclass(slots=True)
class _Said:
    """What extended headers said of the entry that follows them."""

    name: str | None = None
    size: int | None = None

    def over(self, header: TarInfo) -> tuple[str, int]:
        """Name and size of the entry: these headers go before its own."""
        name = header.name if self.name is None else self.name
        return name, header.size if self.size is None else self.size

    def read(self, kind: bytes, data: bytes) -> None:
        """Take in one extended header. Raises BadArchive."""
        if kind == _LONG_NAME:
            self.name = data.rstrip(b"\0").decode(errors="surrogateescape")
            return
        for key, value in _records(data):
            if key.startswith(b"GNU.sparse."):
                raise BadArchive("a sparse file: a chart is made of files and folders", self.name or "")
            if kind == _PAX_GLOBAL and key in (b"path", b"size"):
                raise BadArchive("an extended header that gives all entries one name or size")
            if key == b"path":
                self.name = value.decode(errors="surrogateescape")
            elif key == b"size":
                if not re.fullmatch(rb"[0-9]{1,18}", value):
                    raise BadArchive("a size that is no number", self.name or "")
                self.size = int(value)


def _records(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Give the records of a pax header, each written `length key=value` with a line's end."""
    at = 0
    while at < len(data):
        match = _RECORD.match(data, at)
        end = at + int(match[1]) if match else 0
        if match is None or not match.end() < end <= len(data) or data[end - 1 : end] != b"\n":
            raise BadArchive("a damaged extended header")
        yield match[2], data[match.end() : end - 1]
        at = end
