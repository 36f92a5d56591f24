"""Reads revisions of one repository: the catalog, and the parsed files of an application."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import replace
from functools import partial

from controllers.adapters.git.mirror import Mirror
from controllers.adapters.git.tree import Entry, Kind, TreeView
from controllers.source.parsed import ParsedFiles
from gitops.dialect import Document
from gitops.errors import InvalidInput, Location, Problem
from gitops.model import catalog as catalogs
from gitops.model.catalog import Catalog, EnvironmentSource, SourceFile
from gitops.model.folders import REPOSITORY_FILE

_ROOTS = ("clusters", "environments")
_KEPT = 16


class Revisions:
    """Catalogs by commit, those used last are kept. Synchronous: call it from a worker thread."""

    def __init__(self, mirror: Mirror) -> None:
        self._mirror = mirror
        self._parsed = ParsedFiles()
        self._lock = threading.Lock()
        self._catalogs: OrderedDict[str, Catalog] = OrderedDict()

    def catalog(self, revision: str) -> Catalog:
        """Read what the repository says at `revision`. What people wrote wrongly is in the catalog.

        Raises TerminalError for a commit that the mirror does not have, InvalidInput for a tree that
        cannot be listed.
        """
        with self._lock:
            known = self._catalogs.get(revision)
            if known is None:
                known = self._catalogs[revision] = self._read(revision)
                while len(self._catalogs) > _KEPT:
                    self._catalogs.popitem(last=False)
            self._catalogs.move_to_end(revision)
            return known

    def documents(self, revision: str, files: Iterable[SourceFile]) -> dict[str, tuple[Document, ...]]:
        """Parse files of a revision. Raises InvalidInput for what cannot be read or parsed, all together."""
        tree = self._mirror.tree(revision)
        found: dict[str, tuple[Document, ...]] = {}
        problems: list[Problem] = []
        for file in files:
            try:
                found[file.path] = self._parsed.get(file, partial(tree.read, file.path))
            except InvalidInput as error:
                problems += error.problems
        if problems:
            raise InvalidInput(*problems)
        return found

    def mentioned(self, revision: str, files: Iterable[SourceFile], names: frozenset[str]) -> frozenset[str]:
        """Which of `names` stand anywhere in the text of these files; all, where a file cannot be read."""
        tree = self._mirror.tree(revision)
        found: set[str] = set()
        for file in files:
            try:
                text = tree.read(file.path)
            except InvalidInput:
                return names
            found.update(name for name in names - found if name.encode() in text)
        return frozenset(found)

    def recorded_environments(self) -> tuple[str, ...]:
        """Environments of this repository that anything was ever recorded of."""
        return self._mirror.audit_environments()

    def _read(self, revision: str) -> Catalog:
        tree = self._mirror.tree(revision)
        entries: dict[str, str] = {}
        problems: list[Problem] = []
        for entry in _listed(tree):
            try:
                oid = _blob(tree, entry)
            except InvalidInput as error:
                problems += error.problems
                oid = entry.oid
            if oid is not None:
                entries[entry.path] = oid
        contents: dict[str, bytes] = {}
        unreadable = {problem.location.path for problem in problems}
        for path in catalogs.configuration_paths(entries):
            if path in unreadable:
                continue
            try:
                contents[path] = tree.read(path)
            except InvalidInput as error:
                problems += error.problems
        return _blame(catalogs.build(entries, contents), problems)


def _listed(tree: TreeView) -> Iterable[Entry]:
    yield from (entry for entry in tree.entries() if entry.kind is not Kind.TREE)
    for root in _ROOTS:
        yield from tree.walk(root)


def _blob(tree: TreeView, entry: Entry) -> str | None:
    """The blob behind an entry; None for what is no file."""
    match entry.kind:
        case Kind.BLOB:
            return entry.oid
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
            return None


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
            if problem.location.path.partition("/")[0] in (*_ROOTS, REPOSITORY_FILE):
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
