"""What a revision of the repository says: clusters, environments, applications, and what is wrong there.

One broken file blocks as little as it can. A broken `application.yaml` or folder blocks that application,
a broken `environment.yaml` that environment. A broken `gitops.yaml` or cluster file blocks everything,
because without it nobody can say which targets an environment has.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from gitops.dialect import Document
from gitops.errors import InvalidInput, Location, Problem
from gitops.model import folders
from gitops.model.application import (
    ORDINARY,
    ApplicationSource,
    ChartSource,
    Place,
    SourceFile,
    SourceLink,
)
from gitops.model.folders import APPLICATION_FILE, Folder, RendererName, configuration_paths
from gitops.model.judgement import Judged, judge
from gitops.model.kinds import (
    Application,
    Cluster,
    Environment,
    EnvironmentSpec,
    Repository,
    RepositorySpec,
)
from gitops.model.schema import Schema
from gitops.model.sources import read_all, read_one

__all__ = [
    "ApplicationSource",
    "Catalog",
    "ChartSource",
    "EnvironmentSource",
    "Place",
    "SourceFile",
    "SourceLink",
    "Surroundings",
    "application",
    "assemble",
    "build",
    "configuration_paths",
    "environment",
    "environment_settings",
    "settled",
    "surroundings",
]


@dataclass(frozen=True, slots=True)
class EnvironmentSource:
    """A folder with an `environment.yaml`. `spec` is None when that cannot be used; `problems` say why."""

    name: str
    path: str
    spec: EnvironmentSpec | None
    applications: Mapping[str, ApplicationSource]
    problems: tuple[Problem, ...] = ()
    document: Document | None = field(default=None, repr=False, compare=False)

    def at(self, *pointer: str | int) -> Location:
        """Where `environment.yaml` says what `pointer` names."""
        return self.document.locate(*pointer) if self.document else Location(f"{self.path}/environment.yaml")


@dataclass(frozen=True, slots=True)
class Catalog:
    """Everything the repository says at one revision. `problems` block all of it."""

    repository: RepositorySpec
    clusters: Mapping[str, Cluster]
    environments: Mapping[str, EnvironmentSource]
    problems: tuple[Problem, ...] = ()
    places: Mapping[str, Location] = field(default_factory=dict, repr=False, compare=False)

    def cluster_at(self, name: str) -> Location:
        """Where a cluster is written."""
        return self.places.get(name, Location("clusters"))

    def all_problems(self) -> tuple[Problem, ...]:
        """Give every problem of the catalog, its environments and applications, sorted by place."""
        found = set(self.problems)
        for environment in self.environments.values():
            found.update(environment.problems)
            for application in environment.applications.values():
                found.update(application.problems)
        return tuple(sorted(found))


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What bears on all environments: defaults and clusters. `problems` block everything."""

    repository: RepositorySpec
    clusters: Mapping[str, Cluster]
    problems: tuple[Problem, ...] = ()
    places: Mapping[str, Location] = field(default_factory=dict, repr=False, compare=False)


def build(entries: Mapping[str, str], contents: Mapping[str, bytes]) -> Catalog:
    """Read a revision: `entries` is every blob's path and object id.

    `contents` needs the blobs that `configuration_paths(entries)` names. Raises nothing for what
    people wrote: the problems are in the catalog.
    """
    found = surroundings(contents)
    environments = {}
    for folder in folders.environments(entries):
        applications = {
            name: application(Place(folder.name, name, path), _files(paths, entries), contents)
            for name, (path, paths) in sorted(folders.applications(folder).items())
        }
        environments[folder.name] = environment(folder, found.repository, contents, applications)
    return assemble(found, environments)


def surroundings(contents: Mapping[str, bytes]) -> Surroundings:
    """Read `gitops.yaml` and the cluster files among `contents`."""
    repository, problems = _repository(contents)
    clusters, places, cluster_problems = _clusters(contents)
    return Surroundings(repository, clusters, tuple(sorted({*problems, *cluster_problems})), places)


def assemble(found: Surroundings, environments: Mapping[str, EnvironmentSource]) -> Catalog:
    """Put a catalog together; `environments` are sorted by name."""
    problems = list(found.problems)
    if not environments:
        problems.append(
            Problem(Location("environments"), "no environment: write environments/<name>/environment.yaml")
        )
    return Catalog(found.repository, found.clusters, environments, tuple(sorted(problems)), found.places)


def _files(paths: Iterable[str], entries: Mapping[str, str]) -> tuple[SourceFile, ...]:
    return tuple(SourceFile(path, entries[path]) for path in sorted(paths))


