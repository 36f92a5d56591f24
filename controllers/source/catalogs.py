"""Reads the catalog of a tree from the one before: a folder whose tree is the same is not entered again.

A tree's hash tells everything below it, except where its symlinks lead: what holds any is read every time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice

from controllers.adapters.git.tree import WALK_LIMIT, Entry, Kind, TreeView
from gitops.errors import InvalidInput, Location, Problem
from gitops.model import catalog as catalogs
from gitops.model import folders
from gitops.model.catalog import (
    ApplicationSource,
    Catalog,
    EnvironmentSource,
    Place,
    SourceFile,
    Surroundings,
)
from gitops.model.folders import REPOSITORY_FILE, Folder

_CLUSTERS, _ENVIRONMENTS = "clusters", "environments"


@dataclass(frozen=True, slots=True)
class _Read:
    """What was read of a folder, and may be known by its tree. `names` counts everything in it."""

    tree: str
    names: int = 0
    problems: tuple[Problem, ...] = ()
    lasting: bool = True


@dataclass(frozen=True, slots=True)
class _Application(_Read):
    """`source` is None of a folder without manifests."""

    source: ApplicationSource | None = None


@dataclass(frozen=True, slots=True)
class _Environment(_Read):
    source: EnvironmentSource | None = None
    around: Surroundings | None = None
    own: Mapping[str, Entry] = field(default_factory=dict)
    applications: Mapping[str, _Application] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Around(_Read):
    found: Surroundings = field(default_factory=lambda: catalogs.surroundings({}))


class CatalogReader:
    """Remembers the tree that was read last. For one thread at a time."""

    def __init__(self) -> None:
        self._around: _Around | None = None
        self._environments: dict[str, _Environment] = {}

    def read(self, tree: TreeView) -> Catalog:
        """Read a catalog. What people wrote wrongly is in it.

        What did not change since the last read is the same object again. Raises InvalidInput for a tree
        that cannot be listed, with all bad names.
        """
        around = self._read_around(tree)
        environments: dict[str, _Environment] = {}
        bad: list[Problem] = []
        names = around.names
        for entry in _inside(tree, _ENVIRONMENTS):
            if entry.kind is not Kind.TREE:
                continue
            try:
                found = _EnvironmentReader(tree, around.found, self._environments.get(entry.name)).read(entry)
            except InvalidInput as error:
                bad += error.problems
                continue
            environments[entry.name] = found
            names += found.names
            if names > WALK_LIMIT:
                raise InvalidInput(_too_many())
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
        files = _Files(tree, leaves)
        linked = any(entry.kind is Kind.SYMLINK for entry in (*top, *leaves))
        contents = files.contents(catalogs.configuration_paths(files.oids))
        found = catalogs.surroundings(contents)
        return _Around(identity, len(leaves), tuple(files.problems), not linked, found)


class _EnvironmentReader:
    """Reads one environment from what is known of it."""

    def __init__(self, tree: TreeView, around: Surroundings, known: _Environment | None) -> None:
        self._tree = tree
        self._around = around
        self._known = known

    def read(self, entry: Entry) -> _Environment:
        known = self._known
        if known and known.lasting and known.tree == entry.oid and known.around is self._around:
            return known
        links, applications = self._updated(entry)
        own = _Files(self._tree, links.values())
        names = len(links) + sum(one.names + 1 for one in applications.values())
        if names > WALK_LIMIT:
            raise InvalidInput(_too_many())
        lasting = not own.linked and all(one.lasting for one in applications.values())
        present = {name: one.source for name, one in applications.items() if one.source is not None}
        source = self._source(entry, own, present)
        problems = own.problems + [one for each in applications.values() for one in each.problems]
        return _Environment(
            entry.oid, names, tuple(problems), lasting, source, self._around, links, applications
        )

    def _updated(self, entry: Entry) -> tuple[dict[str, Entry], dict[str, _Application]]:
        """Give the files directly in the environment, and the folders, by name; what is the same is kept."""
        known = self._known
        changes = self._tree.changes(known.tree, entry) if known else None
        own = dict(known.own) if known and changes is not None else {}
        applications = dict(known.applications) if known and changes is not None else {}
        if changes is None:
            changes = {one.name: one for one in self._tree.entries(entry.path)}
        for name, one in applications.items():
            if not one.lasting:
                changes.setdefault(name, Entry(name, f"{entry.path}/{name}", Kind.TREE, one.tree))
        bad: list[Problem] = []
        for name, now in changes.items():
            own.pop(name, None)
            applications.pop(name, None)
            if now is None:
                continue
            if now.kind is not Kind.TREE:
                own[name] = now
                continue
            try:
                applications[name] = self._application(entry.name, now)
            except InvalidInput as error:
                bad += error.problems
        if bad:
            raise InvalidInput(*bad)
        return own, applications

    def _application(self, environment: str, entry: Entry) -> _Application:
        leaves = tuple(self._tree.walk_entry(entry))
        files = _Files(self._tree, leaves)
        manifests = files.manifests()
        source = None
        if manifests:
            place = Place(environment, entry.name, entry.path)
            contents = files.contents(catalogs.configuration_paths(file.path for file in manifests))
            source = catalogs.application(place, manifests, contents)
        return _Application(entry.oid, len(leaves), tuple(files.problems), not files.linked, source)

    def _source(
        self, entry: Entry, own: _Files, present: Mapping[str, ApplicationSource]
    ) -> EnvironmentSource | None:
        manifests = own.manifests()
        if not manifests and not present:
            return None
        contents = own.contents(catalogs.configuration_paths(file.path for file in manifests))
        # One file stands for all others: the layout asks only whether there are any.
        deeper = [_one_file(one) for one in islice(present.values(), 1)]
        folder = _folder(entry.name, [*(file.path for file in manifests), *deeper])
        applications = dict(sorted(present.items()))
        if any(path == folder.path for path, _ in folders.applications(folder).values()):
            applications = self._whole(entry, contents)
        return catalogs.environment(folder, self._around.repository, contents, applications)

    def _whole(self, entry: Entry, contents: Mapping[str, bytes]) -> dict[str, ApplicationSource]:
        """Read an environment that is one application."""
        manifests = {file.path: file for file in _Files(self._tree, self._tree.walk_entry(entry)).manifests()}
        folder = _folder(entry.name, manifests)
        return {
            name: catalogs.application(
                Place(entry.name, name, path), [manifests[one] for one in sorted(paths)], contents
            )
            for name, (path, paths) in folders.applications(folder).items()
        }


class _Files:
    """The files among some entries, and what is wrong with them."""

    def __init__(self, tree: TreeView, entries: Iterable[Entry]) -> None:
        self._tree = tree
        self.oids: dict[str, str] = {}
        self.problems: list[Problem] = []
        self.linked = False
        for entry in entries:
            self.linked |= entry.kind is Kind.SYMLINK
            try:
                oid = _blob(tree, entry)
            except InvalidInput as error:
                self.problems += error.problems
                oid = entry.oid
            self.oids[entry.path] = oid

    def manifests(self) -> tuple[SourceFile, ...]:
        """Those that are read for manifests, sorted."""
        return tuple(
            SourceFile(path, oid) for path, oid in sorted(self.oids.items()) if folders.is_manifest(path)
        )

    def contents(self, paths: Iterable[str]) -> dict[str, bytes]:
        """Read those that can be read."""
        unreadable = {problem.location.path for problem in self.problems}
        found: dict[str, bytes] = {}
        for path in paths:
            if path in unreadable:
                continue
            try:
                found[path] = self._tree.read(path)
            except InvalidInput as error:
                self.problems += error.problems
        return found


def _folder(name: str, paths: Iterable[str]) -> Folder:
    own = Folder(name, ())
    return replace(own, paths=tuple(sorted(path for path in paths if path != own.environment_file)))


def _one_file(application: ApplicationSource) -> str:
    return (
        application.files[0].path if application.files else f"{application.path}/{folders.APPLICATION_FILE}"
    )


def _inside(tree: TreeView, folder: str) -> Iterator[Entry]:
    """List a folder; one that is a symlink holds nothing that has its name."""
    found = tree.resolve(folder)
    if found is not None and found.path == folder:
        yield from tree.entries(folder)


def _blob(tree: TreeView, entry: Entry) -> str:
    """Name the blob behind an entry that is no folder."""
    match entry.kind:
        case Kind.SYMLINK:
            resolved = tree.resolve(entry.path)
            if resolved is None or resolved.kind is not Kind.BLOB:
                raise InvalidInput(
                    Problem(Location(entry.path), "this symlink leads to no file in the repository")
                )
            return resolved.oid
        case Kind.SUBMODULE:
            message = "submodules are not followed: put the manifests into this repository"
            raise InvalidInput(Problem(Location(entry.path), message))
        case _:
            return entry.oid


def _too_many() -> Problem:
    return Problem(Location(_ENVIRONMENTS), f"more than {WALK_LIMIT} files and folders are not read")


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
