"""Looks at one target before a plan is made: metadata only, no more requests than the plan needs."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from controllers.adapters.kube.client import KubeClient
from controllers.adapters.kube.errors import Forbidden
from controllers.adapters.kube.resources import Discovery, Resource
from controllers.adapters.kube.wire import Listing
from gitops.errors import Denied, Unreachable
from gitops.inventory import from_config_maps, selector
from gitops.objects import GroupKind, JsonObject, ObjectKey
from gitops.ownership import PART_OF
from gitops.plan import LiveObject, Scope, Settled, TargetView, Wanted, settle

CONFIG_MAPS = Resource("", "v1", "ConfigMap", "configmaps", namespaced=True)
NAMESPACES = Resource("", "v1", "Namespace", "namespaces", namespaced=False)
# Up to this many objects of one kind in one namespace are read one by one: cheaper than a list of strangers'.
READ_SINGLY = 4
LIST_EVERYWHERE = 4
# Metadata of one object is about a kilobyte, so a page of it stays in the low megabytes.
METADATA_PAGE = 2000


class Question(NamedTuple):
    """What is to be known of the repository's other applications.

    `foreign`: other ApplySets' ids on objects here, with the namespaces of those and of the target;
    `leaving`: what is tracked here and no longer rendered.
    """

    client: KubeClient
    discovery: Discovery
    foreign: Mapping[str, frozenset[str]]
    leaving: frozenset[ObjectKey]


Siblings: TypeAlias = Callable[[Question], Awaitable[Mapping[str, frozenset[ObjectKey]]]]
_Group: TypeAlias = tuple[Resource, str]
_Found: TypeAlias = dict[ObjectKey, LiveObject]
_Read: TypeAlias = tuple[set[ObjectKey], Awaitable[_Found]]


@dataclass(frozen=True, slots=True)
class Observed:
    """A target as seen: what the plan needs, and the ConfigMaps that hold the inventory now.

    `unseen`: objects that we never held and may not look at, with the server's words. They are planned as
    if they were new; nothing may be written while there are any.
    """

    settled: Settled
    view: TargetView
    discovery: Discovery
    stored: tuple[JsonObject, ...]
    unseen: Mapping[ObjectKey, str]


class Access(NamedTuple):
    """One cluster with our own rights, and with those that the application's objects are handled with."""

    own: KubeClient
    objects: KubeClient


