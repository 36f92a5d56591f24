"""Everything that can be found wrong in a revision without a cluster, all at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from gitops.autoscaling import contested_replicas
from gitops.dialect import Document
from gitops.drift import unknown_mode
from gitops.errors import InvalidInput, Location, Problem
from gitops.model.catalog import ApplicationSource, Catalog, EnvironmentSource
from gitops.model.folders import RendererName, renderer_of
from gitops.model.kinds import ApplicationSpec, Cluster, PlaintextSecrets
from gitops.model.reading import Locate
from gitops.model.rendering import Rendering
from gitops.model.selectors import LabelSelector
from gitops.model.targets import Target, explain_no_match, matching_clusters, targets_of
from gitops.objects import Manifest, ObjectKey
from gitops.plan import Scope
from gitops.plan.foresight import disorder, misspelt, orders
from gitops.plan.settle import defined
from gitops.pointers import Pointer
from gitops.render import Rendered, identity, render_documents
from gitops.render.drafts import Draft, drafts
from gitops.render.helm.values import Destination
from gitops.render.plaintext import plaintext_of, refuse_plaintext
from gitops.render.whereabouts import whereabouts
from gitops.validation import deprecations
from gitops.waves import assign

Documents = Callable[[ApplicationSource, Destination | None], Sequence[Document]]
"""Parses or renders one application; only a chart's documents are those for a place. Raises InvalidInput."""


@dataclass(frozen=True, order=True, slots=True)
class Claim:
    """An application says what an object of one cluster shall be."""

    cluster: str
    key: ObjectKey
    source: Location
    environment: str
    application: str
    namespace: str

    def __str__(self) -> str:
        where = f"application {self.application} of environment {self.environment}"
        return f"{where} (namespace {self.namespace}, {self.source})"


def lint(catalog: Catalog, documents_of: Documents) -> tuple[Problem, ...]:
    """Give every problem of a revision, sorted by place.

    What cannot be judged because something it rests on is broken is not judged: then that is the problem.
    """
    documents, problems = _parse_all(catalog, documents_of)
    problems |= set(catalog.all_problems())
    claims: list[Claim] = []
    for environment in catalog.environments.values():
        targets, found = _targets(environment, catalog)
        problems |= found
        outcome = _Renders(environment, catalog, documents, documents_of)
        for application in environment.applications.values():
            if not application.problems:
                outcome.run(application, targets)
        problems |= outcome.problems | outcome.idle_patches(targets) | outcome.disorder()
        problems |= set(contested_replicas(outcome.objects.values()))
        claims += outcome.claims
    return tuple(sorted({*problems, *conflicts(claims)}))


def warnings(catalog: Catalog, documents_of: Documents) -> tuple[Problem, ...]:
    """Give what should not stay so and stops nothing, sorted by place.

    Secrets in plain text, and API versions that some release of Kubernetes does not serve any more: which
    one a cluster runs is not known here.
    """
    found: set[Problem] = set()
    for environment in catalog.environments.values():
        places = destinations(environment, catalog)
        for application in filter(_readable, environment.applications.values()):
            for place in places if _is_chart(application) else (None,):
                try:
                    documents = documents_of(application, place)
                except InvalidInput:
                    continue  # which is a problem, and told as one
                found.update(deprecations(_written(documents)))
                spec = environment.spec
                if spec is not None and spec.plaintext_secrets is PlaintextSecrets.WARN:
                    found.update(plaintext_of(environment, application, documents))
    return tuple(sorted(found))


def destinations(environment: EnvironmentSource, catalog: Catalog) -> tuple[Destination, ...]:
    """Give every place that the environment's applications are rendered for; none where that is broken."""
    targets, _ = _targets(environment, catalog)
    return tuple(_destination(environment, target, catalog) for target in targets)


def _destination(environment: EnvironmentSource, target: Target, catalog: Catalog) -> Destination:
    cluster = catalog.clusters[target.cluster]
    return Destination(environment, target, cluster, catalog.cluster_at(cluster.name))


def _is_chart(application: ApplicationSource) -> bool:
    return application.renderer is RendererName.HELM


def _written(documents: Iterable[Document]) -> Iterator[Manifest]:
    for document in documents:
        for draft in drafts(document):
            if isinstance(draft, Draft):
                yield Manifest(draft.body, draft.source, draft)


def conflicts(claims: Iterable[Claim]) -> tuple[Problem, ...]:
    """Find objects that are claimed twice on one cluster; each problem names both claims."""
    first: dict[tuple[str, ObjectKey], Claim] = {}
    clusters: dict[tuple[Location, str, str], list[str]] = {}
    for claim in sorted(claims):
        other = first.setdefault((claim.cluster, claim.key), claim)
        if other is not claim:
            clusters.setdefault((claim.source, str(claim.key), f"{other}"), []).append(claim.cluster)
    return tuple(
        Problem(source, f"{key} is claimed by {other} too, on {', '.join(sorted(set(where)))}")
        for (source, key, other), where in sorted(clusters.items())
    )


def _parse_all(
    catalog: Catalog, documents_of: Documents
) -> tuple[dict[str, Sequence[Document]], set[Problem]]:
    """Give the documents of each application that has the same everywhere, by its folder."""
    documents: dict[str, Sequence[Document]] = {}
    problems: set[Problem] = set()
    for environment in catalog.environments.values():
        for application in environment.applications.values():
            if not _readable(application) or _is_chart(application):
                continue
            try:
                documents[application.path] = documents_of(application, None)
                refuse_plaintext(environment, application, documents[application.path])
            except InvalidInput as error:
                problems.update(error.problems)
    return documents, problems