def _repository(contents: Mapping[str, bytes]) -> tuple[RepositorySpec, list[Problem]]:
    if folders.REPOSITORY_FILE not in contents:
        return RepositorySpec(), []
    try:
        model, _ = read_one(Repository, folders.REPOSITORY_FILE, contents[folders.REPOSITORY_FILE])
    except InvalidInput as error:
        return RepositorySpec(), list(error.problems)
    return model.spec, []


def _clusters(
    contents: Mapping[str, bytes],
) -> tuple[dict[str, Cluster], dict[str, Location], list[Problem]]:
    clusters: dict[str, Cluster] = {}
    places: dict[str, Location] = {}
    problems: list[Problem] = []
    for path in filter(folders.is_cluster_file, sorted(contents)):
        try:
            found = read_all(Cluster, path, contents[path])
        except InvalidInput as error:
            problems += error.problems
            continue
        for model, document in found:
            place = document.locate("metadata", "name")
            if model.name in clusters:
                message = f'a cluster named "{model.name}" is already written at {places[model.name]}'
                problems.append(Problem(place, message))
            else:
                clusters[model.name], places[model.name] = model, place
    return dict(sorted(clusters.items())), places, problems


def environment(
    folder: Folder,
    repository: RepositorySpec,
    contents: Mapping[str, bytes],
    applications: Mapping[str, ApplicationSource],
) -> EnvironmentSource:
    """Read an environment: its own file, and its applications together."""
    settings = environment_settings(folder, repository, contents)
    return settled(settings, judge(settings.spec, applications))


def environment_settings(
    folder: Folder, repository: RepositorySpec, contents: Mapping[str, bytes]
) -> EnvironmentSource:
    """Read an environment's own file; of its applications nothing.

    Of `folder`, which files lie in it directly counts, and whether there are others.
    """
    spec, document, problems = _environment_spec(folder, repository, contents)
    problems += folders.problems(folder)
    return EnvironmentSource(folder.name, folder.path, spec, {}, tuple(sorted(problems)), document)


def settled(settings: EnvironmentSource, judged: Judged) -> EnvironmentSource:
    """Give the environment with its applications."""
    return replace(settings, applications=judged.applications)


def _environment_spec(
    folder: Folder, repository: RepositorySpec, contents: Mapping[str, bytes]
) -> tuple[EnvironmentSpec | None, Document | None, list[Problem]]:
    path = folder.environment_file
    if path not in contents:
        return (
            None,
            None,
            [Problem(Location(path), "missing: this folder has manifests but no environment.yaml")],
        )
    try:
        model, document = read_one(Environment, path, contents[path])
    except InvalidInput as error:
        return None, None, list(error.problems)
    if problem := _misnamed("environment", model.metadata.name, folder.name, document):
        return None, document, [problem]
    return _with_defaults(model.spec, repository), document, []


def _with_defaults(spec: EnvironmentSpec, repository: RepositorySpec) -> EnvironmentSpec:
    """Fill what the environment left unwritten from the repository's defaults, field by field."""
    update: dict[str, object] = {}
    for name in ("on_failure", "drift", "foreign_fields", "prune", "plaintext_secrets"):
        default, own = getattr(repository, name), getattr(spec, name)
        if default is None:
            continue
        if name not in spec.model_fields_set:
            update[name] = default
        elif isinstance(own, Schema):
            update[name] = default.model_copy(update={key: getattr(own, key) for key in own.model_fields_set})
    return spec.model_copy(update=update)


def _misnamed(what: str, name: str, folder: str, document: Document) -> Problem | None:
    if name == folder:
        return None
    place = document.locate("metadata", "name")
    return Problem(place, f'this {what} is named like its folder: write "{folder}", not "{name}"')


def application(
    place: Place, found: Iterable[SourceFile], contents: Mapping[str, bytes]
) -> ApplicationSource:
    """Read an application by itself: `found` are its manifests, sorted, with `application.yaml`."""
    settings = f"{place.path}/{APPLICATION_FILE}"
    files = tuple(file for file in found if file.path != settings)
    paths = [file.path for file in files]
    problems: list[Problem] = []
    spec, document = ORDINARY, None
    if settings in contents:
        try:
            model, document = read_one(Application, settings, contents[settings])
        except InvalidInput as error:
            problems += error.problems
        else:
            spec = model.spec
            if problem := _misnamed("application", model.metadata.name, place.name, document):
                problems.append(problem)
    renderer = RendererName.HELM if spec.helm is not None else folders.application_renderer(place.path, paths)
    problems += folders.application_problems(place.name, place.path, paths, renderer)
    return ApplicationSource(
        place.environment,
        place.name,
        place.path,
        files,
        spec,
        tuple(sorted(set(problems))),
        renderer,
        document=document,
    )
