"""The arithmetic of ownership (structured-merge-diff's updater): who loses what, and what goes away.

Works on objects of which managedFields was taken off.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeAlias

from simcluster.fields.compare import Comparison, compare
from simcluster.fields.conflicts import ApplyConflict, Conflict
from simcluster.fields.entries import Managed, Owned, Owner
from simcluster.fields.merge import merge
from simcluster.fields.remove import reconciled, with_named_fields, without
from simcluster.fields.sets import EMPTY, FieldSet
from simcluster.fields.typed import TypedError, check, field_set
from simcluster.kinds.types import Struct
from simcluster.values import JsonObject

Losses: TypeAlias = dict[Owner, FieldSet]

# Never owned by anyone.
_STRIPPED = FieldSet.fields(
    "apiVersion",
    "kind",
    "metadata",
    "metadata.name",
    "metadata.namespace",
    "metadata.creationTimestamp",
    "metadata.selfLink",
    "metadata.uid",
    "metadata.clusterName",
    "metadata.generation",
    "metadata.managedFields",
    "metadata.resourceVersion",
)


class ConversionError(ValueError):
    """An object that is none of its kind in another version; the text is the server's."""


@dataclass(frozen=True, slots=True)
class Versions:
    """The other versions of a kind, for owners that wrote in them.

    `type_of` gives the type in an `apiVersion`, None where there is no such version (any more): its owners
    lose all. `convert` returns an object in another version, as it is where nothing is to be done.
    """

    type_of: Callable[[str], Struct | None]
    convert: Callable[[JsonObject, str], JsonObject]


@dataclass(frozen=True, slots=True)
class Rules:
    """What ownership of one kind goes by. Without `versions` all versions are taken to be as this one."""

    schema: Struct
    api_version: str
    ignored: FieldSet = EMPTY
    versions: Versions | None = None
    changeable: bool = True  # the type may have changed since sets were written

    def type_of(self, api_version: str) -> Struct | None:
        """Return the type that sets of a version are to be read by."""
        if self.versions is None or api_version == self.api_version:
            return self.schema
        return self.versions.type_of(api_version)

    def converted(self, value: JsonObject, before: str, after: str) -> JsonObject:
        """Return an object of one version in another. Raises `ConversionError`."""
        if self.versions is None or before == after:
            return value
        made = self.versions.convert(value, after)
        schema = self.type_of(after)
        if schema is not None:
            try:
                check(made, schema)
            except TypedError as error:
                raise ConversionError(str(error)) from error
        return made


