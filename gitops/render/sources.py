"""Which blobs a renderer reads for an application: references are followed through the tree of one commit.

They are the application's inputs, whatever folder they lie in: a change to a shared base concerns exactly
the applications that use it. What is not among them the renderer does not get, so none can be forgotten.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from gitops.errors import InvalidInput, Location, Problem
from gitops.model.catalog import ApplicationSource, Catalog, ChartSource, SourceFile, SourceLink
from gitops.model.folders import KUSTOMIZATION_FILES, RendererName
from gitops.render.references import Reading, Reference, Use, is_within, joined
from gitops.render.search import Search
from gitops.render.trees import Found, Tree

MOST_FILES = 10_000
_MOST_PROBLEMS = 100
_DEEPEST = 50


Read = Callable[[Use, SourceFile], Reading]
"""Reads one file of the tree for its references, or remembers them by blob. Raises InvalidInput."""


@dataclass(frozen=True, slots=True)
class Closure:
    """What was found by following. With `problems` the rest is only what was reached before.

    `manifests` are those of the files that hold YAML documents. `looked` are the paths that decided, also
    those where nothing was, and `folders` those of which everything did: another tree in which all of them
    are the same has the same closure, where this one has no problems. `chart` is what Helm gets.
    """

    files: tuple[SourceFile, ...] = ()
    links: tuple[SourceLink, ...] = ()
    manifests: frozenset[str] = frozenset()
    problems: tuple[Problem, ...] = ()
    looked: frozenset[str] = frozenset()
    folders: frozenset[str] = frozenset()
    chart: ChartSource | None = None


def follow(folder: str, tree: Tree, read: Read) -> Closure:
    """Follow the kustomization in `folder`. Raises nothing for what people wrote."""
    follower = _Follower(tree, read)
    follower.kustomization(folder, (), Location(folder))
    return follower.closure()


def complete(catalog: Catalog, closure_of: Callable[[ApplicationSource], Closure]) -> Catalog:
    """Give the catalog whose applications list exactly what their renderers read."""
    environments = {
        name: replace(
            one,
            applications={
                each: completed(source, closure_of(source)) if reads_more(source) else source
                for each, source in one.applications.items()
            },
        )
        for name, one in catalog.environments.items()
    }
    return replace(catalog, environments=environments)


def reads_more(application: ApplicationSource) -> bool:
    """Whether it has a closure: its renderer reads other files than the manifests in its folder."""
    return application.renderer is not RendererName.PLAIN


def completed(application: ApplicationSource, closure: Closure) -> ApplicationSource:
    """Give the application with what its renderer reads, and what is wrong there."""
    problems = tuple(sorted({*application.problems, *closure.problems}))
    return replace(
        application, files=closure.files, links=closure.links, problems=problems, chart=closure.chart
    )


class _Follower:
    """Collects files on the way down."""

    def __init__(self, tree: Tree, read: Read) -> None:
        self._search = Search(tree)
        self._problems = self._search.problems
        self._read = read
        self._files: dict[str, SourceFile] = {}
        self._manifests: set[str] = set()
        self._entered: set[str] = set()

    def closure(self) -> Closure:
        """What was collected."""
        return Closure(
            tuple(sorted(self._files.values())),
            tuple(sorted(self._search.links)),
            frozenset(self._manifests),
            tuple(sorted(self._problems)),
            frozenset(self._search.looked),
        )

    def kustomization(self, folder: str, above: tuple[str, ...], asked: Location) -> None:
        """Read the kustomization of a folder (its real path) and all it refers to."""
        if folder in self._entered or len(self._problems) >= _MOST_PROBLEMS:
            return
        self._entered.add(folder)
        names = [joined(folder, name) for name in KUSTOMIZATION_FILES]
        found = [one for name in names if (one := self._search.find(name, asked)) and not one.folder]
        if len(found) != 1:
            what = "are two kustomization files" if found else "is no kustomization.yaml"
            self._problems.add(Problem(asked, f"there {what} in {folder or 'the root'}"))
            return
        (mark,) = found
        if not is_within(mark.path, folder):
            self._problems.add(Problem(asked, f"the kustomization of {folder} is no file of that folder"))
            return
        for reference in self._take(mark, Use.KUSTOMIZATION, asked):
            self._follow(reference, folder, (*above, folder))

    def _follow(self, reference: Reference, folder: str, chain: tuple[str, ...]) -> None:
        found = self._search.follow(reference, folder)
        if found is None:
            return
        if found.folder:
            self._enter(found, reference, chain)
        elif not is_within(found.path, folder):
            message = (
                "files are read from this folder and below; elsewhere, refer to a folder with a kustomization"
            )
            self._problems.add(Problem(reference.at, message))
        else:
            for further in self._take(found, reference.use, reference.at):
                self._follow(further, folder, chain)

    def _enter(self, found: Found, reference: Reference, chain: tuple[str, ...]) -> None:
        if reference.use is not Use.RESOURCE:
            self._problems.add(Problem(reference.at, "this is a folder: name the files in it"))
        elif any(is_within(above, found.path) for above in chain):
            message = "this folder is, or holds, one that refers to it: kustomize takes that for a cycle"
            self._problems.add(Problem(reference.at, message))
        elif len(chain) >= _DEEPEST:
            self._problems.add(Problem(reference.at, f"kustomizations are followed {_DEEPEST} levels deep"))
        else:
            self.kustomization(found.path, chain, reference.at)

    def _take(self, found: Found, use: Use, asked: Location) -> Iterator[Reference]:
        file = SourceFile(found.path, found.oid)
        if len(self._files) >= MOST_FILES and file.path not in self._files:
            self._problems.add(Problem(asked, f"more than {MOST_FILES} files for one application"))
            return
        self._files[file.path] = file
        if use not in (Use.FILE, Use.VARIABLES):
            self._manifests.add(file.path)
        try:
            reading = self._read(use, file)
        except InvalidInput as error:
            reading = Reading(problems=error.problems)
        self._problems.update(reading.problems)
        yield from reading.references
