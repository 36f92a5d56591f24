"""Read the tree of one commit from the object store. There is no work tree, so no path can leave it."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

import pygit2
from pygit2.enums import FileMode

from controllers.adapters.git.listing import RawEntry, differing, entries, raw_tree
from gitops.errors import InvalidInput, Location, Problem
from gitops.model.catalog import SourceLink
from gitops.render.trees import Found, Leaf

READ_LIMIT = 32 << 20  # bytes of one file
WALK_LIMIT = 500_000  # names below one folder: ten small trees that hold one another make ten billion
DEEPEST = 100  # folders inside one another
_LINK_LIMIT = 4096  # bytes of one symlink's target, Linux' PATH_MAX
_TREES_KEPT = 64
_FOLDERS_KEPT = 10_000
_HOPS = 40  # symlinks followed for one path, as Linux does


class Kind(StrEnum):
    """What an entry of a tree is."""

    BLOB = "blob"
    TREE = "tree"
    SYMLINK = "symlink"
    SUBMODULE = "submodule"


_KINDS: dict[int, Kind] = {
    FileMode.TREE: Kind.TREE,
    FileMode.LINK: Kind.SYMLINK,
    FileMode.COMMIT: Kind.SUBMODULE,
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One name in a tree; `path` counts from the root of the repository, without a leading slash."""

    name: str
    path: str
    kind: Kind
    oid: str


