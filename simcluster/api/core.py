"""What all verbs share: finding objects, showing them in the version asked for, saving and erasing them."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime

from simcluster.api import conversion, rules
from simcluster.clock import Clock, timestamp
from simcluster.errors import not_found
from simcluster.fields.ownership import Versions
from simcluster.kinds.kind import Kind
from simcluster.kinds.registry import Registry
from simcluster.kinds.types import Struct
from simcluster.store.records import Change, Stored, canonical
from simcluster.store.store import Store
from simcluster.strategies.addresses import Addresses
from simcluster.values import JsonObject

_SERVICES = "services"


class Core:
    """One cluster's store and kinds, and what the strategies may ask of it (`strategies.context.Context`)."""

    __slots__ = ("_addresses", "clock", "random", "registry", "store")

    def __init__(self, store: Store, registry: Registry, clock: Clock, chance: random.Random) -> None:
        self.store = store
        self.registry = registry
        self.clock = clock
        self.random = chance
        self._addresses: Addresses | None = None
        store.on_change(self._follow_services)

    @property
    def addresses(self) -> Addresses:
        """Cluster IPs and node ports; read from the Services when first asked for, then kept up to date."""
        if self._addresses is None:
            self._addresses = Addresses()
            for service in self.store.items(_SERVICES):
                self._addresses.taken(service.object())
        return self._addresses

    @property
    def now(self) -> str:
        """The time as `metav1.Time` writes it."""
        return timestamp(self.clock.now())

    @property
    def moment(self) -> datetime:
        """The time, to reckon with."""
        return self.clock.now()

    def find(self, group_resource: str, namespace: str, name: str) -> JsonObject | None:
        """Return an object as it is stored, by its resource (`storageclasses.storage.k8s.io`), or None."""
        record = self.store.get(_storage(group_resource), namespace, name)
        return None if record is None else record.object()

    def items(self, group_resource: str, namespace: str) -> Iterator[JsonObject]:
        """Iterate over the objects of a resource in one namespace, or in all for ""."""
        return (record.object() for record in self.store.items(_storage(group_resource), namespace))

    def versions(self, kind: Kind) -> Versions | None:
        """Return the other versions of `kind`, None where there can be none."""
        if kind.custom is None and kind.storage not in conversion.TWO_SHAPES:
            return None

        def schema(api_version: str) -> Struct | None:
            found = self.registry.of(api_version, kind.kind)
            return None if found is None else found.schema

        def convert(obj: JsonObject, api_version: str) -> JsonObject:
            found = self.registry.of(api_version, kind.kind)
            return obj if found is None else conversion.convert(conversion.to_storage(obj, kind), found)

        return Versions(schema, convert)

    def record(self, kind: Kind, namespace: str, name: str) -> Stored:
        """Return an object's record; raises `ApiError` 404."""
        found = self.store.get(kind.storage, namespace, name)
        if found is None:
            raise not_found(kind.plural, kind.group, name)
        return found

    def shown(self, kind: Kind, record: Stored) -> JsonObject:
        """Return a copy of the object in the version of `kind`."""
        return conversion.convert(record.object(), kind)

    def save(self, kind: Kind, obj: JsonObject, live: Stored | None, *, dry_run: bool) -> JsonObject:
        """Write `obj` over `live` (None: it is new) and return it with its resource version.

        What changes nothing is not written: it keeps its revision, and no watcher hears of it.
        """
        out = self._to_storage(obj, kind)
        metadata = out["metadata"]
        if live is None:
            metadata.pop("resourceVersion", None)
        else:
            metadata["resourceVersion"] = str(live.revision)
            if canonical(out) == live.body:
                return conversion.convert(out, kind)
        if not dry_run:
            self.store.put(kind.storage, out)
        return conversion.convert(out, kind)

    def erase(self, kind: Kind, record: Stored, *, dry_run: bool) -> int:
        """Delete an object now; watchers see its last state. Returns the revision of the deletion."""
        if dry_run:
            return record.revision
        return self.store.remove(kind.storage, record.namespace, record.name, record.object()).revision

    def _to_storage(self, obj: JsonObject, kind: Kind) -> JsonObject:
        out = conversion.to_storage(obj, kind)
        if kind.custom is not None and out is not obj:
            for each in self.registry.of_crd(kind.custom.crd_name):
                if each.api_version == out["apiVersion"]:
                    return rules.decode(out, each)
        return out

    def _follow_services(self, change: Change) -> None:
        if self._addresses is None or change.now.storage != _SERVICES:
            return
        if change.before is not None:
            self._addresses.released(change.before.object())
        if change.kind != "DELETED":
            self._addresses.taken(change.now.object())


def _storage(group_resource: str) -> str:
    """`deployments.apps` → `apps/deployments`: what built-in kinds are stored under."""
    plural, _, group = group_resource.partition(".")
    return f"{group}/{plural}" if group else plural
