"""`gitops take-over`: objects that another tool applied become ours, field by field. Changes no value."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace

from controllers.adapters.kube.client import KubeClient
from controllers.adapters.kube.errors import Forbidden, NotFound, Rejected
from controllers.adapters.kube.resources import Resource
from controllers.cli import output, records
from controllers.cli.repository import Opened
from controllers.clusters import Clusters
from controllers.drift.examiner import look_closely, resource_of
from controllers.logs import KnownSecrets
from controllers.rollout.errands import Errands
from controllers.rollout.observer import TargetObserver
from gitops.drift import DriftRules
from gitops.errors import Conflict, Denied, GitopsError, InvalidInput, Refused, TransientError
from gitops.objects import JsonObject, Manifest
from gitops.ownership import PART_OF, claimed_by
from gitops.plan import LiveObject
from gitops.pointers import pointer_to
from gitops.rollout.desired import Wish, wish
from gitops.takeover import Managers, Takeover, marks, take_over, unallocated
from gitops.views import takeover as view
from gitops.views.takeover import TakenOver

_TARGETS_AT_ONCE = 16
_OBJECTS_AT_ONCE = 16
_TRIES = 5


@dataclass(frozen=True, slots=True)
class Terms:
    """What is taken over, and from whom; empty: everything, and the tools that are known."""

    application: str = ""
    target: str = ""
    managers: tuple[str, ...] = ()
    remove_marks: bool = False
    dry_run: bool = False


def run(repository: Opened, clusters: Clusters, environment: str, terms: Terms, form: output.Form) -> bool:
    """Take over what the environment's manifests name and what exists; whether nothing was left alone."""
    taker = _Taker(repository, clusters, environment, terms)
    found = asyncio.run(taker.take())
    nothing = f"nothing that {environment} renders exists yet: there is nothing to take over"
    text = view.text(found, dry_run=terms.dry_run)
    output.show(form, view.form(environment, found, dry_run=terms.dry_run), text or nothing)
    return not any(one.because for one in found)


class _Taker:
    def __init__(self, repository: Opened, clusters: Clusters, environment: str, terms: Terms) -> None:
        self._terms = terms
        self._head = repository.head
        revisions = repository.revisions()
        catalog = revisions.catalog(repository.head)
        records.known("environment", environment, catalog.environments)
        state = records.state(repository.mirror, environment)
        self._wish = wish(catalog, environment, repository.head, state)
        allowed = DriftRules.of(self._wish.spec).allowed_managers
        self._managers = Managers(frozenset(terms.managers), allowed)
        self._secrets = KnownSecrets()
        self._clusters = clusters
        self._errands = Errands(environment, revisions, clusters, self._secrets)

    async def take(self) -> tuple[TakenOver, ...]:
        """Go through every application and target. Closes the clusters' connections."""
        slots = asyncio.Semaphore(_TARGETS_AT_ONCE)

        async def one(application: str, target: str) -> list[TakenOver]:
            async with slots:
                try:
                    return await self._target(application, target)
                except (TransientError, Denied, InvalidInput) as error:
                    return [TakenOver(application, target, "", because=self._secrets.text(str(error)))]

        try:
            places = [one(*place) for place in _places(self._wish, self._terms)]
            return tuple(taken for part in await asyncio.gather(*places) for taken in part)
        finally:
            await self._clusters.close()

    async def _target(self, application: str, target: str) -> list[TakenOver]:
        errand = await self._errands.prepare(application, target, self._head)
        access = await self._errands.access(await self._errands.place(self._head, target))
        observed = await TargetObserver(access).look(errand.wanted, errand.siblings)
        slots = asyncio.Semaphore(_OBJECTS_AT_ONCE)

        async def one(manifest: Manifest, live: LiveObject) -> TakenOver:
            found = TakenOver(application, target, str(manifest.key))
            stranger = _belongs_elsewhere(live, errand.wanted.scope.applyset)
            if stranger:
                return replace(found, because=f"it belongs to {stranger}")
            async with slots:
                try:
                    resource = resource_of(manifest, observed.discovery)
                    return await self._object(access.objects, resource, manifest, found)
                except GitopsError as error:
                    return replace(found, because=self._secrets.text(str(error)))

        there = [(one, observed.view.live.get(one.key)) for one in observed.settled.manifests]
        taken = await asyncio.gather(*(one(manifest, live) for manifest, live in there if live))
        hidden = (
            TakenOver(application, target, str(key), because=self._secrets.text(said))
            for key, said in sorted(observed.unseen.items())
        )
        return [*taken, *hidden]

    async def _object(
        self, client: KubeClient, resource: Resource, manifest: Manifest, found: TakenOver
    ) -> TakenOver:
        for _ in range(_TRIES):
            live, applied = await look_closely(client, resource, manifest)
            if live is None:
                return replace(found, because="it is not there any more")
            decided = take_over(live, applied, managers=self._managers)
            if decided.incomplete:
                new = await _made_new(client, resource, manifest)
                decided = take_over(live, applied, new, managers=self._managers)
            left = marks(live["metadata"], manifest.metadata)
            told = replace(
                found,
                shares=decided.shares,
                beside_us=decided.beside_us,
                marks=tuple(key for _, key in left),
                marks_removed=self._terms.remove_marks,
                claim=_claim(live),
            )
            operations = [*_fields(live, decided), *(_removals(left) if self._terms.remove_marks else ())]
            if self._terms.dry_run or not operations:
                return told
            with suppress(Conflict):  # somebody wrote meanwhile: read again, decide again
                await _write(client, resource, manifest, live, operations)
                return told
        raise Refused("it changes faster than it can be taken over: try again")


