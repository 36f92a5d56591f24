"""The repository's layout: which files belong to which environment and application, by their paths alone."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from posixpath import basename, dirname

from gitops.errors import Location, Problem

REPOSITORY_FILE = "gitops.yaml"
ENVIRONMENT_FILE = "environment.yaml"
APPLICATION_FILE = "application.yaml"

_MANIFEST = (".yaml", ".yml", ".json")
_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


class RendererName(StrEnum):
    """How a folder is turned into manifests; told by the files that each tool requires."""

    PLAIN = "plain"
    KUSTOMIZE = "Kustomize"
    HELM = "Helm"


KUSTOMIZATION_FILES = ("kustomization.yaml", "kustomization.yml", "Kustomization")
"""Names that kustomize looks for; a folder has one of them."""

CHART_FILE = "Chart.yaml"
_MARKS = {**dict.fromkeys(KUSTOMIZATION_FILES, RendererName.KUSTOMIZE), CHART_FILE: RendererName.HELM}


@dataclass(frozen=True, slots=True)
class Folder:
    """`environments/<name>` and the paths of the manifests in it, `environment.yaml` left out."""

    name: str
    paths: tuple[str, ...]

    @property
    def path(self) -> str:
        """The folder, without a slash at the end."""
        return f"environments/{self.name}"

    @property
    def environment_file(self) -> str:
        """Where the environment is described."""
        return f"{self.path}/{ENVIRONMENT_FILE}"

    @property
    def own(self) -> tuple[str, ...]:
        """Manifests directly beside `environment.yaml`."""
        return tuple(path for path in self.paths if path.count("/") == 2)  # noqa: PLR2004 - environments/x/y

    @property
    def whole(self) -> bool:
        """Whether a renderer's file beside `environment.yaml` makes one application of all that is below."""
        return any(renderer_of(path) is not RendererName.PLAIN for path in self.own)


def is_manifest(path: str) -> bool:
    """Whether the file is read for manifests: by its ending, and not hidden nor in a hidden folder."""
    return (path.endswith(_MANIFEST) or basename(path) in _MARKS) and not any(
        part.startswith(".") for part in path.split("/")
    )


def is_cluster_file(path: str) -> bool:
    """Whether the file describes clusters."""
    return path.startswith("clusters/") and path.count("/") == 1 and is_manifest(path)


def configuration_paths(paths: Iterable[str]) -> tuple[str, ...]:
    """Name the files that `gitops.model.catalog.build` reads, sorted."""
    return tuple(sorted(path for path in paths if _is_configuration(path)))


def _is_configuration(path: str) -> bool:
    parts = path.split("/")
    if path == REPOSITORY_FILE or is_cluster_file(path):
        return True
    if parts[0] != "environments" or not is_manifest(path):
        return False
    # environments/x/environment.yaml; application.yaml in environments/x/ or environments/x/y/.
    return (len(parts), parts[-1]) in {(3, ENVIRONMENT_FILE), (3, APPLICATION_FILE), (4, APPLICATION_FILE)}


def environments(paths: Iterable[str]) -> tuple[Folder, ...]:
    """Give every folder below `environments/` that holds manifests, sorted by name."""
    found: dict[str, list[str]] = {}
    for path in paths:
        parts = path.split("/")
        if parts[0] == "environments" and len(parts) > 2 and is_manifest(path):  # noqa: PLR2004 - a file in x/
            found.setdefault(parts[1], []).append(path)
    return tuple(
        Folder(
            name, tuple(path for path in sorted(files) if path != f"environments/{name}/{ENVIRONMENT_FILE}")
        )
        for name, files in sorted(found.items())
    )


def applications(folder: Folder) -> Mapping[str, tuple[str, list[str]]]:
    """Give each application's folder and manifests: direct subfolders, or all as one when there is none."""
    if folder.whole:
        return {folder.name: (folder.path, list(folder.paths))}
    found: dict[str, tuple[str, list[str]]] = {}
    for path in folder.paths:
        parts = path.split("/")
        if len(parts) > 3:  # noqa: PLR2004 - environments/x/y/z
            found.setdefault(parts[2], (f"{folder.path}/{parts[2]}", []))[1].append(path)
    return found or ({folder.name: (folder.path, list(folder.own))} if folder.own else {})


def problems(folder: Folder) -> list[Problem]:
    """Say what is wrong with the layout of an environment."""
    found = []
    if _NAME.fullmatch(folder.name) is None:
        found.append(Problem(Location(folder.path), f'"{folder.name}" is not a name: {_RULE}'))
    if folder.own and len(folder.own) < len(folder.paths) and not folder.whole:
        message = "manifests beside environment.yaml and folders of applications: move these into a folder"
        found += [Problem(Location(path), message) for path in folder.own]
    return found


_RULE = "use a to z, 0 to 9 and -, at most 63, beginning and ending with a letter or digit"


def application_renderer(root: str, paths: Iterable[str]) -> RendererName:
    """Tell how the application in the folder `root` is rendered, by the files directly in it."""
    marks = {renderer_of(path) for path in paths if dirname(path) == root} - {RendererName.PLAIN}
    return min(marks, default=RendererName.PLAIN)


def application_problems(name: str, root: str, paths: Iterable[str], renderer: RendererName) -> list[Problem]:
    """Say what is wrong with the folder of an application that is rendered so."""
    found = []
    if _NAME.fullmatch(name) is None:
        found.append(Problem(Location(root), f'"{name}" is not a name: {_RULE}'))
    marks = {path: mark for path in paths if (mark := renderer_of(path)) is not RendererName.PLAIN}
    for path, mark in marks.items():
        if renderer is RendererName.PLAIN:
            what = "a chart" if mark is RendererName.HELM else "a kustomization"
            message = f"{what} below a folder of plain manifests: put {basename(path)} into {root}"
            found.append(Problem(Location(path), message))
        elif mark is not renderer and dirname(path) == root:
            message = f"{mark} and {renderer} in one folder: an application is rendered by one of them"
            found.append(Problem(Location(path), message))
    return found


def renderer_of(path: str) -> RendererName:
    """Tell which tool the file asks for."""
    return _MARKS.get(basename(path), RendererName.PLAIN)
