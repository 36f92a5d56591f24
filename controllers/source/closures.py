"""What renderers read for each application: from one revision to the next only what changed is followed.

A difference between two trees costs what differs, so a commit to one file costs one look at it, and the
following of the applications that it concerns, however many there are.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from controllers.adapters.git.mirror import Mirror
from controllers.adapters.git.tree import TreeView
from controllers.source.renders import Renders
from gitops.errors import GitopsError
from gitops.model.catalog import ApplicationSource, Catalog
from gitops.render.sources import Closure, complete


class Closures:
    """Closures of the tree that was asked about last, by application. For one thread at a time."""

    def __init__(self, mirror: Mirror, renders: Renders) -> None:
        self._mirror = mirror
        self._renders = renders
        self._tree = ""
        self._known: dict[str, Closure] = {}
        self._users: defaultdict[str, set[str]] = defaultdict(set)  # applications by the paths that decided
        self._missing: defaultdict[str, set[str]] = defaultdict(set)  # ... and by those where nothing was

    def complete(self, catalog: Catalog, tree: TreeView) -> Catalog:
        """Give the catalog of `tree` with everything that renderers read."""
        self._move(tree.root_oid)
        asked: set[str] = set()

        def closure(application: ApplicationSource) -> Closure:
            asked.add(application.path)
            known = self._known.get(application.path)
            if known is None:
                known = self._renders.closure(tree, application)
                self._keep(application.path, known)
            return known

        completed = complete(catalog, closure)
        self._forget(self._known.keys() - asked)
        return completed

    def _move(self, tree: str) -> None:
        if self._tree and self._known and tree != self._tree:
            try:
                changed = self._mirror.changed_paths(self._tree, tree)
            except GitopsError:  # too much, or the older tree is gone
                self._forget(tuple(self._known))
            else:
                self._forget(set(self._concerned(changed)))
        self._tree = tree

    def _concerned(self, changed: Iterable[str]) -> Iterator[str]:
        for path in changed:
            yield from self._users.get(path, ())
            for above in _with_parents(path):
                yield from self._missing.get(above, ())
        # How far a closure with problems was followed says little about what mends it.
        yield from (folder for folder, closure in self._known.items() if closure.problems)

    def _keep(self, folder: str, closure: Closure) -> None:
        self._known[folder] = closure
        for path in closure.looked:
            self._users[path].add(folder)
        for path in closure.missed:
            self._missing[path].add(folder)

    def _forget(self, folders: Iterable[str]) -> None:
        for folder in tuple(folders):
            closure = self._known.pop(folder)
            _remove(self._users, closure.looked, folder)
            _remove(self._missing, closure.missed, folder)


def _remove(index: defaultdict[str, set[str]], paths: Iterable[str], folder: str) -> None:
    for path in paths:
        index[path].discard(folder)
        if not index[path]:
            del index[path]


def _with_parents(path: str) -> Iterator[str]:
    while path:
        yield path
        path = path.rpartition("/")[0]
