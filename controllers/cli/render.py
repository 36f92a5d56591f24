"""`gitops render`: what a rollout would apply, from Git alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from controllers.cli import output, records
from controllers.cli.repository import Opened
from controllers.clusters import Clusters
from controllers.logs import KnownSecrets
from controllers.rollout.errands import Errands
from controllers.source.revisions import Revisions
from gitops.errors import Denied, InvalidInput, Location, Problem, TransientError
from gitops.objects import split_api_version
from gitops.ordering import layers
from gitops.plan import Scope, Settled, Wanted, settle
from gitops.plan.settle import defined
from gitops.render.scopes import namespaced
from gitops.rollout.desired import Wish, wish
from gitops.rollout.state import EnvironmentState
from gitops.views import rendered as view
from gitops.views.rendered import RenderedTarget


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person asked to see; empty: everything, and the branch as it is."""

    environment: str
    revision: str = ""
    application: str = ""
    target: str = ""
    show_secrets: bool = False


def render(repository: Opened, asked: Asked, form: output.Form) -> bool:
    """Show what would be applied; whether everything could be rendered.

    What could not is told on stderr, all of it. Raises TerminalError where there is nothing of that name.
    """
    revision = repository.commit(asked.revision) if asked.revision else repository.head
    renderer = _Renderer(repository.revisions(), asked, revision)
    found = tuple(renderer.targets())
    shown = found if asked.show_secrets else view.redacted(found)
    output.show(form, view.form(revision, shown), view.text(shown))
    for problem in sorted(renderer.problems):
        output.complain(str(problem))
    for kind in sorted(renderer.assumed):
        output.note(
            f"note: {kind} is taken for a kind with namespaces: no cluster is asked, and no CRD is here"
        )
    return not renderer.problems


class _Renderer:
    """Renders the selected applications of an environment."""

    def __init__(self, revisions: Revisions, asked: Asked, revision: str) -> None:
        self.problems: set[Problem] = set()
        self.assumed: set[str] = set()
        self._asked = asked
        self._revision = revision
        self._catalog = revisions.catalog(revision)
        self._errands = Errands(asked.environment, revisions, Clusters({}), KnownSecrets())

    def targets(self) -> Iterator[RenderedTarget]:
        """Give every target's manifests, by application and target."""
        name = records.known("environment", self._asked.environment, self._catalog.environments)
        wanted = [
            self._wanted(scope)
            for scope in self._scopes(wish(self._catalog, name, self._revision, EnvironmentState()))
        ]
        rendered = [one for one in wanted if one is not None]
        crds = defined(manifest for one in rendered for manifest in one.manifests)
        for one in rendered:
            settled = self._settled(one, crds)
            try:
                ordered = layers(settled.manifests)
            except InvalidInput as error:
                self.problems.update(error.problems)
                continue
            yield RenderedTarget(
                one.scope, tuple(manifest for layer in ordered for manifest in layer.manifests)
            )

    def _scopes(self, wanted: Wish) -> Iterator[Scope]:
        asked = self._asked
        source = self._catalog.environments[asked.environment]
        self.problems.update((*self._catalog.problems, *source.problems))
        names = set(source.applications)
        if asked.application:
            names = {records.known("application", asked.application, names)}
        if asked.target and wanted.targets:
            records.known("target", asked.target, wanted.targets)
        for name in sorted(names):
            self.problems.update(source.applications[name].problems)
            if name not in wanted.desired:
                continue
            for target in sorted(wanted.desired[name].targets):
                if asked.target in ("", target):
                    yield Scope(asked.environment, name, wanted.targets[target])

    def _wanted(self, scope: Scope) -> Wanted | None:
        try:
            return self._errands.wanted(scope, self._revision)
        except InvalidInput as error:
            self.problems.update(error.problems)
        except (TransientError, Denied) as error:
            path = self._catalog.environments[scope.environment].applications[scope.application].path
            self.problems.add(Problem(Location(path), str(error)))
        return None

    def _settled(self, wanted: Wanted, crds: Mapping[tuple[str, str], bool]) -> Settled:
        def known(api_version: str, kind: str) -> bool:
            group, _ = split_api_version(api_version)
            ours = crds.get((api_version, kind))
            told = namespaced(group, kind) if ours is None else ours
            if told is None:
                self.assumed.add(f"{kind}.{group}")
            return told is not False

        settled = settle(wanted.manifests, wanted.scope, known)
        self.problems.update(settled.problems)
        return settled
