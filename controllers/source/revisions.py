"""Reads revisions of one repository: the catalog, and the documents of an application."""

from __future__ import annotations

import threading
from collections.abc import Iterable

from controllers.adapters.git.mirror import Mirror
from controllers.adapters.git.tree import TreeView
from controllers.recent import Recent
from controllers.source.catalogs import CatalogReader
from controllers.source.closures import Closures
from controllers.source.renders import Renders
from gitops.dialect import Document
from gitops.errors import InvalidInput
from gitops.model.catalog import ApplicationSource, Catalog, SourceFile
from gitops.render.helm.values import Destination

_KEPT = 16
_TREES_KEPT = 2


class Revisions:
    """Catalogs by commit, those used last are kept. Synchronous: call it from a worker thread."""

    def __init__(self, mirror: Mirror, renders: Renders | None = None) -> None:
        self._mirror = mirror
        self._renders = renders or Renders()
        self._closures = Closures(mirror, self._renders)
        self._reader = CatalogReader()
        self._lock = threading.Lock()
        self._catalogs = Recent[str, Catalog](_KEPT)
        self._trees = Recent[str, TreeView](_TREES_KEPT)

    def catalog(self, revision: str) -> Catalog:
        """Read what the repository says at `revision`. What people wrote wrongly is in the catalog.

        Raises TerminalError for a commit that the mirror does not have, InvalidInput for a tree that
        cannot be listed.
        """
        with self._lock:
            known = self._catalogs.get(revision)
            if known is None:
                tree = self._tree(revision)
                known = self._closures.complete(self._reader.read(tree), tree)
                self._catalogs.keep(revision, known)
            return known

    def documents(
        self, revision: str, application: ApplicationSource, destination: Destination | None = None
    ) -> tuple[Document, ...]:
        """Give an application's documents at a revision, rendered where it wants that.

        A chart's are those for a `destination`. Raises InvalidInput for what cannot be read, parsed or
        rendered, all together.
        """
        return self._renders.documents(self._tree(revision), application, destination)

    def contents(self, revision: str, files: Iterable[SourceFile]) -> dict[str, bytes]:
        """Read files of a revision. Raises InvalidInput for the first that cannot be read."""
        tree = self._tree(revision)
        return {file.path: tree.read(file.path) for file in files}

    def mentioned(self, revision: str, files: Iterable[SourceFile], names: frozenset[str]) -> frozenset[str]:
        """Which of `names` stand anywhere in the text of these files; all, where a file cannot be read."""
        tree = self._tree(revision)
        found: set[str] = set()
        for file in files:
            try:
                text = tree.read(file.path)
            except InvalidInput:
                return names
            found.update(name for name in names - found if name.encode() in text)
        return frozenset(found)

    def _tree(self, revision: str) -> TreeView:
        """Open a revision's files. Those opened last are kept: they know the folders that were looked up."""
        known = self._trees.get(revision)
        if known is None:
            known = self._mirror.tree(revision)
            self._trees.keep(revision, known)
        return known

    def recorded_environments(self) -> tuple[str, ...]:
        """Environments of this repository that anything was ever recorded of."""
        return self._mirror.audit_environments()
