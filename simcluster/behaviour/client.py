"""How the parts read and write: from the store, and through the api under the real components' names."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from random import Random

from simcluster.api.api import Api
from simcluster.api.options import DeleteOptions, Propagation, WriteOptions
from simcluster.behaviour import direct
from simcluster.behaviour.actions import Action, Create, Delete, Record, Update, UpdateStatus
from simcluster.behaviour.events import KEPT, Recorder
from simcluster.behaviour.meta import controller_of, deleting, labels_of
from simcluster.behaviour.owners import Owners, Place
from simcluster.behaviour.queue import WorkQueue
from simcluster.errors import ApiError
from simcluster.kinds.kind import Kind
from simcluster.store.store import Store
from simcluster.values import JsonObject

NOT_FOUND = 404
CONFLICT = 409
_ZONE = "topology.kubernetes.io/zone"
_CONTROLLERS = WriteOptions(manager="kube-controller-manager", field_validation="Ignore")
_KUBELET = WriteOptions(manager="kubelet", field_validation="Ignore")
_SCHEDULER = WriteOptions(manager="kube-scheduler", field_validation="Ignore")


@dataclass(frozen=True, slots=True)
class Component:
    """A part of the control plane: the name in its Events, and under which it writes."""

    name: str
    options: WriteOptions = field(default=_CONTROLLERS)


KUBELET = Component("kubelet", _KUBELET)
SCHEDULER = Component("default-scheduler", _SCHEDULER)


class Client:
    """What the parts of one cluster share."""

    __slots__ = ("_events", "_recorder", "_zones", "api", "owners", "queue", "random", "shortcuts", "store")

    def __init__(self, api: Api, store: Store, queue: WorkQueue, random: Random) -> None:
        self.api = api
        self.store = store
        self.queue = queue
        self.random = random
        self.owners = Owners()
        self.shortcuts = True  # off, every write goes through the api; only slower
        self._recorder = Recorder()
        self._zones: dict[str, str] | None = None
        self._events: deque[tuple[datetime, str, str]] = deque()

    @property
    def now(self) -> datetime:
        """The time of this turn."""
        return self.queue.now

    def kind(self, api_version: str, kind: str) -> Kind:
        """Return a kind by its object's two words; raises `LookupError` where it is not served."""
        found = self.api.registry.of(api_version, kind)
        if found is None:
            raise LookupError(f"{api_version} {kind}")
        return found

    def get(self, storage: str, namespace: str, name: str) -> JsonObject | None:
        """Return a fresh copy of an object, None where there is none."""
        found = self.store.get(storage, namespace, name)
        return None if found is None else found.object()

    def items(self, storage: str, namespace: str = "") -> list[JsonObject]:
        """Return fresh copies of all objects of a storage, in a namespace or in all."""
        return [each.object() for each in self.store.items(storage, namespace)]

    def controlled(self, owner: JsonObject, storage: str) -> list[JsonObject]:
        """Return what `owner` controls of a storage, by name."""
        uid = owner["metadata"]["uid"]
        places = sorted(self.owners.dependents_in(uid, storage))
        found = [self.get(*place) for place in places]
        return [each for each in found if each is not None and (controller_of(each) or {}).get("uid") == uid]

    def zones(self) -> dict[str, str]:
        """Return the zone of each Node, "" for one without."""
        if self._zones is None:
            nodes = self.items("nodes")
            self._zones = {each["metadata"]["name"]: labels_of(each).get(_ZONE, "") for each in nodes}
        return self._zones

    def see_nodes(self) -> None:
        """Some Node changed."""
        self._zones = None

    def at(self, place: Place) -> JsonObject | None:
        """Return the object at a place."""
        return self.get(*place)

    def create(self, obj: JsonObject, by: Component) -> JsonObject:
        """Make an object; raises `ApiError` as the api does."""
        kind = self.kind(obj["apiVersion"], obj["kind"])
        namespace = obj["metadata"].get("namespace", "")
        key = direct.key_for(self.api.core, obj, kind, by.options.manager)
        if key is None or not self.shortcuts:
            return self.api.create(kind, namespace, obj, by.options).object
        made = direct.copy(self.api.core, obj, kind, key)
        if made is None:
            made = self.api.create(kind, namespace, obj, by.options).object
            direct.remember(key, made)
        return made

    def update(
        self, obj: JsonObject, by: Component, subresource: str = "", found: JsonObject | None = None
    ) -> JsonObject:
        """Replace an object or a subresource of it; raises `ApiError` as the api does.

        With `found`, the object as it was read, the write may take a short way.
        """
        kind = self.kind(obj["apiVersion"], obj["kind"])
        if found is not None and self.shortcuts:
            made = direct.put(self.api.core, (found, obj), kind, by.options.manager)
            if made is not None:
                return made
        metadata = obj["metadata"]
        namespace = metadata.get("namespace", "")
        return self.api.update(kind, namespace, metadata["name"], obj, by.options, subresource).object

    def update_status(
        self,
        found: JsonObject,
        status: JsonObject,
        by: Component,
        annotations: dict[str, str] | None = None,
    ) -> JsonObject:
        """Replace the status (and annotations) of an object that was just read; raises `ApiError`."""
        metadata = (
            found["metadata"] if annotations is None else {**found["metadata"], "annotations": annotations}
        )
        wanted = {**found, "metadata": metadata, "status": status}
        if self.shortcuts:
            kind = self.kind(found["apiVersion"], found["kind"])
            made = direct.put_status(self.api.core, (found, wanted), kind, by.options.manager)
            if made is not None:
                return made
        return self.update(wanted, by, "status")

    def delete(
        self,
        obj: JsonObject,
        propagation: Propagation | None = None,
        grace_period: int | None = None,
    ) -> None:
        """Delete an object, if it is still this one; nothing happens where it is gone."""
        kind = self.kind(obj["apiVersion"], obj["kind"])
        metadata = obj["metadata"]
        options = DeleteOptions(grace_period=grace_period, propagation=propagation, uid=metadata["uid"])
        try:
            self.api.delete(kind, metadata.get("namespace", ""), metadata["name"], options)
        except ApiError as error:
            if error.code not in (NOT_FOUND, CONFLICT):
                raise

    def perform(self, actions: Iterable[Action], by: Component) -> None:
        """Carry out what was decided, in order; raises `ApiError` at the first that the api refuses."""
        for action in actions:
            match action:
                case Create(object=obj):
                    self.create(obj, by)
                case Update(object=obj):
                    self.update(obj, by, found=action.found)
                case UpdateStatus(object=obj):
                    self.update_status(obj, action.status, by, action.annotations)
                case Delete(object=obj):
                    self.delete(obj, action.propagation, action.grace_period)
                case Record():
                    self.record(action, by)

    def record(self, told: Record, by: Component) -> None:
        """Leave an Event. One that cannot be written is lost, as everywhere."""
        written = self._recorder.write(told, by.name, self.now)
        if written is None:
            return
        event = written.event
        metadata = event["metadata"]
        before = self.get("events", metadata["namespace"], metadata["name"]) if written.again else None
        try:
            if before is not None:
                kind = self.kind("v1", "Event")
                direct.count_event(self.api.core, before, event, kind)
            else:
                self._create_event(event, by)
        except ApiError:
            return

    def record_scheduling(self, told: Record, action: str) -> None:
        """Leave an Event of the scheduler."""
        try:
            self._create_event(self._recorder.scheduling(told, action, self.now), SCHEDULER)
        except ApiError:
            return

    def _create_event(self, event: JsonObject, by: Component) -> None:
        kind = self.kind("v1", "Event")
        made = direct.put_event(self.api.core, event, kind, by.options.manager)
        self._events.append((self.now, made["metadata"]["namespace"], made["metadata"]["name"]))
        while self.now - self._events[0][0] > KEPT:
            _, namespace, name = self._events.popleft()
            old = self.get("events", namespace, name)
            if old is not None:
                self.store.remove("events", namespace, name, old)


def living(objects: Iterable[JsonObject]) -> list[JsonObject]:
    """Return those that nobody deletes."""
    return [each for each in objects if not deleting(each)]
