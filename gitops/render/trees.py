"""The tree of one revision as those see it who look for what renderers read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from gitops.model.catalog import SourceLink


@dataclass(frozen=True, slots=True)
class Found:
    """A file or folder after all symlinks; `links` are those on the way, `oid` names a file's blob."""

    path: str
    folder: bool
    oid: str = ""
    links: tuple[SourceLink, ...] = ()


class Tree(Protocol):
    """The files of one revision, by paths from its root."""

    def find(self, path: str) -> Found | None:
        """Follow symlinks, inside the repository only; None where there is nothing. Raises InvalidInput."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """What a folder holds that is no folder. `strange` says what else it is than a file."""

    path: str
    oid: str
    strange: str = ""


class ListedTree(Tree, Protocol):
    """A tree whose folders can be read whole."""

    def leaves(self, folder: str) -> Iterable[Leaf]:
        """List everything below a folder (a real path), sorted by path. Raises InvalidInput."""
