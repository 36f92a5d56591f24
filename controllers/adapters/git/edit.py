"""Make trees and commits without a work tree. Nothing here moves a ref; the cost follows the change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import pygit2
from pygit2.enums import FileMode, ObjectType

from gitops.errors import InvalidInput, Location, Problem


@dataclass(frozen=True, slots=True)
class Signature:
    """Who a commit is from. `time` is aware; seconds count."""

    name: str
    email: str
    time: datetime

    def to_git(self) -> pygit2.Signature:
        """Give libgit2's form of it."""
        offset = self.time.utcoffset()
        assert offset is not None  # noqa: S101 - naive times are a defect of the caller
        return pygit2.Signature(
            self.name, self.email, int(self.time.timestamp()), int(offset.total_seconds() // 60), "utf-8"
        )


@dataclass(frozen=True, slots=True)
class TreeItem:
    """An object that exists already, as an entry: a file or a whole folder."""

    oid: str
    mode: int


@dataclass(frozen=True, slots=True)
class RevertConflict:
    """Later commits changed the same lines; a person has to decide about these paths."""

    paths: tuple[str, ...]


Change = bytes | TreeItem | None  # new content, something that exists, or gone


def edit_tree(repository: pygit2.Repository, base: str | None, changes: Mapping[str, Change]) -> str:
    """Apply changes by path to a commit or tree (None: to nothing) and return the new tree.

    A file keeps its mode (new ones are 0644); folders that become empty vanish. Raises InvalidInput for a
    path that Git would not take.
    """
    tree = repository[base].peel(pygit2.Tree) if base else None
    nested: dict[str, object] = {}
    for path, change in sorted(changes.items()):
        _insert(nested, path, change)
    return _write(repository, tree, nested) or str(repository.TreeBuilder().write())


def restore(repository: pygit2.Repository, base: str | None, paths: Mapping[str, str]) -> str:
    """Put each path (file or folder) into `base` as it was in its revision, absent where it was."""
    changes: dict[str, Change] = {}
    for path, revision in paths.items():
        tree = repository[revision].peel(pygit2.Tree)
        found = tree[path] if path in tree else None  # noqa: SIM401 - a Tree has no get
        changes[path] = TreeItem(str(found.id), found.filemode) if found is not None else None
    return edit_tree(repository, base, changes)


def revert(
    repository: pygit2.Repository, commit: str, onto: str, paths: tuple[str, ...] | None
) -> str | RevertConflict:
    """Merge the reverse of a commit into the tree of `onto`; limited to `paths` (files or folders) if given.

    A merge commit is reversed against its first parent. The result equals the tree of `onto` when there is
    nothing left to take back.
    """
    bad = repository[commit].peel(pygit2.Commit)
    parent = str(bad.parents[0].tree_id) if bad.parents else edit_tree(repository, None, {})
    if paths is None:
        return _merged(repository, str(bad.tree_id), onto, parent)
    # Merged apart: libgit2 lists every file of the trees that it merges, however many nobody asked about.
    sides = [restore(repository, None, dict.fromkeys(paths, side)) for side in (commit, onto, parent)]
    merged = _merged(repository, *sides)
    if isinstance(merged, RevertConflict):
        return merged
    return restore(repository, onto, dict.fromkeys(paths, merged))


def _merged(repository: pygit2.Repository, ancestor: str, ours: str, theirs: str) -> str | RevertConflict:
    base, one, other = (repository[side].peel(pygit2.Tree) for side in (ancestor, ours, theirs))
    merged = repository.merge_trees(base, one, other)
    if merged.conflicts is None:
        return str(merged.write_tree(repository))
    sides = (side for conflict in merged.conflicts for side in conflict)
    return RevertConflict(tuple(sorted({side.path for side in sides if side is not None})))


def write_commit(
    repository: pygit2.Repository, parents: list[str], tree: str, message: str, author: Signature
) -> str:
    """Write a commit object. Equal arguments give the same commit."""
    signature = author.to_git()
    ends: list[str | pygit2.Oid] = [pygit2.Oid(hex=parent) for parent in parents]
    text = str(repository.create_commit_string(signature, signature, message, pygit2.Oid(hex=tree), ends))
    # Not create_commit: on a full disk libgit2 1.9 returns the name of a commit that it did not write.
    return str(repository.odb.write(ObjectType.COMMIT, text.encode()))


def _insert(nested: dict[str, object], path: str, change: Change) -> None:
    *folders, name = path.split("/")
    if any(part in {"", ".", ".."} or part.lower() == ".git" or "\0" in part for part in (*folders, name)):
        raise InvalidInput(Problem(Location(path), "this is not a path that Git can store"))
    place = nested
    for folder in folders:
        inner = place.setdefault(folder, {})
        if not isinstance(inner, dict):
            raise InvalidInput(
                Problem(Location(path), f"{folder} is changed as a file and as a folder at once")
            )
        place = inner
    if isinstance(place.get(name), dict):
        raise InvalidInput(Problem(Location(path), "changed as a file and as a folder at once"))
    place[name] = change


def _write(repository: pygit2.Repository, tree: pygit2.Tree | None, nested: dict[str, object]) -> str | None:
    """Write one level; None when nothing is left in it."""
    builder = repository.TreeBuilder(tree) if tree is not None else repository.TreeBuilder()
    for name, change in nested.items():
        present = tree[name] if tree is not None and name in tree else None
        item = _item(repository, present, change)
        if item is not None:
            builder.insert(name, pygit2.Oid(hex=item.oid), FileMode(item.mode))
        elif present is not None:
            builder.remove(name)
    return str(builder.write()) if len(builder) else None


def _item(repository: pygit2.Repository, present: pygit2.Object | None, change: object) -> TreeItem | None:
    if isinstance(change, dict):
        inner = _write(repository, present if isinstance(present, pygit2.Tree) else None, change)
        return TreeItem(inner, FileMode.TREE) if inner else None
    if isinstance(change, bytes):
        kept = present.filemode if isinstance(present, pygit2.Blob) else FileMode.BLOB
        mode = kept if kept in {FileMode.BLOB, FileMode.BLOB_EXECUTABLE} else FileMode.BLOB
        return TreeItem(str(repository.create_blob(change)), mode)
    assert change is None or isinstance(change, TreeItem)  # noqa: S101 - the rest of Change
    return change