class TargetObserver:
    """Looks with `objects`' rights at the application's objects, with our own at the inventory."""

    def __init__(self, access: Access) -> None:
        self._own, self._objects = access

    async def look(self, wanted: Wanted, siblings: Siblings, *, refresh: bool = False) -> Observed:
        """Read everything that planning `wanted` rests on.

        `siblings` is asked only when something here may belong to another application; see `TargetView`.
        Under the own ApplySet id it says what a failed revision rendered. Raises what the client raises: a
        read that failed never becomes an empty view.
        """
        scope = wanted.scope
        reading = self._read_inventory(wanted)
        discovery = await self._own.discovery(refresh=refresh)

        await asyncio.sleep(0)  # the request leaves before the CPU is busy with settling
        settled = settle(wanted.manifests, scope, discovery.namespaced)
        keys = {manifest.key for manifest in settled.manifests}
        stored = await reading
        inventory = from_config_maps(stored.items, scope.target.cluster)
        tracked = frozenset(inventory.entries) if inventory else frozenset[ObjectKey]()
        places = {key.namespace for key in keys if key.namespace} | {scope.target.namespace}
        likely = {key.namespace for key in tracked}
        namespaces = await self._namespaces(places - likely)
        live, unseen = await self._live(
            discovery, keys | tracked, tracked, namespaces | likely, scope.applyset
        )
        # Where an object of ours is, there is its namespace; only the others have to be asked for.
        namespaces |= {key.namespace for key in live if key.namespace}
        namespaces |= await self._namespaces((places & likely) - namespaces)
        question = Question(self._own, discovery, _foreign(live, scope), tracked - keys)
        others = dict(await siblings(question)) if question.foreign or question.leaving else {}
        view = TargetView(
            namespaced=discovery.namespaced,
            namespaces=namespaces,
            inventory=inventory,
            live=live,
            added=others.pop(scope.applyset, frozenset()),
            siblings=others,
        )
        return Observed(settled, view, discovery, stored.items, unseen)

    def _read_inventory(self, wanted: Wanted) -> asyncio.Future[Listing]:
        scope = wanted.scope
        chosen = selector(scope.environment, scope.application)
        reading = asyncio.ensure_future(
            self._own.list(CONFIG_MAPS, scope.target.namespace, label_selector=chosen)
        )
        # Where something else fails first, nobody asks for this outcome any more.
        reading.add_done_callback(lambda done: done.cancelled() or done.exception())
        return reading

    async def _namespaces(self, names: Iterable[str]) -> frozenset[str]:
        """Which of `names` exist: asked one by one, or, where they are many, by one list if we may."""
        wanted = sorted(names)
        if len(wanted) > READ_SINGLY:
            with suppress(Denied):
                listing = await self._own.list(NAMESPACES, metadata_only=True, page_size=METADATA_PAGE)
                return frozenset(wanted) & {str(body["metadata"]["name"]) for body in listing.items}
        found = await asyncio.gather(
            *(self._own.get(NAMESPACES, name, metadata_only=True) for name in wanted)
        )
        return frozenset(name for name, body in zip(wanted, found, strict=True) if body is not None)

    async def _live(
        self,
        discovery: Discovery,
        keys: frozenset[ObjectKey] | set[ObjectKey],
        tracked: frozenset[ObjectKey],
        namespaces: frozenset[str],
        applyset: str,
    ) -> tuple[dict[ObjectKey, LiveObject], dict[ObjectKey, str]]:
        groups: dict[_Group, set[ObjectKey]] = defaultdict(set)
        for key in keys:
            resource = discovery.preferred(key.group_kind)
            if resource is None and key in tracked and discovery.unavailable:
                raise Unreachable(f"the API of {key.group_kind} does not answer, so {key} cannot be seen")
            if resource is not None and (not key.namespace or key.namespace in namespaces or key in tracked):
                groups[resource, key.namespace].add(key)
        live: dict[ObjectKey, LiveObject] = {}
        unseen: dict[ObjectKey, str] = {}
        reads = self._reads(groups, tracked, applyset)
        outcomes = await asyncio.gather(*(_seen_or_forbidden(*read, tracked) for read in reads))
        for (keys_read, _), outcome in zip(reads, outcomes, strict=True):
            if isinstance(outcome, Forbidden):
                unseen |= dict.fromkeys(keys_read, str(outcome))
            else:
                live |= outcome
        return live, unseen

    def _reads(
        self, groups: Mapping[_Group, set[ObjectKey]], tracked: frozenset[ObjectKey], applyset: str
    ) -> list[_Read]:
        """Give each read with the keys that it is about."""
        members = f"{PART_OF}={applyset}"
        everywhere: dict[Resource, dict[str, set[ObjectKey]]] = defaultdict(dict)
        reads: list[_Read] = []
        for (resource, namespace), keys in sorted(groups.items()):
            if len(keys) <= READ_SINGLY:
                reads.append((keys, self._singly(resource, keys)))
            elif keys <= tracked and namespace:
                everywhere[resource][namespace] = keys
            elif keys <= tracked:
                reads.append((keys, self._tracked(resource, namespace, keys, members)))
            else:
                reads.append((keys, self._listed(resource, namespace, keys, "")))
        for resource, by_namespace in everywhere.items():
            if len(by_namespace) > LIST_EVERYWHERE:
                every = set().union(*by_namespace.values())
                reads.append((every, self._everywhere(resource, by_namespace, members)))
            else:
                reads += [
                    (keys, self._tracked(resource, name, keys, members))
                    for name, keys in by_namespace.items()
                ]
        return reads

    async def _singly(self, resource: Resource, keys: set[ObjectKey]) -> _Found:
        ordered = sorted(keys)
        found = await asyncio.gather(
            *(self._objects.get(resource, key.name, key.namespace, metadata_only=True) for key in ordered)
        )
        return {
            key: LiveObject.from_metadata(body["metadata"])
            for key, body in zip(ordered, found, strict=True)
            if body is not None
        }

    async def _tracked(
        self, resource: Resource, namespace: str, keys: set[ObjectKey], members: str
    ) -> _Found:
        return await self._completed(
            resource, {namespace: keys}, await self._listed(resource, namespace, keys, members)
        )

    async def _completed(
        self, resource: Resource, by_namespace: Mapping[str, set[ObjectKey]], found: _Found
    ) -> _Found:
        """Look for what a list of our members lacks: it may be there without our label, or with another's."""
        missing = {name: keys - found.keys() for name, keys in by_namespace.items()}
        reads = [
            self._singly(resource, keys)
            if len(keys) <= READ_SINGLY
            else self._listed(resource, name, keys, "")
            for name, keys in sorted(missing.items())
            if keys
        ]
        return {key: live for read in (found, *await asyncio.gather(*reads)) for key, live in read.items()}

    async def _listed(
        self, resource: Resource, namespace: str, keys: set[ObjectKey], label_selector: str
    ) -> _Found:
        listing = await self._objects.list(
            resource, namespace, label_selector=label_selector, metadata_only=True, page_size=METADATA_PAGE
        )
        found: dict[ObjectKey, LiveObject] = {}
        for body in listing.items:
            key = _key(resource.group_kind, body)
            if key in keys:
                found[key] = LiveObject.from_metadata(body["metadata"])
        return found

    async def _everywhere(
        self, resource: Resource, by_namespace: Mapping[str, set[ObjectKey]], label_selector: str
    ) -> _Found:
        """One list over all namespaces; namespace by namespace where we may not."""
        try:
            keys = set().union(*by_namespace.values())
            found = await self._listed(resource, "", keys, label_selector)
        except Forbidden:
            reads = await asyncio.gather(
                *(self._listed(resource, name, keys, label_selector) for name, keys in by_namespace.items())
            )
            found = {key: live for read in reads for key, live in read.items()}
        return await self._completed(resource, by_namespace, found)


def _foreign(live: Mapping[ObjectKey, LiveObject], scope: Scope) -> dict[str, frozenset[str]]:
    """Other ApplySets' ids, and where their parents may be: by their objects, or as here."""
    found: dict[str, set[str]] = defaultdict(lambda: {scope.target.namespace})
    for key, one in live.items():
        applyset = one.labels.get(PART_OF, scope.applyset)
        if applyset != scope.applyset:
            found[applyset].add(key.namespace)
    return {applyset: frozenset(namespaces - {""}) for applyset, namespaces in found.items()}


async def _seen_or_forbidden(
    keys: set[ObjectKey], read: Awaitable[_Found], tracked: frozenset[ObjectKey]
) -> _Found | Forbidden:
    """A right that we had and lost says nothing about a revision, and what we hold may still be there."""
    try:
        return await read
    except Forbidden as error:
        if keys & tracked:
            raise
        return error


def _key(kind: GroupKind, body: JsonObject) -> ObjectKey:
    metadata = body["metadata"]
    return ObjectKey(*kind, str(metadata.get("namespace") or ""), str(metadata["name"]))
