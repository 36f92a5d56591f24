"""Which files Helm reads for an application: a chart, whole or from a registry, and files of values.

A chart is read whole, because its templates may read any of its files. What is found is followed by its
path alone; what the files say is read when they are rendered.
"""

from __future__ import annotations

from collections.abc import Iterable

from gitops.errors import InvalidInput, Location, Problem
from gitops.model.catalog import ApplicationSource, ChartSource, SourceFile
from gitops.model.chart_references import ChartReference, is_remote, reference
from gitops.model.folders import APPLICATION_FILE, CHART_FILE, ENVIRONMENT_FILE
from gitops.model.helm import Helm
from gitops.render.references import Reference, Use, joined
from gitops.render.search import Search
from gitops.render.sources import MOST_FILES, Closure
from gitops.render.trees import Found, ListedTree

_ORDINARY = Helm()


def settings_of(application: ApplicationSource) -> Helm:
    """What the application says about its chart; one that says nothing is itself a chart."""
    return application.spec.helm or _ORDINARY


def follow_chart(application: ApplicationSource, tree: ListedTree) -> Closure:
    """Find the chart and the values of an application. Raises nothing for what people wrote."""
    return _Follower(application, tree).closure()


class _Follower:
    """Collects what is looked at on the way."""

    def __init__(self, application: ApplicationSource, tree: ListedTree) -> None:
        self._application = application
        self._tree = tree
        self._search = Search(tree)
        self._search.looked.add(f"{application.path}/{APPLICATION_FILE}")
        self._problems = self._search.problems

    def closure(self) -> Closure:
        helm = settings_of(self._application)
        remote = self._remote(helm.chart) if is_remote(helm.chart) else None
        folder = None if is_remote(helm.chart) else self._chart(helm.chart)
        files = self._files(folder) if folder is not None else ()
        values = self._values(helm.values_files, "spec", "helm", "valuesFiles")
        overrides = tuple(
            self._values(one.values_files, "spec", "helm", "overrides", index, "valuesFiles")
            for index, one in enumerate(helm.overrides)
        )
        every = {*files, *values, *(file for one in overrides for file in one)}
        return Closure(
            tuple(sorted(every)),
            tuple(sorted(self._search.links)),
            problems=tuple(sorted(self._problems)),
            looked=frozenset(self._search.looked),
            folders=frozenset() if folder is None else frozenset({folder}),
            chart=ChartSource(str(remote or folder or ""), files, values, overrides, remote),
        )

    def _remote(self, written: str) -> ChartReference | None:
        try:
            return reference(written, self._application.at("spec", "helm", "chart"))
        except InvalidInput as error:
            self._problems.update(error.problems)
            return None

    def _chart(self, written: str) -> str | None:
        at = self._application.at("spec", "helm", "chart")
        found = self._find(written, at)
        if found is None:
            return None
        if not found.folder:
            self._problems.add(Problem(at, "a chart is a folder with a Chart.yaml: this is a file"))
        elif not found.path:
            self._problems.add(Problem(at, "the whole repository is no chart: put it into a folder"))
        else:
            return found.path
        return None

    def _files(self, folder: str) -> tuple[SourceFile, ...]:
        """List the chart. What configures us, in the same folder, is no part of it."""
        application = self._application
        ours = {
            f"{application.path}/{APPLICATION_FILE}",
            f"environments/{application.environment}/{ENVIRONMENT_FILE}",
        }
        at = application.at("spec", "helm", "chart")
        try:
            leaves = [leaf for leaf in self._tree.leaves(folder) if leaf.path not in ours]
        except InvalidInput as error:
            self._problems.update(error.problems)
            return ()
        if len(leaves) > MOST_FILES:
            self._problems.add(Problem(at, f"more than {MOST_FILES} files in one chart"))
            return ()
        for leaf in leaves:
            if leaf.strange:
                message = f"{leaf.strange} in a chart is refused: commit the files themselves"
                self._problems.add(Problem(Location(leaf.path), message))
        if all(leaf.path != joined(folder, CHART_FILE) for leaf in leaves):
            self._problems.add(Problem(at, f"there is no {CHART_FILE} in {folder}"))
        return tuple(SourceFile(leaf.path, leaf.oid) for leaf in leaves if not leaf.strange)

    def _values(self, written: Iterable[str], *pointer: str | int) -> tuple[SourceFile, ...]:
        files = []
        for index, path in enumerate(written):
            at = self._application.at(*pointer, index)
            found = self._find(path, at)
            if found is None:
                continue
            if found.folder:
                self._problems.add(Problem(at, "this is a folder: name the files in it"))
            else:
                files.append(SourceFile(found.path, found.oid))
        return tuple(files)

    def _find(self, written: str, at: Location) -> Found | None:
        return self._search.follow(Reference(written, Use.FILE, at), self._application.path)
