"""An application as the repository has it: a folder, and what is read of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from gitops.dialect import Document
from gitops.errors import Location, Problem
from gitops.model.chart_references import ChartReference
from gitops.model.folders import RendererName
from gitops.model.kinds import ApplicationSpec

ORDINARY = ApplicationSpec()
"""Shared by all that have no `application.yaml`; nobody writes to a model."""


@dataclass(frozen=True, order=True, slots=True)
class SourceFile:
    """A blob of the repository."""

    path: str
    oid: str


@dataclass(frozen=True, order=True, slots=True)
class SourceLink:
    """A symlink of the repository, and where it leads as it is written there."""

    path: str
    target: str


@dataclass(frozen=True, slots=True)
class ChartSource:
    """What Helm reads for an application: the files of the chart in `folder`, and files of values in order.

    Of a chart in a registry, which is `remote`, `folder` is the reference, and no file is in the repository.
    `overrides` has those of each of `spec.helm.overrides`.
    """

    folder: str
    files: tuple[SourceFile, ...]
    values: tuple[SourceFile, ...] = ()
    overrides: tuple[tuple[SourceFile, ...], ...] = ()
    remote: ChartReference | None = None


class Place(NamedTuple):
    """An application, and its folder."""

    environment: str
    name: str
    path: str


@dataclass(frozen=True, slots=True)
class ApplicationSource:
    """A folder of manifests. `problems` block this application alone.

    `path` is the folder, `files` what is rendered, sorted, without `application.yaml`: its manifests, or,
    once `gitops.render.sources.complete` has looked, exactly what its renderer reads, in other folders too,
    through `links`. `chart` is what they are to Helm.
    """

    environment: str
    name: str
    path: str
    files: tuple[SourceFile, ...]
    spec: ApplicationSpec = ORDINARY
    problems: tuple[Problem, ...] = ()
    renderer: RendererName = RendererName.PLAIN
    links: tuple[SourceLink, ...] = ()
    document: Document | None = field(default=None, repr=False, compare=False)
    chart: ChartSource | None = None

    def at(self, *pointer: str | int) -> Location:
        """Where `application.yaml` says what `pointer` names; the folder when there is no such file."""
        return self.document.locate(*pointer) if self.document else Location(self.path)
