"""One kind of one cluster, watched everywhere where that is allowed, else namespace by namespace."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Generic, TypeAlias

from controllers.adapters.kube.client import KubeClient
from controllers.adapters.kube.errors import Forbidden
from controllers.adapters.kube.reflector import Kept, Place, Reflector
from controllers.adapters.kube.resources import Resource
from controllers.drift.tasks import Tasks
from controllers.rollout.observer import METADATA_PAGE
from gitops.errors import GitopsError
from gitops.objects import JsonObject

log = logging.getLogger(__name__)

# A server that starts again forgets for all kinds at once.
_SPREAD_SECONDS = 2.0

# What was seen, by namespace and name, and the resource version up to which it was.
Seen: TypeAlias = tuple[Mapping[Place, Kept], str]


class Collection(Generic[Kept]):
    """What is seen of one kind. `everywhere` is the client to try on all namespaces, None to not even try."""

    def __init__(
        self,
        everywhere: KubeClient | None,
        resource: Resource,
        selector: str,
        trim: Callable[[JsonObject], Kept],
        *,
        metadata_only: bool = True,
        recall: Callable[[str], Seen[Kept] | None] = lambda _namespace: None,
    ) -> None:
        """`recall` gives what was seen of a namespace ("": of all) by an earlier process, and up to when."""
        self.on_change: Callable[[str, Kept], None] = lambda _type, _kept: None
        self.on_synced: Callable[[], None] = lambda: None
        self.on_blind: Callable[[], None] = lambda: None
        self._everywhere = everywhere
        self.resource = resource
        self._selector = selector
        self._trim = trim
        self._metadata_only = metadata_only
        self._recall = recall
        self._clients: dict[str, KubeClient] = {}
        self._reflectors: dict[str, Reflector[Kept]] = {}
        self._ending = Tasks()
        self._stopped = False

    def cover(self, clients: Mapping[str, KubeClient]) -> None:
        """Watch these namespaces at least, each with its client; "" is the cluster's own objects."""
        if self._stopped:
            return
        self._clients = dict(clients)
        wanted = {""} if self._everywhere is not None or not self.resource.namespaced else set(clients) - {""}
        for namespace in sorted(self._reflectors.keys() - wanted):
            self._ending.begin(self._reflectors.pop(namespace).stop())
        for namespace in sorted(wanted - self._reflectors.keys()):
            client = self._everywhere or clients.get(namespace) or next(iter(clients.values()), None)
            if client is not None:
                self._reflectors[namespace] = self._start(client, namespace)

    def find(self, namespace: str, name: str) -> Kept | None:
        """What was seen of one object; None where nothing was."""
        reflector = self._reflectors.get("") or self._reflectors.get(namespace)
        return reflector.items.get((namespace, name)) if reflector is not None else None

    def sees(self, namespace: str) -> bool:
        """Whether a namespace was listed, so that what was not seen there is not there."""
        reflector = self._reflectors.get("") or self._reflectors.get(namespace)
        return reflector is not None and reflector.synced.is_set()

    def follows(self, namespace: str) -> bool:
        """Whether a namespace was listed and its watch goes on, so that what is known of it is of now."""
        reflector = self._reflectors.get("") or self._reflectors.get(namespace)
        return reflector is not None and reflector.synced.is_set() and not reflector.blind

    def version(self, namespace: str) -> str:
        """The resource version up to which a namespace was seen; "" before it was listed."""
        reflector = self._reflectors.get("") or self._reflectors.get(namespace)
        return reflector.resource_version if reflector is not None else ""

    def seen(self) -> dict[str, Seen[Kept]]:
        """What was seen, and up to which version, by namespace as `recall` is asked for; copies."""
        return {
            namespace: (dict(reflector.items), reflector.resource_version)
            for namespace, reflector in self._reflectors.items()
            if reflector.synced.is_set() and reflector.resource_version
        }

    @property
    def synced(self) -> bool:
        """Whether all of it was listed."""
        return all(reflector.synced.is_set() for reflector in self._reflectors.values())

    @property
    def blind(self) -> bool:
        """Whether a watch of something fails again and again: what is known of it may be of another time."""
        return any(reflector.blind for reflector in self._reflectors.values())

    async def stop(self) -> None:
        """End every watch, for good."""
        self._stopped = True
        for reflector in self._reflectors.values():
            self._ending.begin(reflector.stop())
        self._reflectors.clear()
        await self._ending.finish()

    def _start(self, client: KubeClient, namespace: str) -> Reflector[Kept]:
        reflector: Reflector[Kept] = Reflector(
            client,
            self.resource,
            namespace,
            label_selector=self._selector,
            metadata_only=self._metadata_only,
            page_size=METADATA_PAGE if self._metadata_only else 500,
            spread=_SPREAD_SECONDS,
            trim=self._trim,
        )
        remembered = self._recall(namespace)
        if remembered is not None:
            reflector.resume(*remembered)
        reflector.on_change = self._changed
        reflector.on_synced = self._listed
        reflector.on_error = self._failed
        reflector.on_blind = self._blinded
        reflector.start()
        return reflector

    def _changed(self, kind: str, kept: Kept) -> None:
        self.on_change(kind, kept)

    def _listed(self) -> None:
        self.on_synced()

    def _blinded(self) -> None:
        self.on_blind()

    def _failed(self, error: GitopsError) -> None:
        """Go namespace by namespace once the server says that not everything may be watched."""
        if isinstance(error, Forbidden) and self._everywhere is not None and self.resource.namespaced:
            log.info("%s are watched in each namespace by itself: %s", self.resource.plural, error)
            self._everywhere = None
            self.cover(self._clients)
