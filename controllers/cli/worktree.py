"""A folder on disk, read as if it were a revision: what is not committed yet counts too."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from controllers.adapters.git.tree import READ_LIMIT, WALK_LIMIT
from gitops.errors import InvalidInput, Location, Problem, TerminalError
from gitops.model.catalog import SourceLink
from gitops.render.sources import Found, Leaf

_ROOTS = ("clusters", "environments")
_MOST_HOPS = 40


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Files by path from the root, with `/`. One that cannot be read is there as empty, with its problem."""

    contents: dict[str, bytes]
    problems: tuple[Problem, ...]


def read(root: Path) -> Snapshot:
    """Read what a controller would read. Raises TerminalError where `root` is no folder."""
    if not root.is_dir():
        raise TerminalError(f"{root} is not a folder: give the one that holds environments/ and clusters/")
    contents: dict[str, bytes] = {}
    problems: list[Problem] = []
    for path in _files(root):
        name = path.relative_to(root).as_posix()
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
            if not place.is_symlink():
                done = place
                continue
            name, target = place.relative_to(self._root).as_posix(), place.readlink()
            hops += 1
            if target.is_absolute() or hops > _MOST_HOPS:
                raise InvalidInput(Problem(Location(path), f"the symlink {name} leads to no file in here"))
            links[name] = target.as_posix()
            todo += [part for part in target.parts if part != "."][::-1]
        if not done.exists():
            if hops:
                message = f"the symlink leads to {done.relative_to(self._root)}, which does not exist"
                raise InvalidInput(Problem(Location(path), message))
            return None
        ways = tuple(SourceLink(*way) for way in sorted(links.items()))
        found = "" if done == self._root else done.relative_to(self._root).as_posix()
        return Found(found, done.is_dir(), links=ways)

    def leaves(self, folder: str) -> Iterator[Leaf]:
        """List everything below a folder, sorted by path; symlinks are not entered. Raises InvalidInput."""
        found: list[Leaf] = []
        for place, folders, names in os.walk(self._root / folder):
            linked = [name for name in folders if Path(place, name).is_symlink()]
            folders[:] = [name for name in folders if name not in linked]
            for path in (Path(place, name) for name in (*names, *linked)):
                name = path.relative_to(self._root).as_posix()
                if not name.isprintable():
                    message = "file names must be UTF-8 without control characters; rename it"
                    raise InvalidInput(Problem(Location(ascii(name)[1:-1]), message))
                found.append(Leaf(name, "", "a symlink" if path.is_symlink() else ""))
                if len(found) > WALK_LIMIT:
                    message = f"more than {WALK_LIMIT} files and folders are not read"
                    raise InvalidInput(Problem(Location(folder), message))
        return iter(sorted(found, key=lambda leaf: leaf.path))

    def read(self, path: str) -> bytes:
        """Read a file, through symlinks. Raises InvalidInput."""
        known = self._snapshot.contents.get(path)
        return known if known is not None else _bytes(self._root / path, path, self._root)


def _files(root: Path) -> Iterator[Path]:
    yield from sorted(path for path in root.iterdir() if not path.is_dir() and _readable(path.name))
    for top in _ROOTS:
        for folder, folders, names in os.walk(root / top):
            linked = [name for name in folders if Path(folder, name).is_symlink()]
            folders[:] = sorted(name for name in folders if name not in linked and not name.startswith("."))
            yield from (Path(folder, name) for name in sorted((*names, *linked)) if _readable(name))


def _readable(name: str) -> bool:
    return name.isprintable() and not name.startswith(".")


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
