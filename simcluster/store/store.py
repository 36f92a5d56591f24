"""The objects of one cluster under one counter of revisions, as etcd and the watch cache keep them.

Bodies are bytes, so that a list is a join and a watch event is shared. Rules about objects are the api's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from simcluster.errors import ApiError, expired
from simcluster.store.history import History
from simcluster.store.records import Change, ChangeKind, Stored, key_of, stored
from simcluster.store.watch import Watch
from simcluster.values import JsonObject

# What a watch can resume from and a page can be told by. A thousand busy clusters hold half a gigabyte of it.
MAX_CHANGES = 2000
MAX_BYTES = 1 << 19


class _Shelf:
    """The objects of one storage, by key; the sorted order is kept until a key comes or goes."""

    __slots__ = ("objects", "order")

    def __init__(self, objects: dict[str, Stored] | None = None) -> None:
        self.objects: dict[str, Stored] = {} if objects is None else objects
        self.order: list[str] | None = None

    def in_order(self) -> list[str]:
        if self.order is None:
            self.order = sorted(self.objects)
        return self.order


class Store:
    """Reads never wait; each write is one revision, told to the watchers and listeners before it returns."""

    __slots__ = ("_history", "_listeners", "_shelves", "_watches", "refusal", "revision")

    def __init__(
        self, seed: Iterable[Stored] = (), *, max_changes: int = MAX_CHANGES, max_bytes: int = MAX_BYTES
    ) -> None:
        """Start with the records of `seed`; see there."""
        self.revision = 1
        self._shelves: dict[str, _Shelf] = {}
        self._history = History(self.revision, max_changes, max_bytes)
        self._watches: dict[str, list[Watch]] = {}
        self._listeners: list[Callable[[Change], None]] = []
        self.refusal: ApiError | None = None  # raised by every write while it is set: a storage that is full
        self.seed(seed)

    def seed(self, records: Iterable[Stored]) -> None:
        """Put records here as they are: no change is told, none can be resumed from before them.

        They may be shared between stores: records never change.
        """
        for record in records:
            shelf = self._shelves.setdefault(record.storage, _Shelf())
            shelf.objects[key_of(record.namespace, record.name)] = record
            shelf.order = None
            self.revision = max(self.revision, record.revision)
        self._history.compact(self.revision)

    def reshape(self, storage: str, change: Callable[[JsonObject], JsonObject]) -> None:
        """Let all objects of a storage read differently, at their revisions: no write, nothing to watch."""
        shelf = self._shelves.setdefault(storage, _Shelf())
        for key, record in list(shelf.objects.items()):
            shelf.objects[key] = stored(storage, change(record.object()), record.revision)

    @property
    def compacted(self) -> int:
        """The revision up to which changes are forgotten."""
        return self._history.compacted

    def get(self, storage: str, namespace: str, name: str) -> Stored | None:
        """Return an object's record, None where there is none."""
        shelf = self._shelves.get(storage)
        return None if shelf is None else shelf.objects.get(key_of(namespace, name))

    def put(self, storage: str, obj: JsonObject) -> Stored:
        """Write an object as the next revision, which is also written into `obj`.

        Raises the refusal while the storage is read-only. Preconditions are the caller's: nothing else runs
        between its read and this write.
        """
        self._check_writable()
        record = stored(storage, obj, self.revision + 1)
        shelf = self._shelves.setdefault(storage, _Shelf())
        key = key_of(record.namespace, record.name)
        before = shelf.objects.get(key)
        shelf.objects[key] = record
        if before is None:
            shelf.order = None
        self._commit("ADDED" if before is None else "MODIFIED", record, before)
        return record

    def remove(self, storage: str, namespace: str, name: str, final: JsonObject) -> Stored:
        """Delete an object; watchers see it as `final`, which gets the deletion's revision.

        Raises `KeyError` where it is not there, and the refusal while the storage is read-only.
        """
        self._check_writable()
        shelf = self._shelves[storage]
        before = shelf.objects.pop(key_of(namespace, name))
        shelf.order = None
        record = stored(storage, final, self.revision + 1)
        self._commit("DELETED", record, before)
        return record

    def items(self, storage: str, namespace: str = "") -> list[Stored]:
        """Return the records of one storage (and namespace), in the order of etcd's keys."""
        shelf = self._shelves.get(storage)
        if shelf is None:
            return []
        if namespace:
            prefix = f"{namespace}/"
            return [shelf.objects[key] for key in shelf.in_order() if key.startswith(prefix)]
        return [shelf.objects[key] for key in shelf.in_order()]

    def items_at(self, storage: str, namespace: str, revision: int) -> list[Stored]:
        """Return what `items` returned when the store was at `revision`.

        Raises `ApiError` 410 when the changes since then are forgotten.
        """
        changes = [change for change in self.since(revision) if change.now.storage == storage]
        if not changes:
            return self.items(storage, namespace)
        found = {key_of(record.namespace, record.name): record for record in self.items(storage)}
        for change in reversed(changes):
            key = key_of(change.now.namespace, change.now.name)
            if change.before is None:
                found.pop(key, None)
            else:
                found[key] = change.before
        prefix = f"{namespace}/" if namespace else ""
        return [found[key] for key in sorted(found) if key.startswith(prefix)]

    def storages(self) -> list[str]:
        """The storages that hold something, sorted."""
        return sorted(name for name, shelf in self._shelves.items() if shelf.objects)

    def since(self, revision: int) -> list[Change]:
        """Return all changes after `revision`, oldest first; `ApiError` 410 when some are forgotten."""
        if revision < self._history.compacted:
            raise expired(f"too old resource version: {revision} ({self._history.compacted + 1})")
        return self._history.after(revision)

    def compact(self, revision: int | None = None) -> None:
        """Forget the changes up to `revision`, by default all of them."""
        self._history.compact(self.revision if revision is None else min(revision, self.revision))

    def watch(self, storage: str, namespace: str, since: int) -> Watch:
        """Follow one storage (in one namespace, or in all for "") from the change after `since` on.

        Raises `ApiError` 410 when changes after it are forgotten already.
        """
        backlog: Sequence[Change] = [
            change
            for change in self.since(since)
            if change.now.storage == storage and namespace in ("", change.now.namespace)
        ]
        watch = Watch(storage, namespace, backlog, self._unwatch)
        self._watches.setdefault(storage, []).append(watch)
        return watch

    def watches(self) -> list[Watch]:
        """The watches that are open."""
        return [watch for group in self._watches.values() for watch in group]

    def on_change(self, listener: Callable[[Change], None]) -> None:
        """Call `listener` with each change, after it is written and told to the watches."""
        self._listeners.append(listener)

    def _unwatch(self, watch: Watch) -> None:
        group = self._watches[watch.storage]
        group.remove(watch)
        if not group:
            del self._watches[watch.storage]

    def _commit(self, kind: ChangeKind, now: Stored, before: Stored | None) -> None:
        self.revision = now.revision
        change = Change(kind, now, before)
        self._history.append(change)
        for watch in tuple(self._watches.get(now.storage, ())):
            watch.offer(change)
        for listener in self._listeners:
            listener(change)

    def _check_writable(self) -> None:
        if self.refusal is not None:
            raise self.refusal
