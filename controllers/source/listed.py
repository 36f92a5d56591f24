"""The files of folders: which blobs they are, which are read for manifests, and what is wrong there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from controllers.adapters.git.tree import WALK_LIMIT, Entry, Kind, TreeView
from gitops.errors import InvalidInput, Location, Problem
from gitops.model import folders
from gitops.model.application import SourceFile

ENVIRONMENTS = "environments"


@dataclass(frozen=True, slots=True)
class FolderRead:
    """What was read of a folder, and may be known by its tree. `names` counts everything in it."""

    tree: str
    names: int = 0
    problems: tuple[Problem, ...] = ()
    lasting: bool = True


class Files:
    """The files among some entries, and what is wrong with them."""

    def __init__(self, tree: TreeView, entries: Iterable[Entry]) -> None:
        self._tree = tree
        self.oids: dict[str, str] = {}
        self.problems: list[Problem] = []
        self.linked = False
        for entry in entries:
            self.linked |= entry.kind is Kind.SYMLINK
            try:
                oid = _blob(tree, entry)
            except InvalidInput as error:
                self.problems += error.problems
                oid = entry.oid
            self.oids[entry.path] = oid

    def manifests(self) -> tuple[SourceFile, ...]:
        """Those that are read for manifests, sorted."""
        return tuple(
            SourceFile(path, oid) for path, oid in sorted(self.oids.items()) if folders.is_manifest(path)
        )

    def contents(self, paths: Iterable[str]) -> dict[str, bytes]:
        """Read those that can be read."""
        unreadable = {problem.location.path for problem in self.problems}
        found: dict[str, bytes] = {}
        for path in paths:
            if path in unreadable:
                continue
            try:
                found[path] = self._tree.read_blob(self.oids[path], path)
            except InvalidInput as error:
                self.problems += error.problems
        return found


def _blob(tree: TreeView, entry: Entry) -> str:
    """Name the blob behind an entry that is no folder."""
    match entry.kind:
        case Kind.SYMLINK:
            resolved = tree.resolve(entry.path)
            if resolved is None or resolved.kind is not Kind.BLOB:
                raise InvalidInput(
                    Problem(Location(entry.path), "this symlink leads to no file in the repository")
                )
            return resolved.oid
        case Kind.SUBMODULE:
            message = "submodules are not followed: put the manifests into this repository"
            raise InvalidInput(Problem(Location(entry.path), message))
        case _:
            return entry.oid


def too_many() -> Problem:
    """Say that a tree has more names than are read."""
    return Problem(Location(ENVIRONMENTS), f"more than {WALK_LIMIT} files and folders are not read")
