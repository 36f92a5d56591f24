"""What renderers read for each application: from one revision to the next only what changed is followed.

A difference between two trees costs what differs, so a commit to one file costs one look at it, and the
following of the applications that it concerns, however many there are.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from controllers.adapters.git.mirror import Mirror
from controllers.adapters.git.tree import TreeView
from controllers.source.renders import Renders
from gitops.errors import GitopsError
from gitops.model.catalog import ApplicationSource, Catalog, EnvironmentSource
from gitops.render.sources import Closure, completed, reads_more


@dataclass(frozen=True, slots=True)
class _Environment:
    """An environment before and after it was completed, with the closures of its applications by name."""

    source: EnvironmentSource
    completed: EnvironmentSource
    closures: Mapping[str, Closure]

    @property
    def folders(self) -> set[str]:
        """Where the applications with closures are."""
        return {self.source.applications[name].path for name in self.closures}


class Closures:
    """Closures of the tree that was asked about last, by application. For one thread at a time."""

    def __init__(self, mirror: Mirror, renders: Renders) -> None:
        self._mirror = mirror
        self._renders = renders
        self._tree = ""
        self._environments: dict[str, _Environment] = {}
        self._known: dict[str, Closure] = {}
        self._users: defaultdict[str, set[str]] = defaultdict(set)  # applications by the paths that decided
        self._whole: defaultdict[str, set[str]] = defaultdict(set)  # and by the folders of which all did

    def complete(self, catalog: Catalog, tree: TreeView) -> Catalog:
        """Give the catalog of `tree` with everything that renderers read.

        What did not change since the last tree is the same object again.
        """
        stale = {_environment_of(folder) for folder in self._move(tree.root_oid)}
        before, now = self._environments, dict[str, _Environment]()
        for name, source in catalog.environments.items():
            known = before.get(name)
            if known is not None and known.source is source and name not in stale:
                now[name] = known
            else:
                now[name] = self._completed(source, known, tree)
        for name, one in before.items():
            if now.get(name) is not one:
                self._forget(one.folders - (now[name].folders if name in now else set()))
        self._environments = now
        return replace(catalog, environments={name: one.completed for name, one in now.items()})

    def _completed(
        self, source: EnvironmentSource, before: _Environment | None, tree: TreeView
    ) -> _Environment:
        closures: dict[str, Closure] = {}
        applications = dict(source.applications)
        for name, one in source.applications.items():
            if not reads_more(one):
                continue
            closures[name] = self._closure(one, tree)
            same = before is not None and before.source.applications.get(name) is one
            if before is not None and same and before.closures[name] is closures[name]:
                applications[name] = before.completed.applications[name]
            else:
                applications[name] = completed(one, closures[name])
        whole = replace(source, applications=applications) if closures else source
        return _Environment(source, whole, closures)

    def _closure(self, application: ApplicationSource, tree: TreeView) -> Closure:
        known = self._known.get(application.path)
        if known is None:
            known = self._renders.closure(tree, application)
            self._keep(application.path, known)
        return known

    def _move(self, tree: str) -> set[str]:
        """Forget what another tree changes; give the folders of the applications that it concerns."""
        concerned: set[str] = set()
        if self._known and tree != self._tree:
            try:
                concerned = set(self._concerned(self._mirror.changed_paths(self._tree, tree)))
            except GitopsError:  # too much, or the older tree is gone
                concerned = set(self._known)
        self._forget(concerned)
        self._tree = tree
        return concerned

    def _concerned(self, changed: Iterable[str]) -> Iterator[str]:
        for path in changed:
            yield from self._users.get(path, ())
            if self._whole:
                yield from (user for folder in _above(path) for user in self._whole.get(folder, ()))
        # How far a closure with problems was followed says little about what mends it.
        yield from (folder for folder, closure in self._known.items() if closure.problems)

    def _keep(self, folder: str, closure: Closure) -> None:
        self._known[folder] = closure
        for users, paths in ((self._users, closure.looked), (self._whole, closure.folders)):
            for path in paths:
                users[path].add(folder)

    def _forget(self, folders: Iterable[str]) -> None:
        for folder in folders:
            closure = self._known.pop(folder, None)
            if closure is None:
                continue
            for users, paths in ((self._users, closure.looked), (self._whole, closure.folders)):
                for path in paths:
                    users[path].discard(folder)
                    if not users[path]:
                        del users[path]


def _above(path: str) -> Iterator[str]:
    """The folders that a path is in."""
    while path:
        path = path.rpartition("/")[0]
        yield path


def _environment_of(folder: str) -> str:
    return folder.split("/")[1]
