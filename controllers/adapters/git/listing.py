"""Take tree objects apart: folders of thousands of names are compared by their bytes.

An object of the library for every entry costs ten times as much, and only what differs needs one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple, TypeAlias

import pygit2
from pygit2.enums import FileMode, ObjectType

_ENTRY = re.compile(rb"([0-7]{5,6}) ([^\0]+)\0(.{20})", re.DOTALL)
_TREE = re.compile(rb"(?:[0-7]{5,6} [^\0]+\0.{20})*+", re.DOTALL)
_FORMAT_BITS = 0o170000  # stat(2): the permission bits below them say nothing of what an entry is


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


Raw: TypeAlias = tuple[bytes, bytes, bytes]
"""A RawEntry that nobody has looked into yet."""


def raw_entries(repository: pygit2.Repository, oid: str | pygit2.Oid) -> list[Raw]:
    """List a tree object in its own order. Raises pygit2.GitError for one that is none, or is damaged."""
    kind, data = repository.odb.read(oid if isinstance(oid, pygit2.Oid) else pygit2.Oid(hex=oid))
    if kind != ObjectType.TREE:
        raise pygit2.GitError(f"{oid} is not a tree")
    if _TREE.fullmatch(data) is None:
        raise pygit2.GitError(f"the tree {oid} is damaged")
    return _ENTRY.findall(data)


def differing(
    left: Iterable[Raw], right: Iterable[Raw]
) -> Iterator[tuple[bytes, RawEntry | None, RawEntry | None]]:
    """Pair the entries that two folders do not have in common, by name, sorted."""
    before, after = set(left), set(right)
    old = {entry[1]: RawEntry(*entry) for entry in before - after}
    new = {entry[1]: RawEntry(*entry) for entry in after - before}
    for name in sorted(old.keys() | new.keys()):
        yield name, old.get(name), new.get(name)
