"""Reads the catalog of a tree from the one before: a folder whose tree is the same is not entered again.

A tree's hash tells everything below it, except where its symlinks lead: what holds any is read every time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from controllers.adapters.git.tree import WALK_LIMIT, Entry, Kind, TreeView
from controllers.source.environments import EnvironmentRead, EnvironmentReader
from controllers.source.listed import ENVIRONMENTS, Files, FolderRead, too_many
from gitops.errors import InvalidInput, Problem
from gitops.model import catalog as catalogs
from gitops.model.catalog import Catalog, EnvironmentSource, Surroundings
from gitops.model.folders import REPOSITORY_FILE

_CLUSTERS = "clusters"


@dataclass(frozen=True, slots=True)
class _Around(FolderRead):
    found: Surroundings = field(default_factory=lambda: catalogs.surroundings({}))


class CatalogReader:
    """Remembers the tree that was read last. For one thread at a time."""

    def __init__(self) -> None:
        self._around: _Around | None = None
        self._environments: dict[str, EnvironmentRead] = {}

    def read(self, tree: TreeView) -> Catalog:
        """Read a catalog. What people wrote wrongly is in it.

        What did not change since the last read is the same object again. Raises InvalidInput for a tree
        that cannot be listed, with all bad names.
        """
        around = self._read_around(tree)
        environments: dict[str, EnvironmentRead] = {}
        bad: list[Problem] = []
        names = around.names
        for entry in _inside(tree, ENVIRONMENTS):
            if entry.kind is not Kind.TREE:
                continue
            try:
                found = EnvironmentReader(tree, around.found, self._environments.get(entry.name)).read(entry)
            except InvalidInput as error:
                bad += error.problems
                continue
            environments[entry.name] = found
            names += found.names
            if names > WALK_LIMIT:
                raise InvalidInput(too_many())
        if bad:
            raise InvalidInput(*bad)
        self._around, self._environments = around, environments
        sources = {name: one.source for name, one in sorted(environments.items()) if one.source is not None}
        problems = [problem for one in (around, *environments.values()) for problem in one.problems]
        return _blame(catalogs.assemble(around.found, sources), problems)

    def _read_around(self, tree: TreeView) -> _Around:
        """Read `gitops.yaml` and the clusters' files."""
        top = [entry for entry in tree.entries() if entry.path in (REPOSITORY_FILE, _CLUSTERS)]
        identity = " ".join(f"{entry.path}:{entry.kind}:{entry.oid}" for entry in top)
        known = self._around
        if known is not None and known.lasting and known.tree == identity:
            return known
        leaves = [entry for entry in top if entry.path == REPOSITORY_FILE and entry.kind is not Kind.TREE]
        leaves += tree.walk(_CLUSTERS)
        files = Files(tree, leaves)
        linked = any(entry.kind is Kind.SYMLINK for entry in (*top, *leaves))
        contents = files.contents(catalogs.configuration_paths(files.oids))
        found = catalogs.surroundings(contents)
        return _Around(identity, len(leaves), tuple(files.problems), not linked, found)


def _inside(tree: TreeView, folder: str) -> Iterator[Entry]:
    """List a folder; one that is a symlink holds nothing that has its name."""
    found = tree.resolve(folder)
    if found is not None and found.path == folder:
        yield from tree.entries(folder)


def _blame(catalog: Catalog, problems: list[Problem]) -> Catalog:
    """Give each unreadable file's problem to the application or environment it belongs to, else to all."""
    if not problems:
        return catalog
    everywhere: list[Problem] = []
    environments = dict(catalog.environments)
    for problem in problems:
        owner = next(
            (one for one in environments.values() if problem.location.path.startswith(f"{one.path}/")), None
        )
        if owner is None:
            everywhere.append(problem)
        else:
            environments[owner.name] = _blame_within(owner, problem)
    return replace(catalog, environments=environments, problems=(*catalog.problems, *everywhere))


def _blame_within(environment: EnvironmentSource, problem: Problem) -> EnvironmentSource:
    for name, application in environment.applications.items():
        if problem.location.path.startswith(f"{application.path}/"):
            blamed = replace(application, problems=tuple(sorted({*application.problems, problem})))
            return replace(environment, applications={**environment.applications, name: blamed})
    return replace(environment, problems=tuple(sorted({*environment.problems, problem})))
