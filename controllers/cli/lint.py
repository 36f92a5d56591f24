"""`gitops lint`: everything that can be found wrong without a cluster."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from functools import partial
from pathlib import Path

from controllers import processors
from controllers.adapters.git import Mirror
from controllers.adapters.renderers import Concealed
from controllers.cli import output, worktree
from controllers.cli.missing import MissingTools
from controllers.cli.repository import Choice, charts_of, opened
from controllers.source.renders import Renders
from controllers.source.revisions import Revisions
from gitops import lint as linting
from gitops.dialect import Document
from gitops.errors import Denied, InvalidInput, Problem, TransientError
from gitops.model import catalog as catalogs
from gitops.model.catalog import ApplicationSource, Catalog, EnvironmentSource
from gitops.model.folders import RendererName
from gitops.objects import JsonObject
from gitops.render.helm.values import Destination
from gitops.render.sources import complete


def run(path: Path, rev: str | None, config: Path | None, form: output.Form) -> bool:
    """Show every problem and warning; whether there were no problems."""
    renders = Renders(decryptor=Concealed(), charts=charts_of(config))
    if rev is None:
        catalog, found, warned = of_folder(path, renders)
    else:
        with opened(Choice(repo=str(path))) as repository:
            catalog, found, warned = of_commit(repository.mirror, repository.commit(rev), renders)
    applications = sum(len(one.applications) for one in catalog.environments.values())
    value: JsonObject = {
        "environments": len(catalog.environments),
        "applications": applications,
        "problems": [_problem(problem) for problem in found],
        "warnings": [_problem(problem) for problem in warned],
    }
    clean = (
        f"{_counted(len(catalog.environments), 'environment')}, {_counted(applications, 'application')}: "
        "no problems"
    )
    told = [f"{one.location}: warning: {one.message}" for one in warned]
    output.show(form, value, "\n".join([*map(str, found), *told, *([] if found else [clean])]))
    return not found


Verdict = tuple[Catalog, tuple[Problem, ...], tuple[Problem, ...]]
"""What was judged, the problems, the warnings."""


def of_folder(path: Path, renders: Renders) -> Verdict:
    """Judge files as they are on disk."""
    snapshot = worktree.read(path)
    tree = worktree.FolderTree(path, snapshot)
    catalog = catalogs.build(dict.fromkeys(snapshot.contents, ""), snapshot.contents)
    catalog = complete(catalog, partial(renders.closure, tree))
    missing = MissingTools()
    documents = _ahead(catalog, missing.noting(partial(renders.documents, tree)), renders)
    found = {*_all(linting.lint(catalog, documents), snapshot.problems), *missing.problems()}
    return catalog, tuple(sorted(found)), linting.warnings(catalog, documents)


def of_commit(mirror: Mirror, revision: str, renders: Renders) -> Verdict:
    """Judge files as they are in a commit."""
    revisions = Revisions(mirror, renders)
    catalog = revisions.catalog(revision)
    missing = MissingTools()
    documents = _ahead(catalog, missing.noting(partial(revisions.documents, revision)), renders)
    found = {*linting.lint(catalog, documents), *missing.problems()}
    return catalog, tuple(sorted(found)), linting.warnings(catalog, documents)


def _ahead(catalog: Catalog, documents: linting.Documents, renders: Renders) -> linting.Documents:
    """Let tools render side by side what lint asks for one by one, and more than once."""

    def made(application: ApplicationSource, place: Destination | None) -> Sequence[Document]:
        try:
            return documents(application, place)
        except (TransientError, Denied) as error:
            raise InvalidInput(Problem(application.at("spec", "helm", "chart"), str(error))) from None

    pool = ThreadPoolExecutor(processors.available())
    rendered = {
        (application.path, place and place.target): pool.submit(made, application, place)
        for environment in catalog.environments.values()
        for application in environment.applications.values()
        if application.renderer is not RendererName.PLAIN and not application.problems
        for place in _places(application, environment, catalog)
    }
    try:
        wait(rendered.values())
    except KeyboardInterrupt:
        renders.stop()
        raise
    finally:
        pool.shutdown(cancel_futures=True)

    def documents_of(application: ApplicationSource, place: Destination | None) -> Sequence[Document]:
        known = rendered.get((application.path, place and place.target))
        return made(application, place) if known is None else known.result()

    return documents_of


def _places(
    application: ApplicationSource, environment: EnvironmentSource, catalog: Catalog
) -> tuple[Destination | None, ...]:
    """A chart makes something of its own for each place."""
    is_chart = application.renderer is RendererName.HELM
    return linting.destinations(environment, catalog) if is_chart else (None,)


def _all(found: tuple[Problem, ...], unreadable: tuple[Problem, ...]) -> tuple[Problem, ...]:
    """Add what could not be read; what is said about such a file as if it were empty is left out."""
    paths = {problem.location.path for problem in unreadable}
    kept = {problem for problem in found if problem.location.path not in paths}
    return tuple(sorted({*kept, *unreadable}))


def _counted(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


def _problem(problem: Problem) -> JsonObject:
    place = problem.location
    inside = {"inside": place.inside} if place.inside else {}
    return {
        "path": place.path,
        "line": place.line,
        "column": place.column,
        **inside,
        "message": problem.message,
    }
