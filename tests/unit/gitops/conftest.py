"""Repositories in memory, for the tests of what a revision says."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from gitops.model.catalog import Catalog, build, configuration_paths

Files = Mapping[str, bytes]


def catalog_of(files: Files) -> Catalog:
    """Build a catalog as the controller does: all paths, but only the contents that are asked for."""
    entries = {path: hashlib.sha1(data, usedforsecurity=False).hexdigest() for path, data in files.items()}
    return build(entries, {path: files[path] for path in configuration_paths(entries)})


def files_below(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="session", name="catalog_of")
def _catalog_of() -> Callable[[Files], Catalog]:
    return catalog_of


@pytest.fixture(scope="session", name="files_below")
def _files_below() -> Callable[[Path], dict[str, bytes]]:
    return files_below