class Ledger:
    """Owners of one object under one kind's rules. Changes the `Managed` that it is given.

    Any method may raise `ConversionError` where owners wrote in other versions; the ledger is spoilt then.
    """

    __slots__ = ("_managed", "_rules")

    def __init__(self, rules: Rules, managed: Managed) -> None:
        self._rules = rules
        self._managed = managed

    def fit(self, live: JsonObject) -> None:
        """Drop owners of versions that are no more, and fit sets to types that have changed."""
        if not self._rules.changeable:
            return
        for owner, owned in list(self._managed.owners.items()):
            schema = self._rules.type_of(owned.api_version)
            if schema is None:
                del self._managed.owners[owner]
            else:
                self._rules.converted(live, self._rules.api_version, owned.api_version)
                self._managed.owners[owner] = owned._replace(fields=reconciled(owned.fields, schema))

    def update(self, old: JsonObject, new: JsonObject, owner: Owner) -> bool:
        """Give `owner` what an update wrote, and take it from all others; False where nothing was written."""
        self.fit(old)
        found = self._compare(old, new)
        self._settle(*self._losses(old, new, found, None))
        fields = found.written().difference(_STRIPPED)
        if not fields:
            return False
        before = self._managed.owners.get(owner)
        merged = fields.union(before.fields) if before else fields
        self._managed.owners[owner] = Owned(merged, self._rules.api_version)
        return True

    def apply(self, old: JsonObject, config: JsonObject, owner: Owner, *, force: bool) -> JsonObject:
        """Lay the configuration over the object and return it; `owner` then owns what it says, and no more.

        Raises `ApplyConflict`; the ledger is spoilt then.
        """
        self.fit(old)
        rules, owners = self._rules, self._managed.owners
        new = merge(old, config, rules.schema)
        last = owners.get(owner)
        claimed = field_set(config, rules.schema).recursive_difference(rules.ignored)
        owners[owner] = Owned(claimed, rules.api_version)
        if last:
            with _because("failed to prune fields"):
                new = self._pruned(new, last, owners[owner])
        taken, gone = self._losses(old, new, self._compare(old, new), owner)
        if taken and not force:
            in_order = sorted(taken, key=Owner.identifier)
            raise ApplyConflict(Conflict(each, path) for each in in_order for path in taken[each])
        self._settle(taken, gone)
        if owner in owners:
            owners[owner] = Owned(claimed.difference(_STRIPPED), rules.api_version)
            self._settle({}, {})
        return new

    def _compare(self, old: JsonObject, new: JsonObject) -> Comparison:
        return compare(old, new, self._rules.schema).without(self._rules.ignored)

    def _compare_in(self, version: str, old: JsonObject, new: JsonObject, schema: Struct) -> Comparison:
        with _because("failed to convert old object"):
            before = self._rules.converted(old, self._rules.api_version, version)
        with _because("failed to convert new object"):
            after = self._rules.converted(new, self._rules.api_version, version)
        return compare(before, after, schema).without(self._rules.ignored)

    def _losses(
        self, old: JsonObject, new: JsonObject, found: Comparison, applier: Owner | None
    ) -> tuple[Losses, Losses]:
        """Return what was written to, and what is gone from under, everybody but the applier."""
        comparisons = {self._rules.api_version: found}
        taken: Losses = {}
        gone: Losses = {}
        for owner, owned in list(self._managed.owners.items()):
            if owner == applier:
                continue
            version = owned.api_version
            if version not in comparisons:
                schema = self._rules.type_of(version)
                if schema is None:
                    del self._managed.owners[owner]
                    continue
                comparisons[version] = self._compare_in(version, old, new, schema)
            there = comparisons[version]
            conflict = owned.fields.intersection(there.written())
            if conflict:
                taken[owner] = conflict
            if there.removed:
                gone[owner] = there.removed
        return taken, gone

    def _settle(self, *losses: Losses) -> None:
        """Take the losses off their owners; who owns nothing more is no owner."""
        owners = self._managed.owners
        for lost in losses:
            for owner, paths in lost.items():
                owned = owners[owner]
                owners[owner] = owned._replace(fields=owned.fields.difference(paths))
        for owner in [owner for owner, owned in owners.items() if not owned.fields]:
            del owners[owner]

    def _pruned(self, merged: JsonObject, last: Owned, claimed: Owned) -> JsonObject:
        """Remove what the applier said last time, says no more, and nobody else owns."""
        rules, version = self._rules, last.api_version
        schema = rules.type_of(version)
        owned: dict[str, FieldSet] = {}
        for each in self._managed.owners.values():
            owned[each.api_version] = owned.get(each.api_version, EMPTY).union(each.fields)
        alike = owned.keys() == {version} or rules.versions is None
        if schema is None or (alike and not last.fields.difference(claimed.fields)):
            return merged
        with _because("failed to convert merged object to last applied version"):
            there = rules.converted(merged, rules.api_version, version)
        dropped = with_named_fields(last.fields, schema)
        pruned = without(there, dropped, schema)
        with _because("failed add back owned items"):
            pruned, at = self._with_owned(there, pruned, owned, version)
        with _because(
            "failed add back dangling items: failed to convert pruned object to last applied version"
        ):
            pruned = rules.converted(pruned, at, version)
        # Of what is gone now, only what the applier owned goes; the rest is somebody's without an entry.
        lost = _named(there, schema).difference(_named(pruned, schema)).intersection(dropped)
        return rules.converted(without(there, lost, schema), version, rules.api_version)

    def _with_owned(
        self, merged: JsonObject, pruned: JsonObject, owned: dict[str, FieldSet], at: str
    ) -> tuple[JsonObject, str]:
        """Put back what somebody owns, with all that it is part of; return it with the version it is in."""
        for version in sorted(owned, key=lambda version: (version != at, version)):
            schema = self._rules.type_of(version)
            if schema is None:
                continue
            with _because(f"failed to convert merged object at version {version}"):
                merged = self._rules.converted(merged, at, version)
            with _because(f"failed to convert pruned object at version {version}"):
                pruned = self._rules.converted(pruned, at, version)
            at = version
            kept = _named(pruned, schema).union(with_named_fields(owned[version], schema))
            pruned = without(merged, _named(merged, schema).difference(kept), schema)
        return pruned, at


@contextmanager
def _because(text: str) -> Iterator[None]:
    """Say what could not be done for want of a conversion."""
    try:
        yield
    except ConversionError as error:
        raise ConversionError(f"{text}: {error}") from error


def _named(value: JsonObject, schema: Struct) -> FieldSet:
    return with_named_fields(field_set(value, schema), schema)
