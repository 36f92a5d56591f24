"""What of a folder on disk `git add --all` would put into a commit: what a controller could come to read."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import pygit2
from pygit2.enums import FileMode

_GIT = ".git"


class Staging:
    """Judges paths from a folder's root, with `/`. Where no Git is around, all files would be committed."""

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()
        self._prefix = ""
        self._tracked: frozenset[str] = frozenset()
        self._submodules: frozenset[str] = frozenset()
        self._repository = _around(self._root)
        if self._repository is not None:
            workdir = Path(self._repository.workdir).resolve()
            self._prefix = "".join(f"{part}/" for part in self._root.relative_to(workdir).parts)
            entries = [(entry.path, entry.mode) for entry in self._repository.index]
            self._tracked = frozenset(path for path, _ in entries)
            self._submodules = frozenset(path for path, mode in entries if mode == FileMode.COMMIT)

    def leaves_out(self, path: str) -> bool:
        """Whether it would be in no commit: Git's own, and files and symlinks that it is told to ignore.

        A folder that it is told to ignore may hold files that it tracks all the same.
        """
        if _GIT in PurePosixPath(path).parts:
            return True
        name, place = self._prefix + path, self._root / path
        if self._repository is None or name in self._tracked or (place.is_dir() and not place.is_symlink()):
            return False
        try:
            return self._repository.path_is_ignored(name)
        except UnicodeEncodeError:  # which is no name for a manifest anyway
            return False

    def is_submodule(self, path: str) -> bool:
        """Whether a folder below the root is a repository of its own, of which a commit names the commit."""
        place = self._root / path
        if not path or place.is_symlink():
            return False
        return self._prefix + path in self._submodules or (place / _GIT).exists()


def _around(root: Path) -> pygit2.Repository | None:
    """The repository whose work tree the folder is in."""
    try:
        found = pygit2.discover_repository(str(root))
        repository = pygit2.Repository(found) if found is not None else None
        if repository is None or repository.is_bare:
            return None
        len(repository.index)  # reads it
    except pygit2.GitError:  # another user's, or damaged: Git itself will say so
        return None
    return repository if root.is_relative_to(Path(repository.workdir).resolve()) else None
