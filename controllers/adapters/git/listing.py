"""Take tree objects apart: folders of thousands of names are compared by their bytes.

An object for every entry costs a hundred times as much, and only what differs needs one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

import pygit2
from pygit2.enums import FileMode, ObjectType

from controllers.recent import Recent

_ENTRY = re.compile(rb"([0-7]{5,6}) ([^\0]+)\0(.{20})", re.DOTALL)
_TREE = re.compile(rb"(?:[0-7]{5,6} [^\0]+\0.{20})*+", re.DOTALL)
_FORMAT_BITS = 0o170000  # stat(2): the permission bits below them say nothing of what an entry is
_RECENT_BYTES = 8 << 20
_FIRST_LOOK = 64  # bytes: about one entry


class RawEntry(NamedTuple):
    """One line of a tree object, as gitformat-tree has it: the mode in octal digits, the hash in binary."""

    mode: bytes
    name: bytes
    hash: bytes

    @property
    def oid(self) -> str:
        """The object's full name."""
        return self.hash.hex()

    @property
    def format(self) -> int:
        """What the entry is: FileMode.TREE, LINK or COMMIT, or anything else for a file."""
        return int(self.mode, 8) & _FORMAT_BITS

    @property
    def is_tree(self) -> bool:
        """Whether the entry is a folder."""
        return self.format == FileMode.TREE

    @property
    def length(self) -> int:
        """How many bytes the line has."""
        return len(self.mode) + len(self.name) + len(self.hash) + 2

    @property
    def place(self) -> bytes:
        """What tree objects are sorted by."""
        return self.name + b"/" if self.is_tree else self.name


# Tree objects by their hash, so of any repository: a commit's folders are read to fetch it, and then by all
# that ask what it changed.
_recent = Recent[bytes, bytes](_RECENT_BYTES)


def raw_tree(repository: pygit2.Repository, oid: str | pygit2.Oid) -> bytes:
    """Read a tree object. Raises pygit2.GitError for one that is none, or is damaged."""
    name = oid if isinstance(oid, pygit2.Oid) else pygit2.Oid(hex=oid)
    known = _recent.get(name.raw)
    if known is not None:
        return known
    kind, data = repository.odb.read(name)
    if kind != ObjectType.TREE:
        raise pygit2.GitError(f"{oid} is not a tree")
    if _TREE.fullmatch(data) is None:
        raise pygit2.GitError(f"the tree {oid} is damaged")
    _recent.keep(name.raw, data, len(data))
    return data


def entries(data: bytes) -> Iterator[RawEntry]:
    """List what a tree object holds, in its own order."""
    return map(RawEntry._make, _ENTRY.findall(data))


def differing(left: bytes, right: bytes) -> Iterator[tuple[bytes, RawEntry | None, RawEntry | None]]:
    """Pair the entries that two tree objects do not have in common, by name, sorted.

    What they have in common is compared as bytes and not taken apart: it costs next to nothing.
    """
    old: dict[bytes, RawEntry] = {}
    new: dict[bytes, RawEntry] = {}
    at, there = 0, 0
    while at < len(left) or there < len(right):
        alike = _alike(left, at, right, there)
        if at + alike == len(left) and there + alike == len(right):
            break
        alike = _whole_entries(left, at, alike)
        at, there = at + alike, there + alike
        before, after = _entry(left, at), _entry(right, there)
        # Git sorts entries: what comes first on one side is not on the other.
        if before is not None and (after is None or before.place <= after.place):
            old[before.name] = before
            at += before.length
        if after is not None and (before is None or after.place <= before.place):
            new[after.name] = after
            there += after.length
        if before is None and after is None:
            break
    for name in sorted(old.keys() | new.keys()):
        if old.get(name) != new.get(name):
            yield name, old.get(name), new.get(name)


def _entry(data: bytes, start: int) -> RawEntry | None:
    found = _ENTRY.match(data, start)
    return RawEntry(*found.groups()) if found else None


def _whole_entries(data: bytes, start: int, length: int) -> int:
    """How many of `length` bytes from `start` on are whole entries; an entry begins at `start`."""
    found = _TREE.match(data, start, start + length)
    return found.end() - start if found else 0


def _alike(left: bytes, start: int, right: bytes, beginning: int) -> int:
    """How many bytes are the same, from two places on. Slices, because comparing them is a memcmp(3)."""
    most = min(len(left) - start, len(right) - beginning)
    low, high = 0, _FIRST_LOOK
    while left[start + low : start + high] == right[beginning + low : beginning + high]:
        if high >= most:
            return most
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        if left[start + low : start + middle] == right[beginning + low : beginning + middle]:
            low = middle
        else:
            high = middle
    return low
