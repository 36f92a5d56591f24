"""Finds what else of the repository renders on a target's cluster, so that objects are handed over.

Only asked where something here may be another application's, or is about to leave: it renders a lot.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple, TypeAlias

from controllers.adapters.kube.resources import Discovery
from controllers.recent import Recent
from controllers.rollout.observer import CONFIG_MAPS, Question
from controllers.source.revisions import Revisions
from gitops.errors import Denied, InvalidInput, TransientError
from gitops.inventory.storage import APPLYSET_ID
from gitops.model.catalog import ApplicationSource, Catalog
from gitops.model.folders import RendererName
from gitops.objects import JsonObject, ObjectKey
from gitops.plan import Scope, Wanted, settle
from gitops.plan.neighbours import let_go, scopes_on, unusable

log = logging.getLogger(__name__)

Render: TypeAlias = Callable[[Scope, str], Wanted]
Found: TypeAlias = Mapping[str, frozenset[ObjectKey]]

# Some hundred keys each at most.
_KNOWN = 500


class Asking(NamedTuple):
    """Who asks, and about which revision; where that one cannot be used, about `fallback`.

    `failed` is the revision from which the target is taken back, "" where it is not.
    """

    scope: Scope
    connection: str
    at: str
    fallback: str
    failed: str = ""


class KnownKeys:
    """What applications render, by the digest that it follows from. For any thread."""

    def __init__(self) -> None:
        self._keys = Recent[Scope, tuple[str, Discovery, frozenset[ObjectKey]]](_KNOWN)

    def of(self, wanted: Wanted, discovery: Discovery) -> frozenset[ObjectKey]:
        """Settle `wanted` as the cluster of `discovery` takes it, unless that is known."""
        known = self._keys.get(wanted.scope)
        if known is not None and known[0] == wanted.digest and known[1] is discovery:
            return known[2]

        settled = settle(wanted.manifests, wanted.scope, discovery.namespaced)
        found = frozenset(manifest.key for manifest in settled.manifests)
        self._keys.keep(wanted.scope, (wanted.digest, discovery, found))
        return found


class Neighbours:
    """Answers one errand's questions. `render` gives any application of the repository, as a rollout does."""

    def __init__(self, revisions: Revisions, known: KnownKeys, render: Render, asking: Asking) -> None:
        self._revisions = revisions
        self._known = known
        self._render = render
        self._asking = asking

    async def find(self, question: Question) -> Found:
        """Give what each other application renders, by ApplySet id; of those that are concerned.

        One that this repository wants nothing of any more renders nothing. One that cannot be rendered is
        said to render whatever its files name (anything, where they are not plain), and is left out where
        nothing is leaving: nothing of it may be taken over. Under the own id stands what `failed` renders.
        """
        try:
            return await self._at(self._asking.at, question)
        except InvalidInput:
            return await self._at(self._asking.fallback, question)

    async def _at(self, revision: str, question: Question) -> Found:
        catalog = await asyncio.to_thread(self._revisions.catalog, revision)
        if catalog.problems:
            raise InvalidInput(*catalog.problems)
        scopes = scopes_on(catalog, self._asking.connection)
        found = await asyncio.to_thread(self._rendered, revision, catalog, scopes, question)
        unknown = question.foreign.keys() - scopes.keys()
        if unknown:
            parents = await _parents(question, unknown)
            recorded = await asyncio.to_thread(self._revisions.recorded_environments)
            found |= dict.fromkeys(let_go(parents, catalog, recorded, scopes), frozenset())
        return found

    def _rendered(
        self, revision: str, catalog: Catalog, scopes: Mapping[str, Scope], question: Question
    ) -> dict[str, frozenset[ObjectKey]]:
        found: dict[str, frozenset[ObjectKey]] = {}
        for applyset, scope in scopes.items():
            if scope == self._asking.scope or not (question.leaving or applyset in question.foreign):
                continue
            try:
                found[applyset] = self._keys(scope, revision, question.discovery)
            except (InvalidInput, TransientError, Denied):
                one = catalog.environments[scope.environment].applications[scope.application]
                mentioned = self._mentioned(revision, (one,), question.leaving)
                if mentioned:
                    found[applyset] = mentioned
        for environment in unusable(catalog):
            mentioned = self._mentioned(revision, environment.applications.values(), question.leaving)
            if mentioned:
                found[environment.path] = mentioned
        if self._asking.failed and question.leaving:
            try:
                found[self._asking.scope.applyset] = self._keys(
                    self._asking.scope, self._asking.failed, question.discovery
                )
            except (InvalidInput, TransientError, Denied):
                log.debug("%s cannot be rendered at %s", self._asking.scope.name, self._asking.failed)
        return found

    def _keys(self, scope: Scope, revision: str, discovery: Discovery) -> frozenset[ObjectKey]:
        return self._known.of(self._render(scope, revision), discovery)

    def _mentioned(
        self, revision: str, applications: Iterable[ApplicationSource], keys: frozenset[ObjectKey]
    ) -> frozenset[ObjectKey]:
        every = tuple(applications)
        if any(one.renderer is not RendererName.PLAIN for one in every):
            return keys  # a renderer makes names of parts that its files have apart
        files = [file for one in every for file in one.files]
        names = self._revisions.mentioned(revision, files, frozenset(key.name for key in keys))
        return frozenset(key for key in keys if key.name in names)


async def _parents(question: Question, applysets: Iterable[str]) -> list[JsonObject]:
    """The ApplySet parents' metadata, looked for everywhere, or where we may."""
    chosen = f"{APPLYSET_ID} in ({','.join(sorted(applysets))})"
    client = question.client
    try:
        listing = await client.list(CONFIG_MAPS, label_selector=chosen, metadata_only=True)
        return [body["metadata"] for body in listing.items]
    except Denied:
        namespaces = frozenset[str]().union(*question.foreign.values())
    found: list[JsonObject] = []
    for namespace in sorted(namespaces):
        try:
            listing = await client.list(CONFIG_MAPS, namespace, label_selector=chosen, metadata_only=True)
        except Denied:
            continue
        found += [body["metadata"] for body in listing.items]
    return found