def _places(wanted: Wish, terms: Terms) -> Iterator[tuple[str, str]]:
    for name, lines in wanted.problems.items():
        if terms.application in ("", name):
            output.note(f"{name} is left out: {'; '.join(lines)}")
    if terms.application:
        records.known("application", terms.application, {*wanted.desired, *wanted.problems})
    if terms.target:
        records.known("target", terms.target, wanted.targets)
    for name, desired in sorted(wanted.desired.items()):
        if terms.application in ("", name) and not desired.removed:
            yield from ((name, target) for target in sorted(desired.targets) if terms.target in ("", target))


def _belongs_elsewhere(live: LiveObject, applyset: str) -> str:
    """Who owns an object that no command may take: another application, or the controller that made it."""
    part_of = {key: value for key, value in live.labels.items() if key == PART_OF}
    return claimed_by(part_of, {}, live.owner_references, ours=applyset) or ""


def _claim(live: JsonObject) -> str:
    metadata = live["metadata"]
    labels = {key: value for key, value in (metadata.get("labels") or {}).items() if key != PART_OF}
    return claimed_by(labels, metadata.get("annotations") or {}) or ""


async def _made_new(client: KubeClient, resource: Resource, manifest: Manifest) -> JsonObject | None:
    """What the server makes of the manifest where nothing is; None where it does not say.

    Another name, because the object exists; a dry-run, so nothing is made.
    """
    metadata = {**manifest.metadata, "name": f"{manifest.key.name[:50]}-defaults"}
    body = {**unallocated(dict(manifest.body)), "metadata": metadata}
    with suppress(Rejected, Forbidden, NotFound, Conflict):
        return await client.apply(resource, body, dry_run=True, metadata_only=False)
    return None


def _fields(live: JsonObject, decided: Takeover) -> Iterator[JsonObject]:
    before = live["metadata"].get("managedFields") or []
    ours_alone = not decided.shares and len(before) == len(decided.managed_fields)
    if not ours_alone:
        yield {"op": "replace", "path": "/metadata/managedFields", "value": list(decided.managed_fields)}


def _removals(left: tuple[tuple[str, str], ...]) -> Iterator[JsonObject]:
    for field, key in left:
        yield {"op": "remove", "path": pointer_to("metadata", field, key)}


async def _write(
    client: KubeClient, resource: Resource, manifest: Manifest, live: JsonObject, operations: list[JsonObject]
) -> None:
    key, version = manifest.key, str(live["metadata"]["resourceVersion"])
    await client.patch(resource, key.name, key.namespace, operations=operations, resource_version=version)
