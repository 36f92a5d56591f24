"""A folder on disk, read as if it were a revision: what is not committed yet counts too."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from controllers.adapters.git.tree import READ_LIMIT, WALK_LIMIT
from controllers.cli.staging import Staging
from gitops.errors import InvalidInput, Location, Problem, TerminalError
from gitops.model.catalog import SourceLink
from gitops.model.folders import REPOSITORY_FILE, is_manifest
from gitops.render.trees import Found, Leaf

_MOST_HOPS = 40
_NAME = "file names must be UTF-8 without control characters; rename it"
_SUBMODULE = "submodules are not followed: put the manifests into this repository"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Manifests by path from the root, with `/`. One that cannot be read is empty, and a problem."""

    contents: dict[str, bytes]
    problems: tuple[Problem, ...]


def read(root: Path) -> Snapshot:
    """Read what a controller would read of a commit of everything that Git does not ignore.

    Raises TerminalError where `root` is no folder.
    """
    if not root.is_dir():
        raise TerminalError(f"{root} is not a folder: give the one that holds environments/ and clusters/")
    tree = FolderTree(root, Snapshot({}, ()))
    contents: dict[str, bytes] = {}
    problems: list[Problem] = []
    for name in sorted(tree.configured()):
        try:
            tree.check(name)
            if is_manifest(name):
                contents[name] = tree.read(name)
        except InvalidInput as error:
            if is_manifest(name) and name.isprintable():
                contents[name] = b""
            problems += error.problems
    return Snapshot(contents, tuple(problems))


class FolderTree:
    """The folder as renderers see it: files of the snapshot, and others below `root` when asked for."""

    def __init__(self, root: Path, snapshot: Snapshot) -> None:
        self._root = root.resolve()
        self._snapshot = snapshot
        self._staging = Staging(root)

    def find(self, path: str) -> Found | None:
        """Follow symlinks, inside the folder only; None where there is nothing. Raises InvalidInput."""
        links: dict[str, str] = {}
        done, todo, hops = self._root, path.split("/")[::-1], 0
        while todo:
            place = done / todo.pop()
            if place.name == "..":
                place = done.parent
            if not place.is_relative_to(self._root):
                raise InvalidInput(Problem(Location(path), "the symlink leads out of the repository"))
            name = place.relative_to(self._root).as_posix()
            if self._staging.is_submodule("" if name == "." else name):
                raise InvalidInput(Problem(Location(name), _SUBMODULE))
            if name != "." and (self._staging.leaves_out(name) or not os.path.lexists(place)):
                if hops:
                    raise _invalid(path, f"the symlink leads to {name}, which does not exist")
                return None
            if not place.is_symlink():
                done = place
                continue
            target = place.readlink()
            hops += 1
            if target.is_absolute():
                message = f"the symlink {name} is absolute; only symlinks inside the repository are read"
                raise InvalidInput(Problem(Location(path), message))
            if hops > _MOST_HOPS:
                raise InvalidInput(Problem(Location(path), "the symlink leads back to itself"))
            links[name] = target.as_posix()
            todo += [part for part in target.parts if part != "."][::-1]
        found = "" if done == self._root else done.relative_to(self._root).as_posix()
        ways = tuple(SourceLink(*way) for way in sorted(links.items()))
        return Found(found, done.is_dir(), links=ways)

    def configured(self) -> Iterator[str]:
        """Name everything in which a catalog is looked for, and what keeps a commit from being read."""
        yield from (one.name for one in self._root.iterdir() if one.name == REPOSITORY_FILE or _is_odd(one))
        yield from self._below("clusters")
        for path in self._entries("environments"):
            name = f"environments/{path.name}"
            if self._staging.is_submodule(name) or _is_odd(path):
                yield name
            else:
                yield from self._below(name)

    def check(self, name: str) -> None:
        """Refuse what no commit may hold, or holds in vain. Raises InvalidInput."""
        if not name.isprintable():
            raise _invalid(ascii(os.fsencode(name))[2:-1], _NAME)
        if self._staging.is_submodule(name):
            raise _invalid(name, _SUBMODULE)
        found = self.find(name) if (self._root / name).is_symlink() else Found(name, folder=False)
        if found is None or found.folder:
            raise _invalid(name, "this symlink leads to no file in the repository")

    def leaves(self, folder: str) -> Iterator[Leaf]:
        """List what a commit would hold below a folder, sorted by path; symlinks are not entered.

        Raises InvalidInput with all bad file names.
        """
        found: list[Leaf] = []
        problems: list[Problem] = []
        for name in self._below(folder):
            if not name.isprintable():
                problems.append(Problem(Location(ascii(os.fsencode(name))[2:-1]), _NAME))
            if len(found) == WALK_LIMIT:
                raise _invalid(folder, f"more than {WALK_LIMIT} files and folders are not read")
            path = self._root / name
            strange = "a symlink" if path.is_symlink() else "a submodule" if path.is_dir() else ""
            found.append(Leaf(name, "", strange))
        if problems:
            raise InvalidInput(*problems)
        return iter(sorted(found, key=lambda leaf: leaf.path))

    def _entries(self, folder: str) -> tuple[Path, ...]:
        place = self._root / folder
        return tuple(place.iterdir()) if place.is_dir() and not place.is_symlink() else ()

    def _below(self, folder: str) -> Iterator[str]:
        """Name what is no folder, and folders that are not entered; where `folder` is a symlink, nothing."""
        if (self._root / folder).is_symlink():
            return
        for place, folders, names in os.walk(self._root / folder):
            closed = [path for path in (Path(place, name) for name in folders) if self._is_closed(path)]
            folders[:] = sorted({*folders} - {path.name for path in closed})
            for path in (*(Path(place, name) for name in names), *closed):
                name = path.relative_to(self._root).as_posix()
                if not self._staging.leaves_out(name):
                    yield name

    def _is_closed(self, folder: Path) -> bool:
        return (
            folder.is_symlink()
            or _is_odd(folder)
            or self._staging.is_submodule(folder.relative_to(self._root).as_posix())
        )

    def read(self, path: str) -> bytes:
        """Read a file, through symlinks. Raises InvalidInput."""
        known = self._snapshot.contents.get(path)
        return known if known is not None else _bytes(self._root / path, path)


def _invalid(path: str, message: str) -> InvalidInput:
    return InvalidInput(Problem(Location(path), message))


def _is_odd(path: Path) -> bool:
    return not path.name.isprintable()


def _bytes(path: Path, name: str) -> bytes:
    try:
        if not path.is_file():  # a pipe or a device would make us wait, or never end
            raise _invalid(name, "this is not a file")
        size = path.stat().st_size
        if size > READ_LIMIT:
            raise _invalid(name, f"the file has {size} bytes; the limit is {READ_LIMIT}")
        return path.read_bytes()
    except OSError as error:
        raise _invalid(name, f"cannot be read: {error.strerror}") from None
