"""Prepares errands: what an application shall be on a target at a revision, and what may be done there."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass

from controllers.clusters import Clusters
from controllers.logs import KnownSecrets
from controllers.recent import Recent
from controllers.rollout.neighbours import Asking, KnownKeys, Neighbours
from controllers.rollout.observer import Access
from controllers.rollout.worker import Errand
from controllers.source.revisions import Revisions
from gitops.errors import GitopsError, InvalidInput, Location, Problem, ToolMissing
from gitops.model.catalog import ApplicationSource, Catalog, EnvironmentSource
from gitops.model.folders import RendererName
from gitops.model.gates import HttpGate
from gitops.model.kinds import Cluster, EnvironmentSpec
from gitops.model.targets import Target, creates_namespace
from gitops.objects import Manifest, digest
from gitops.plan import Pins, PlanPolicy, Scope, Wanted
from gitops.redact import secrets_of
from gitops.render import expand, render_documents, target_digest, target_variables
from gitops.render.helm.values import Destination
from gitops.render.plaintext import refuse_plaintext
from gitops.render.trial import Trial
from gitops.render.whereabouts import whereabouts
from gitops.rollout.observation import Desired

log = logging.getLogger(__name__)

# The check before a rollout and its targets ask for the same renders; more than these are made anew.
_RENDERS_KEPT = 32


@dataclass(frozen=True, slots=True)
class Place:
    """Where an errand goes, and with whose rights."""

    target: Target
    connection: str
    service_account: str | None


@dataclass(frozen=True, slots=True)
class Purpose:
    """What an errand is for: an ordinary apply, unless it says otherwise.

    `failed`: the revision that a target is taken back from, where it is.
    """

    removed: bool = False
    restoring: bool = False
    prune_permitted: bool = False
    failed: str = ""


APPLY = Purpose()


class Errands:
    """Errands of one environment. Rendering runs in worker threads."""

    def __init__(
        self, environment: str, revisions: Revisions, clusters: Clusters, secrets: KnownSecrets
    ) -> None:
        """Whatever is rendered, `secrets` learns its secret values before anybody can repeat them."""
        self._environment = environment
        self._secrets = secrets
        self._revisions = revisions
        self._clusters = clusters
        self._rendered = Recent[tuple[str, Target, str], tuple[Manifest, ...]](_RENDERS_KEPT)
        self._others: dict[str, Errands] = {}
        self._known = KnownKeys()

    async def place(self, revision: str, target: str) -> Place:
        """Find out where `target` is at `revision`. Raises InvalidInput where that revision does not say."""
        return await asyncio.to_thread(self._place, revision, target)

    async def access(self, place: Place) -> Access:
        """Give the clients for a place. Raises Unreachable where its connection is not usable."""
        own = await self._clusters.client(place.connection)
        if place.service_account is None:
            return Access(own, own)
        return Access(own, own.as_service_account(place.target.namespace, place.service_account))

    async def prepare(
        self,
        application: str,
        target: str,
        revision: str,
        purpose: Purpose = APPLY,
        *,
        siblings_at: str = "",
    ) -> Errand:
        """Render `application` as of `revision`. Raises InvalidInput with every problem of the render.

        `siblings_at` is the revision that says what the other applications want (default, and where that
        one cannot be used: the same).
        """
        wanted, policy = await asyncio.to_thread(self._render, application, target, revision, purpose)
        place = await self.place(revision, target)
        neighbours = Neighbours(
            self._revisions,
            self._known,
            self.wanted,
            Asking(wanted.scope, place.connection, siblings_at or revision, revision, purpose.failed),
        )
        return Errand(wanted, policy, neighbours.find)

    async def expand(self, application: str, target: str, revision: str, text: str) -> str:
        """Fill the target's variables into `text`, such as a gate's address. Raises InvalidInput."""
        return await asyncio.to_thread(self._filled, application, target, revision, text)

    def wanted(self, scope: Scope, revision: str) -> Wanted:
        """Render any application of the repository, also of other environments. Raises InvalidInput."""
        if scope.environment == self._environment:
            return self._render(scope.application, str(scope.target), revision, APPLY)[0]
        others = self._others
        if scope.environment not in others:
            theirs = Errands(scope.environment, self._revisions, self._clusters, self._secrets)
            others.setdefault(scope.environment, theirs)
        return others[scope.environment].wanted(scope, revision)

    def check(self, application: str, revision: str, targets: tuple[str, ...]) -> tuple[str, ...]:
        """Render for every target and give all problems, each once: what cannot be rendered never starts.

        Raises ToolMissing where nothing can be said of it.
        """
        found: dict[str, tuple[Problem, ...]] = {}
        for target in targets:
            try:
                self._render(application, target, revision, APPLY)
                found[target] = ()
            except ToolMissing:
                raise
            except InvalidInput as error:
                found[target] = error.problems
        try:
            app = self._source(revision)[1].applications.get(application)
        except InvalidInput:
            app = None  # which every target has told
        return tuple(str(problem) for problem in sorted(whereabouts(found, app)))

    def trial(self, application: str, revision: str, targets: tuple[str, ...]) -> Trial | None:
        """Give what another process needs to try these renders; None where only `check` can tell."""
        try:
            catalog, source, _ = self._source(revision)
            app = source.applications.get(application)
            if app is None or app.problems or app.renderer is not RendererName.PLAIN:
                return None
            places = [(place, _cluster(catalog, place)) for place in map(_target, targets)]
            return Trial.of(source, app, places, self._revisions.contents(revision, app.files))
        except InvalidInput:
            return None

    def check_gates(self, application: str, desired: Desired, revision: str) -> tuple[str, ...]:
        """Fill the address of every gate for every target it asks, and give all problems, each once."""
        problems: set[Problem] = set()
        for wave in desired.waves:
            for gate in wave.gates:
                if not isinstance(gate, HttpGate):
                    continue
                for target in wave.targets:
                    try:
                        self._filled(application, target, revision, gate.url)
                    except InvalidInput as error:
                        where = f"gate {gate.name} of wave {wave.name}"
                        problems.update(
                            Problem(one.location, f"{where}: {one.message}") for one in error.problems
                        )
        return tuple(str(problem) for problem in sorted(problems))

    def _filled(self, application: str, target: str, revision: str, text: str) -> str:
        catalog, source, _ = self._source(revision)
        place = _target(target)
        app = source.applications.get(application)
        if app is None:
            return text
        return expand(
            text, target_variables(source, app, place, _cluster(catalog, place)), Location(app.path)
        )

    def _source(self, revision: str) -> tuple[Catalog, EnvironmentSource, EnvironmentSpec]:
        catalog = self._revisions.catalog(revision)
        source = catalog.environments.get(self._environment)
        if source is None or source.spec is None or catalog.problems:
            problems = (*catalog.problems, *(source.problems if source else ()))
            missing = Problem(
                Location(f"environments/{self._environment}"), f"not usable at revision {revision[:12]}"
            )
            raise InvalidInput(*(problems or (missing,)))
        return catalog, source, source.spec

    def _place(self, revision: str, target: str) -> Place:
        catalog, _, spec = self._source(revision)
        found = _target(target)
        cluster = _cluster(catalog, found)
        return Place(found, cluster.connection, spec.service_account_name)

    def _render(
        self, application: str, target: str, revision: str, purpose: Purpose
    ) -> tuple[Wanted, PlanPolicy]:
        catalog, source, spec = self._source(revision)
        place = _target(target)
        cluster = _cluster(catalog, place)
        policy = PlanPolicy(
            create_namespace=creates_namespace(spec, place, cluster),
            prune=spec.prune,
            prune_permitted=purpose.prune_permitted,
            restoring=purpose.restoring,
        )
        scope = Scope(self._environment, application, place)
        if purpose.removed:
            path = f"{source.path}/{application}"
            return Wanted(scope, revision, digest({"removed": str(place)}), path, ()), policy
        app = source.applications.get(application)
        if app is None:
            missing = Problem(Location(source.path), f"{application} is not in revision {revision[:12]}")
            raise InvalidInput(missing)
        if app.problems:
            raise InvalidInput(*app.problems)
        identity = target_digest(source, app, place, cluster)
        destination = Destination(source, place, cluster, catalog.cluster_at(cluster.name))
        manifests = self._rendered.get((application, place, identity))
        if manifests is None:
            manifests = self._manifests(revision, app, destination)
            self._rendered.keep((application, place, identity), manifests)
        return Wanted(scope, revision, identity, app.path, manifests, _pins(app, destination)), policy

    def _manifests(
        self, revision: str, app: ApplicationSource, destination: Destination
    ) -> tuple[Manifest, ...]:
        source, target, cluster = destination.environment, destination.target, destination.cluster
        try:
            documents = self._revisions.documents(revision, app, destination)
            refuse_plaintext(source, app, documents)
            manifests = render_documents(source, app, target, cluster, documents).manifests
            self._secrets.learn(secrets_of(manifest.body for manifest in manifests))
        except GitopsError:
            raise
        except Exception as error:
            # One application's content that meets a defect of ours must not stop the others.
            log.exception("%s cannot be rendered", app.path)
            defect = (
                f"cannot be rendered, by a defect of the controller ({type(error).__name__}): see its log"
            )
            raise InvalidInput(Problem(Location(app.path), defect)) from error
        return manifests


def _target(name: str) -> Target:
    cluster, _, namespace = name.partition("/")
    return Target(cluster, namespace)


def _pins(application: ApplicationSource, destination: Destination) -> Pins | None:
    told = destination.cluster.spec
    if application.renderer is not RendererName.HELM or told.kubernetes_version is None:
        return None
    return Pins(told.kubernetes_version, told.api_versions, destination.at)


def _cluster(catalog: Catalog, target: Target) -> Cluster:
    cluster = catalog.clusters.get(target.cluster)
    if cluster is None:
        raise InvalidInput(Problem(Location("clusters"), f"there is no cluster {target.cluster} any more"))
    return cluster
