"""A folder on disk, read as if it were a revision: what is not committed yet counts too."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from controllers.adapters.git.tree import READ_LIMIT, WALK_LIMIT
from controllers.cli.staging import Staging
from gitops.errors import InvalidInput, Location, Problem, TerminalError
from gitops.model.catalog import SourceLink
from gitops.render.sources import Found, Leaf

_ROOTS = ("clusters", "environments")
_MOST_HOPS = 40
_NAME = "file names must be UTF-8 without control characters; rename it"
_SUBMODULE = "submodules are not followed: put the manifests into this repository"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Files by path from the root, with `/`. One that cannot be read is there as empty, with its problem."""

    contents: dict[str, bytes]
    problems: tuple[Problem, ...]


def read(root: Path) -> Snapshot:
    """Read what a controller would read of a commit of everything that Git does not ignore.

    Raises TerminalError where `root` is no folder.
    """
    if not root.is_dir():
        raise TerminalError(f"{root} is not a folder: give the one that holds environments/ and clusters/")
    contents: dict[str, bytes] = {}
    problems: list[Problem] = []
    staging = Staging(root)
    for path in _files(root, staging, problems):
        name = path.relative_to(root).as_posix()
        if staging.leaves_out(name):
            continue
        try:
            contents[name] = _bytes(path, name, root.resolve())
        except InvalidInput as error:
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
            if not place.is_symlink() or self._staging.leaves_out(name):
                done = place
                continue
            target = place.readlink()
            hops += 1
            if target.is_absolute() or hops > _MOST_HOPS:
                raise InvalidInput(Problem(Location(path), f"the symlink {name} leads to no file in here"))
            links[name] = target.as_posix()
            todo += [part for part in target.parts if part != "."][::-1]
        found = "" if done == self._root else done.relative_to(self._root).as_posix()
        if not done.exists() or (found and self._staging.leaves_out(found)):
            if hops:
                message = f"the symlink leads to {found}, which does not exist"
                raise InvalidInput(Problem(Location(path), message))
            return None
        ways = tuple(SourceLink(*way) for way in sorted(links.items()))
        return Found(found, done.is_dir(), links=ways)

    def leaves(self, folder: str) -> Iterator[Leaf]:
        """List what a commit would hold below a folder, sorted by path; symlinks are not entered.

        Raises InvalidInput with all bad file names.
        """
        found: list[Leaf] = []
        problems: list[Problem] = []
        for path in self._below(folder):
            name = path.relative_to(self._root).as_posix()
            if self._staging.leaves_out(name):
                continue
            if not name.isprintable():
                problems.append(Problem(Location(_shown(path.relative_to(self._root))), _NAME))
            if len(found) == WALK_LIMIT:
                raise _invalid(folder, f"more than {WALK_LIMIT} files and folders are not read")
            strange = "a symlink" if path.is_symlink() else "a submodule" if path.is_dir() else ""
            found.append(Leaf(name, "", strange))
        if problems:
            raise InvalidInput(*problems)
        return iter(sorted(found, key=lambda leaf: leaf.path))

    def _below(self, folder: str) -> Iterator[Path]:
        """Everything that is no folder, and the folders that are not entered: symlinks and submodules."""
        for place, folders, names in os.walk(self._root / folder):
            closed = [path for path in (Path(place, name) for name in folders) if self._is_closed(path)]
            folders[:] = sorted({*folders} - {path.name for path in closed})
            yield from (*(Path(place, name) for name in names), *closed)

    def _is_closed(self, folder: Path) -> bool:
        return folder.is_symlink() or self._staging.is_submodule(folder.relative_to(self._root).as_posix())

    def read(self, path: str) -> bytes:
        """Read a file, through symlinks. Raises InvalidInput."""
        known = self._snapshot.contents.get(path)
        return known if known is not None else _bytes(self._root / path, path, self._root)


def _files(root: Path, staging: Staging, problems: list[Problem]) -> Iterator[Path]:
    """Give the files that a controller looks at, and add to the problems what is in the way of a commit."""

    def usable(folder: str, names: Iterable[str]) -> Iterator[Path]:
        for path in (Path(folder, name) for name in sorted(names)):
            if not path.name.isprintable():
                if not staging.leaves_out(path.relative_to(root).as_posix()):
                    problems.append(Problem(Location(_shown(path.relative_to(root))), _NAME))
            elif not path.name.startswith("."):
                yield path

    top = usable(str(root), (path.name for path in root.iterdir()))
    yield from (path for path in top if not path.is_dir())
    for folder, folders, names in chain.from_iterable(os.walk(root / name) for name in _ROOTS):
        linked = [name for name in folders if Path(folder, name).is_symlink()]
        own = []
        for path in usable(folder, (name for name in folders if name not in linked)):
            if staging.is_submodule(path.relative_to(root).as_posix()):
                problems.append(Problem(Location(path.relative_to(root).as_posix()), _SUBMODULE))
            else:
                own.append(path.name)
        folders[:] = own
        yield from usable(folder, (*names, *linked))


def _invalid(path: str, message: str) -> InvalidInput:
    return InvalidInput(Problem(Location(path), message))


def _shown(path: Path) -> str:
    return ascii(os.fsencode(path))[2:-1]


def _bytes(path: Path, name: str, root: Path) -> bytes:
    problem = _link_problem(path, root) if path.is_symlink() else ""
    if problem:
        raise InvalidInput(Problem(Location(name), problem))
    try:
        if not path.is_file():  # a pipe or a device would make us wait, or never end
            raise InvalidInput(Problem(Location(name), "this is not a file"))
        size = path.stat().st_size
        if size > READ_LIMIT:
            message = f"the file has {size} bytes; the limit is {READ_LIMIT}"
            raise InvalidInput(Problem(Location(name), message))
        return path.read_bytes()
    except OSError as error:
        raise InvalidInput(Problem(Location(name), f"cannot be read: {error.strerror}")) from None


def _link_problem(path: Path, root: Path) -> str:
    if path.readlink().is_absolute():
        return f"the symlink {path.name} is absolute; only symlinks inside the repository are read"
    try:
        resolved = path.resolve(strict=True)
    except (OSError, RuntimeError):
        return "this symlink leads to no file in the repository"
    if not resolved.is_relative_to(root):
        return "the symlink leads out of the repository"
    return "" if resolved.is_file() else "this symlink leads to no file in the repository"