def _readable(application: ApplicationSource) -> bool:
    """Whether its files can be judged: plain ones by themselves, others only once nothing else is wrong."""
    if application.renderer is RendererName.PLAIN:
        return all(renderer_of(file.path) is RendererName.PLAIN for file in application.files)
    return not application.problems


def _targets(environment: EnvironmentSource, catalog: Catalog) -> tuple[tuple[Target, ...], set[Problem]]:
    clusters_unknown = any(problem.location.path.startswith("clusters/") for problem in catalog.problems)
    if environment.spec is None or clusters_unknown:
        return (), set()
    try:
        targets = targets_of(environment.spec, catalog.clusters, environment.at)
    except InvalidInput as error:
        return (), set(error.problems)
    problems = _idle_overrides(environment.spec, targets, catalog.clusters, environment.at)
    for application in environment.applications.values():
        problems |= _idle_overrides(application.spec, targets, catalog.clusters, application.at)
    try:
        assign(environment.spec.waves, targets, catalog.clusters, environment.at)
    except InvalidInput as error:
        problems |= set(error.problems)
    return targets, problems


def _idle_overrides(
    layer: Rendering, targets: Sequence[Target], clusters: Mapping[str, Cluster], at: Locate
) -> set[Problem]:
    chosen = {target.cluster: clusters[target.cluster] for target in targets}
    problems = set()
    for place, selector in _override_selectors(layer):
        if targets and not matching_clusters(selector, chosen):
            hint = explain_no_match(selector, chosen)
            problems.add(Problem(at(*place), f"this override is for none of the targets: {hint}"))
    return problems


def _override_selectors(layer: Rendering) -> Iterator[tuple[Pointer, LabelSelector]]:
    for index, override in enumerate(layer.overrides):
        yield ("spec", "overrides", index, "clusterSelector"), override.cluster_selector
    helm = layer.helm if isinstance(layer, ApplicationSpec) else None
    for index, values in enumerate(helm.overrides if helm is not None else ()):
        yield ("spec", "helm", "overrides", index, "clusterSelector"), values.cluster_selector


class _Renders:
    """Renders an environment's applications and keeps what was claimed, matched and wrong."""

    def __init__(
        self,
        environment: EnvironmentSource,
        catalog: Catalog,
        documents: Mapping[str, Sequence[Document]],
        documents_of: Documents,
    ) -> None:
        self._environment = environment
        self._catalog = catalog
        self._clusters = catalog.clusters
        self._documents = documents
        self._documents_of = documents_of
        self._matched: set[Pointer] = set()
        self._ordered: list[tuple[Scope, tuple[Manifest, ...]]] = []
        self._complete = True
        self.claims: list[Claim] = []
        self.objects: dict[str, dict[ObjectKey, Manifest]] = defaultdict(dict)  # by cluster
        self.problems: set[Problem] = set()

    def run(self, application: ApplicationSource, targets: Iterable[Target]) -> None:
        """Render `application` for each target, unless its documents could not be had."""
        if application.path not in self._documents and not _is_chart(application):
            self._complete = False
            return
        found: dict[str, tuple[Problem, ...]] = {}
        for target in targets:
            try:
                rendered = self._rendered(application, _destination(self._environment, target, self._catalog))
            except InvalidInput as error:
                found[str(target)] = error.problems
                self._complete = False
                continue
            found[str(target)] = ()
            self._matched |= rendered.matched
            for manifest in rendered.manifests:
                self._take(application, target, manifest)
            if orders(rendered.manifests):
                scope = Scope(self._environment.name, application.name, target)
                self._ordered.append((scope, rendered.manifests))
        self.problems |= whereabouts(found, application)

    def disorder(self) -> set[Problem]:
        """Find what is wrong with `depends-on`; asked once all is rendered, since CRDs say what scope has."""
        crds = {cluster: defined(objects.values()) for cluster, objects in self.objects.items()}
        return {
            problem
            for scope, manifests in self._ordered
            for problem in disorder(manifests, scope, crds[scope.target.cluster])
        }

    def _rendered(self, application: ApplicationSource, place: Destination) -> Rendered:
        documents = self._documents.get(application.path)
        if documents is None:
            documents = self._documents_of(application, place)
            refuse_plaintext(self._environment, application, documents)
        return render_documents(self._environment, application, place.target, place.cluster, documents)

    def _take(self, application: ApplicationSource, target: Target, manifest: Manifest) -> None:
        key = identity(manifest.body, target.namespace)
        self.objects[target.cluster][key] = manifest
        no_mode = unknown_mode(manifest)
        self.problems.update((*misspelt(manifest), *([no_mode] if no_mode else ())))
        self.claims.append(
            Claim(
                target.cluster,
                key,
                manifest.source,
                self._environment.name,
                application.name,
                target.namespace,
            )
        )

    def idle_patches(self, targets: Sequence[Target]) -> set[Problem]:
        """Find the environment's patches that match nothing in any of its applications."""
        environment, spec = self._environment, self._environment.spec
        blocked = any(application.problems for application in environment.applications.values())
        if spec is None or not self._complete or blocked or not targets:
            return set()
        pointers: list[Pointer] = [("spec", "patches", n) for n in range(len(spec.patches))]
        chosen = {target.cluster: self._clusters[target.cluster] for target in targets}
        for number, override in enumerate(spec.overrides):
            if matching_clusters(override.cluster_selector, chosen):
                pointers += [
                    ("spec", "overrides", number, "patches", n) for n in range(len(override.patches))
                ]
        return {
            Problem(environment.at(*pointer, "target"), "this patch matches no object of any application")
            for pointer in pointers
            if pointer not in self._matched
        }