class TreeView:
    """The files of one commit. Paths are relative to its root, with `/`; `""` is the root itself.

    What people committed and we cannot use raises InvalidInput naming the path.
    """

    def __init__(self, repository: pygit2.Repository, lock: threading.RLock, oid: str) -> None:
        self._repository = repository
        self._lock = lock
        self.root_oid = oid
        self._trees: dict[str, pygit2.Tree] = {}
        self._folders = {"": Entry("", "", Kind.TREE, oid)}

    def entries(self, folder: str = "") -> tuple[Entry, ...]:
        """List one folder by name; empty where there is none. Symlinks to folders are followed."""
        with self._lock:
            found = self._follow(folder)
            if found is None or found.kind is not Kind.TREE:
                return ()
            return tuple(self._list(found.oid, found.path))

    def changes(self, before: str, folder: Entry) -> dict[str, Entry | None] | None:
        """Give what a folder holds otherwise than the tree `before`, by name; None for what is gone.

        None where that tree is not known any more.
        """
        with self._lock:
            try:
                old = raw_tree(self._repository, before)
            except (KeyError, pygit2.GitError):
                return None
            raw = list(differing(old, raw_tree(self._repository, folder.oid)))
            there = (new for _, _, new in raw if new is not None)
            now = {entry.name: entry for entry in self._entries(there, folder.path)}
        gone = (old for _, old, new in raw if old is not None and new is None)
        return {**dict.fromkeys(entry.name.decode(errors="replace") for entry in gone), **now}

    def walk(self, folder: str = "") -> Iterator[Entry]:
        """List everything below a folder except folders themselves, sorted by path.

        As `walk_entry`; where there is no such folder there is nothing.
        """
        with self._lock:
            found = self._follow(folder)
            if found is None or found.kind is not Kind.TREE:
                return iter(())
            return self.walk_entry(found)

    def leaves(self, folder: str) -> Iterator[Leaf]:
        """As `walk`, for renderers."""
        strange = {Kind.SYMLINK: "a symlink", Kind.SUBMODULE: "a submodule"}
        return (Leaf(one.path, one.oid, strange.get(one.kind, "")) for one in self.walk(folder))

    def walk_entry(self, folder: Entry) -> Iterator[Entry]:
        """List everything below a folder that was listed before.

        Symlinks and submodules are listed, not entered. Raises all bad file names together, and for more than
        WALK_LIMIT names.
        """
        with self._lock:
            leaves: list[Entry] = []
            problems: list[Problem] = []
            folders = [folder]
            self._remember(folder)
            seen = 0
            while folders:
                place = folders.pop()
                for entry in self._list(place.oid, place.path, problems):
                    (folders if entry.kind is Kind.TREE else leaves).append(entry)
                    seen += 1
                if seen > WALK_LIMIT:
                    raise _invalid(folder.path, f"more than {WALK_LIMIT} files and folders are not read")
                if place.path.count("/") >= DEEPEST:
                    raise _invalid(place.path[:200], f"folders are read {DEEPEST} levels deep")
        if problems:
            raise InvalidInput(*problems)
        return iter(sorted(leaves, key=lambda entry: entry.path))

    def oid(self, path: str) -> str | None:
        """Name the object at a path, which says whether anything below it changed; None where there is none.

        A symlink is not followed: its own blob is named.
        """
        with self._lock:
            entry = self._entry(_parts(path))
            return entry.oid if entry else None

    def find(self, path: str) -> Found | None:
        """As `resolve`, and say which symlinks led there. Submodules are refused."""
        links: dict[str, str] = {}
        with self._lock:
            entry = self._follow(path, links)
        if entry is None:
            return None
        ways = tuple(SourceLink(*way) for way in sorted(links.items()))
        return Found(entry.path, entry.kind is Kind.TREE, entry.oid if entry.kind is Kind.BLOB else "", ways)

    def resolve(self, path: str) -> Entry | None:
        """Follow symlinks to a file or folder; None where there is none."""
        with self._lock:
            return self._follow(path)

    def read(self, path: str, *, limit: int = READ_LIMIT) -> bytes:
        """Read a file through symlinks. Its size is checked against `limit` (bytes) before it is loaded."""
        with self._lock:
            found = self._follow(path)
            if found is None:
                raise _invalid(path, "there is no such file")
            if found.kind is not Kind.BLOB:
                raise _invalid(path, "this is a folder, not a file")
            return self._blob(found.oid, path, limit)

    def read_blob(self, oid: str, path: str) -> bytes:
        """As `read`, a file that was found before: its folders are not looked up again."""
        with self._lock:
            return self._blob(oid, path, READ_LIMIT)

    def _blob(self, name: str, path: str, limit: int) -> bytes:
        oid = pygit2.Oid(hex=name)
        _, size = self._repository.odb.read_header(oid)
        if size > limit:
            raise _invalid(path, f"the file has {size} bytes; the limit is {limit}")
        _, content = self._repository.odb.read(oid)
        return content

    def _list(self, oid: str, path: str, problems: list[Problem] | None = None) -> Iterator[Entry]:
        return self._entries(entries(raw_tree(self._repository, oid)), path, problems)

    def _entries(
        self, found: Iterable[RawEntry], path: str, problems: list[Problem] | None = None
    ) -> Iterator[Entry]:
        prefix = f"{path}/" if path else ""
        for item in found:
            try:
                name = item.name.decode()
            except UnicodeDecodeError:
                name = ""
            if name.isprintable() and name:
                kind = _KINDS.get(item.format, Kind.BLOB)
                yield Entry(name, prefix + name, kind, item.oid)
                continue
            shown = prefix + ascii(item.name)[2:-1]
            problem = Problem(
                Location(shown), "file names must be UTF-8 without control characters; rename it"
            )
            if problems is None:
                raise InvalidInput(problem)
            problems.append(problem)

    def _tree(self, oid: str) -> pygit2.Tree:
        """Load a tree. Those used last are kept: libgit2 reads large ones anew each time."""
        known = self._trees.pop(oid, None)
        found: object = self._repository[oid] if known is None else known
        assert isinstance(found, pygit2.Tree)  # noqa: S101 - the mode in the parent tree said so
        self._trees[oid] = found
        if len(self._trees) > _TREES_KEPT:
            del self._trees[next(iter(self._trees))]
        return found

    def _entry(self, parts: list[str]) -> Entry | None:
        """Look up a path, no symlink followed. Folders are remembered: many paths share their beginnings."""
        known = next((n for n in range(len(parts), 0, -1) if "/".join(parts[:n]) in self._folders), 0)
        entry = self._folders["/".join(parts[:known])]
        for part in parts[known:]:
            if entry.kind is not Kind.TREE:
                return None
            tree = self._tree(entry.oid)
            if part not in tree:
                return None
            item = tree[part]
            path = f"{entry.path}/{part}" if entry.path else part
            entry = Entry(part, path, _KINDS.get(item.filemode, Kind.BLOB), str(item.id))
            self._remember(entry)
        return entry

    def _remember(self, entry: Entry) -> None:
        if entry.kind is Kind.TREE and len(self._folders) < _FOLDERS_KEPT:
            self._folders[entry.path] = entry

    def _follow(self, path: str, links: dict[str, str] | None = None) -> Entry | None:
        """Resolve as a file system would whose root is the tree, except that nothing may climb above it.

        `links` gets the target of every symlink on the way, by its path.
        """
        done: list[str] = []
        todo = _parts(path)[::-1]
        hops = 0
        while todo:
            part = todo.pop()
            if part == "..":
                if not done:
                    raise _invalid(path, "the symlink leads out of the repository")
                done.pop()
                continue
            entry = self._entry([*done, part])
            if entry is None and hops:
                raise _invalid(path, f"the symlink leads to {'/'.join([*done, part])}, which does not exist")
            if entry is None:
                return None
            if entry.kind is Kind.SUBMODULE:
                raise _invalid(entry.path, "submodules are not supported: commit the files themselves")
            if entry.kind is Kind.SYMLINK:
                hops += 1
                target = self._target(entry, path, hops)
                if links is not None:
                    links[entry.path] = "/".join(target) or "."
                todo.extend(target[::-1])
            else:
                done.append(part)
        return self._entry(done)

    def _target(self, link: Entry, path: str, hops: int) -> list[str]:
        if hops > _HOPS:
            raise _invalid(path, "the symlink leads back to itself")
        try:
            target = self._blob(link.oid, link.path, _LINK_LIMIT).decode()
        except UnicodeDecodeError:
            raise _invalid(link.path, "the symlink's target is not UTF-8") from None
        if target.startswith("/"):
            raise _invalid(
                path, f"the symlink {link.path} is absolute; only symlinks inside the repository are read"
            )
        return [part for part in target.split("/") if part not in {"", "."}]


def _parts(path: str) -> list[str]:
    parts = [part for part in path.split("/") if part not in {"", "."}]
    if ".." in parts:
        raise _invalid(path, "a path inside the repository cannot contain `..`")
    return parts


def _invalid(path: str, message: str) -> InvalidInput:
    return InvalidInput(Problem(Location(path), message))
