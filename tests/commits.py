"""Commits that tests make in a repository with a work tree, as people do."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pygit2

ADA = pygit2.Signature("Ada", "ada@example.com", 1_772_000_000, 0)


def write(folder: Path, files: Mapping[str, str | bytes | None]) -> None:
    """Write files below a folder; None removes one."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if content is None:
            path.unlink()
        else:
            path.write_bytes(content if isinstance(content, bytes) else content.encode())


def commit(folder: Path, message: str, files: Mapping[str, str | bytes | None]) -> str:
    """Write files, commit all of the work tree on top of HEAD, and return the commit."""
    write(folder, files)
    repository = pygit2.Repository(str(folder))
    repository.index.add_all()
    repository.index.write()
    tree = repository.index.write_tree()
    parents = [] if repository.head_is_unborn else [repository.head.target]
    return str(repository.create_commit("HEAD", ADA, ADA, message, tree, parents))
