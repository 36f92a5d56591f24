"""The inventory as a value. Every change is a new value; nothing that was applied leaves it by accident."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from gitops.model.targets import Target
from gitops.objects import ObjectKey


@dataclass(frozen=True, slots=True)
class Entry:
    """One object of the inventory.

    `digest` is that of the manifest as last applied and confirmed, "" while none is. `fields` is the hash of
    our fields right after that apply, `uid` and `generation` what the API server answered then.
    `taken_over`: the object existed before we first applied it (or we cannot tell).
    """

    key: ObjectKey
    version: str
    digest: str = ""
    fields: str = ""
    uid: str = ""
    generation: int = 0
    taken_over: bool = False


@dataclass(frozen=True, slots=True)
class Inventory:
    """The objects of one application on one target.

    `revision` is the commit that was last being applied. `digest` is its target digest once everything of
    it was applied and everything else removed, and "" while that is under way.
    """

    environment: str
    application: str
    target: Target
    revision: str = ""
    digest: str = ""
    entries: Mapping[ObjectKey, Entry] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Keep the entries sorted and out of reach."""
        ordered = {key: self.entries[key] for key in sorted(self.entries)}
        object.__setattr__(self, "entries", MappingProxyType(ordered))

    def tracking(self, wanted: Iterable[Entry], revision: str) -> Inventory:
        """Add what is about to be applied; what is already tracked stays as it was last confirmed.

        To be stored before the first write of a rollout: from then on a crash loses no object.
        """
        entries = dict(self.entries)
        for entry in wanted:
            known = entries.setdefault(entry.key, entry)
            if entry.taken_over and not known.taken_over:
                entries[entry.key] = replace(known, taken_over=True)
        return replace(self, revision=revision, digest="", entries=entries)

    def applied(self, confirmed: Iterable[Entry]) -> Inventory:
        """Record what the API server answered to applies."""
        return replace(self, entries={**self.entries, **{entry.key: entry for entry in confirmed}})

    def without(self, keys: Iterable[ObjectKey]) -> Inventory:
        """Untrack objects: confirmed deletions, and objects that are no longer ours."""
        gone = frozenset(keys)
        return replace(self, entries={key: entry for key, entry in self.entries.items() if key not in gone})

    def settled(self, digest: str) -> Inventory:
        """Say that everything of the target digest was applied and everything else removed."""
        return replace(self, digest=digest)


def empty(environment: str, application: str, target: Target) -> Inventory:
    """Return the inventory of an application that was never applied to the target."""
    return Inventory(environment, application, target)
