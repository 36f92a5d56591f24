"""One application on one target as the watch knows it: what was applied there, and what is known since."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from sys import intern
from typing import TypeAlias

from controllers.drift.foreign_notes import ForeignNotes
from controllers.drift.retries import Retries
from gitops.drift import Contests, Finding, Judgement, Sight, Verdict, judge
from gitops.foreign import one_of_equals
from gitops.inventory import Entry, Inventory
from gitops.objects import GroupKind, JsonObject, ObjectKey
from gitops.plan import Scope

Signature: TypeAlias = tuple[str, str, str, str]


def signature(sight: Sight | None) -> Signature:
    """What of a sight tells that there is something new to look at; a status write does not change it.

    Kinds without a generation show nothing else when somebody who holds a field changes it once more.
    """
    if sight is None:
        return "", "", "", ""
    return sight.uid, sight.fields, str(sight.generation or sight.resource_version), sight.applied_at


@dataclass(slots=True)
class Place:
    """Mutable, and used from the event loop only.

    `times`: when kinds without a generation were last applied by us, as far as seen. `known`: how an
    object looked when it was last looked at closely, so that nothing is looked at twice. `unsaved`:
    entries that the stored inventory does not have yet. `written`: the versions of our own newest writes,
    until the watch has come to them. `mutations`: digests of what fields (JSON pointers) held right after
    our own apply, where that was not what was applied. `lost`: there is no inventory. `where`: the kinds
    and namespaces of the entries. `turn` counts the rollouts that began to write here, `confirmed` is the
    turn from which the whole record is known to have been read.
    """

    scope: Scope
    entries: dict[ObjectKey, Entry] = field(default_factory=dict)
    read: bool = False
    lost: bool = False
    where: frozenset[tuple[GroupKind, str]] = frozenset()
    times: dict[ObjectKey, str] = field(default_factory=dict)
    known: dict[ObjectKey, Signature] = field(default_factory=dict)
    suspects: set[ObjectKey] = field(default_factory=set)
    findings: dict[ObjectKey, Finding] = field(default_factory=dict)
    contests: dict[ObjectKey, Contests] = field(default_factory=dict)
    mutations: dict[ObjectKey, dict[str, str]] = field(default_factory=dict)
    written: dict[ObjectKey, int] = field(default_factory=dict)
    unsaved: dict[ObjectKey, Entry] = field(default_factory=dict)
    retries: Retries = field(default_factory=Retries)
    foreign: ForeignNotes = field(default_factory=ForeignNotes)
    turn: int = 0
    confirmed: int = -1
    _writing: int = 0
    _quiet: asyncio.Event = field(default_factory=asyncio.Event)
    _applyset: str = ""

    def __post_init__(self) -> None:
        self._applyset = self.scope.applyset
        self._quiet.set()

    @property
    def applyset(self) -> str:
        """The id in the label of every member."""
        return self._applyset

    @property
    def sure(self) -> bool:
        """Whether the entries are what the newest rollout stored, and not of a time before."""
        return self.confirmed == self.turn

    def judge(self, key: ObjectKey, sight: Sight | None) -> Judgement:
        """Judge what is seen of a tracked object; news that our own write has overtaken say nothing."""
        written = self.written.get(key)
        if written is not None and sight is not None:
            if number_of(sight.resource_version) < written:
                return Judgement(Verdict.INTACT, "it was applied since")
            del self.written[key]
        return judge(self.entries[key], sight, self._applyset, self.times.get(key, ""))

    def take(self, inventory: Inventory | None) -> tuple[ObjectKey, ...]:
        """Take in the stored inventory; return the objects whose record is new."""
        stored = dict(inventory.entries) if inventory else {}
        self.read = True
        self.lost = inventory is None
        for key in self.entries.keys() - stored.keys():
            self.forget(key)
        for key, entry in self.unsaved.items():
            # What we know better, unless another manifest was applied meanwhile.
            if key in stored and stored[key].digest in ("", entry.digest):
                stored[key] = entry
        changed = tuple(key for key, entry in stored.items() if self.entries.get(key) != entry)
        for key in changed:
            self.times.pop(key, None)
            self.known.pop(key, None)
            self.foreign.known.pop(key, None)
            self.retries.forget(key)
            self.foreign.retries.forget(key)
            if key in self.entries and self.entries[key].digest != stored[key].digest:
                self.mutations.pop(key, None)  # of another manifest
        for key in changed:
            self.entries[key] = stored[key]
        self.where = frozenset((key.group_kind, key.namespace) for key in self.entries)
        return changed

    def look_anew(self) -> None:
        """Forget what was looked at, and what was refused."""
        self.known.clear()
        self.retries.clear()
        self.foreign.known.clear()
        self.foreign.retries.clear()

    def put(self, entry: Entry, sight: Sight) -> None:
        """Take in what the API server answered to our own apply, or showed to be as we applied it."""
        self.entries[entry.key] = entry
        self.unsaved[entry.key] = entry
        self.known.pop(entry.key, None)
        self.findings.pop(entry.key, None)
        self.seen_applied(entry.key, sight)
        self.written[entry.key] = number_of(sight.resource_version)

    def seen_applied(self, key: ObjectKey, sight: Sight) -> None:
        """Remember when we applied an object, where nothing but that time tells a later apply from it."""
        if not sight.generation:
            self.times[key] = intern(sight.applied_at)

    def forget(self, key: ObjectKey) -> None:
        """Drop everything about an object."""
        for kept in (self.entries, self.times, self.known, self.findings, self.contests, self.mutations):
            kept.pop(key, None)
        self.unsaved.pop(key, None)
        self.written.pop(key, None)
        self.retries.forget(key)
        self.suspects.discard(key)
        self.foreign.forget(key)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Mark a write as under way."""
        self._writing += 1
        self._quiet.clear()
        try:
            yield
        finally:
            self._writing -= 1
            if not self._writing:
                self._quiet.set()

    async def give_way(self) -> None:
        """Let a rollout write: wait until no write of ours is under way; the record is then its business."""
        self.turn += 1
        await self._quiet.wait()


def number_of(resource_version: str) -> int:
    """Resource versions of one kind are ordered numbers (KEP-5504); -1 where a server has others."""
    return int(resource_version) if resource_version.isdecimal() else -1


def trimmed(body: JsonObject) -> tuple[str, str, Sight]:
    """Keep of an object's metadata what judging needs, with its namespace and name."""
    metadata = body["metadata"]
    sight = Sight.of(metadata)
    shared = sight._replace(
        uid=intern(sight.uid),
        fields=intern(sight.fields),
        applied_at=intern(sight.applied_at),
        part_of=intern(sight.part_of),
        prune=intern(sight.prune),
        foreign=one_of_equals(sight.foreign),
    )
    return intern(str(metadata.get("namespace") or "")), str(metadata["name"]), shared
