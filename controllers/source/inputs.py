"""The files of one revision that a tool reads: together no more than it may have."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from gitops.errors import InvalidInput, Location, Problem
from gitops.model.catalog import SourceFile
from gitops.render.trees import ListedTree

_MOST_BYTES = 64 << 20


class RevisionTree(ListedTree, Protocol):
    """The files of one revision."""

    def read(self, path: str) -> bytes:
        """Read a file, through symlinks. Raises InvalidInput."""


def read_inputs(tree: RevisionTree, files: Iterable[SourceFile], asked: Location) -> dict[str, bytes]:
    """Read files, by path. Raises InvalidInput, at `asked` where there is too much of it."""
    contents: dict[str, bytes] = {}
    left = _MOST_BYTES
    for file in files:
        contents[file.path] = tree.read(file.path)
        left -= len(contents[file.path])
        if left < 0:
            message = f"its files have more than {_MOST_BYTES >> 20} MiB together"
            raise InvalidInput(Problem(asked, message))
    return contents


def names_of(files: Iterable[SourceFile]) -> list[list[str]]:
    """Say for a digest which files these are, and what is in them."""
    return [[file.path, file.oid] for file in files]
