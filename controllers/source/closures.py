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
from gitops.mappings import changed, differing
from gitops.model.catalog import ApplicationSource, Catalog, EnvironmentSource
from gitops.render.sources import Closure, completed, reads_more


@dataclass(frozen=True, slots=True)
class _Environment:
    """An environment before and after it was completed, with the closures of its applications by name."""

    source: EnvironmentSource
    completed: EnvironmentSource
    closures: Mapping[str, Closure]

    def folder_of(self, name: str) -> str:
        """Where an application is, or was."""
        return self.source.applications[name].path


_NOTHING = EnvironmentSource("", "", None, {})


class Closures:
    """Closures of the tree that was asked about last, by application. For one thread at a time."""

    def __init__(self, mirror: Mirror, renders: Renders) -> None:
        self._mirror = mirror
        self._renders = renders
        self._tree = ""
        self._environments: dict[str, _Environment] = {}
        self._known: dict[str, Closure] = {}
        self._faulty: set[str] = set()
        self._users: defaultdict[str, set[str]] = defaultdict(set)  # applications by the paths that decided
        self._whole: defaultdict[str, set[str]] = defaultdict(set)  # and by the folders of which all did

    def complete(self, catalog: Catalog, tree: TreeView) -> Catalog:
        """Give the catalog of `tree` with everything that renderers read.

        What did not change since the last tree is the same object again.
        """
        stale = defaultdict[str, set[str]](set)
        for folder in self._move(tree.root_oid):
            stale[folder.split("/")[1]].add(folder.rpartition("/")[2])
        # What is under way is lost with whatever is raised: the next look begins anew.
        before, now = self._environments, dict[str, _Environment]()
        self._environments = {}
        for name, source in catalog.environments.items():
            known = before.get(name)
            if known is not None and known.source is source and name not in stale:
                now[name] = known
            else:
                now[name] = self._completed(source, known, stale[name], tree)
        for name, one in before.items():
            if now.get(name) is not one:
                left = now[name].closures if name in now else {}
                self._forget(one.folder_of(gone) for gone in one.closures.keys() - left.keys())
        self._environments = now
        return replace(catalog, environments={name: one.completed for name, one in now.items()})

    def _completed(
        self, source: EnvironmentSource, before: _Environment | None, stale: set[str], tree: TreeView
    ) -> _Environment:
        before = before or _Environment(_NOTHING, _NOTHING, {})
        closures: dict[str, Closure | None] = {}
        applications: dict[str, ApplicationSource | None] = {}
        names = {*differing(before.source.applications, source.applications), *stale}
        for name in sorted(names):
            one = applications[name] = source.applications.get(name)
            closures[name] = None
            if one is not None and reads_more(one):
                found = closures[name] = self._closure(one, tree)
                applications[name] = completed(one, found)
        now = changed(before.closures, closures)
        whole = changed(before.completed.applications, applications) if now else source.applications
        return _Environment(source, replace(source, applications=whole), now)

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
        yield from self._faulty

    def _keep(self, folder: str, closure: Closure) -> None:
        self._known[folder] = closure
        if closure.problems:
            self._faulty.add(folder)
        for users, paths in ((self._users, closure.looked), (self._whole, closure.folders)):
            for path in paths:
                users[path].add(folder)

    def _forget(self, folders: Iterable[str]) -> None:
        for folder in folders:
            closure = self._known.pop(folder, None)
            self._faulty.discard(folder)
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
