"""The plan for one target as a value, and what it is made from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import NamedTuple

from gitops.diff import Change
from gitops.errors import Problem
from gitops.fields import fields_hash
from gitops.inventory import Entry, Inventory, applyset_id, parent_name
from gitops.model.kinds import PruneBudget
from gitops.model.targets import Target
from gitops.objects import JsonObject, Manifest, ObjectKey
from gitops.ordering import Stage
from gitops.plan.pins import Pins


class Action(StrEnum):
    """What happens to one object."""

    CREATE = "create"
    CONFIGURE = "configure"
    CORRECT = "correct"  # drift: the live object no longer held what was applied
    REPLACE = "replace"  # deleted and created: only after an update was found impossible
    TAKE_OVER = "take over"
    UNCHANGED = "unchanged"  # neither dry-run nor applied
    FINISHED = "finished"  # a Job that its own time to live removed after it was applied
    DELETE = "delete"
    KEEP = "keep"  # no longer rendered, stays tracked until another application has taken it over
    HOLD = "hold"  # no longer rendered, stays tracked until its deletion is permitted
    HAND_OVER = "hand over"  # no longer rendered, not ours any more: untracked, never deleted
    RELEASE = "release"  # no longer rendered, stays because its annotation says so: untracked
    GONE = "gone"  # no longer rendered and not there: untracked


WRITES = frozenset({Action.CREATE, Action.CONFIGURE, Action.CORRECT, Action.REPLACE, Action.TAKE_OVER})
UNTRACKS = frozenset({Action.HAND_OVER, Action.RELEASE, Action.GONE})


class Scope(NamedTuple):
    """One application of one environment on one target: what an inventory is about."""

    environment: str
    application: str
    target: Target

    @property
    def applyset(self) -> str:
        """The id in the label of every member."""
        return applyset_id(parent_name(self.environment, self.application), self.target.namespace)

    @property
    def name(self) -> str:
        """`<environment>/<application>`, as commit trailers name it."""
        return f"{self.environment}/{self.application}"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a target shall be: the render of `revision`, identified by its target digest.

    `path` is the application's folder, for problems that no single file has. `pins` are what a chart was
    told about the cluster.
    """

    scope: Scope
    revision: str
    digest: str
    path: str
    manifests: tuple[Manifest, ...] = field(repr=False)
    pins: Pins | None = None


@dataclass(frozen=True, slots=True)
class PlanPolicy:
    """What the environment and the commit allow. `restoring`: going back to the last good revision.

    `pruned_elsewhere`: how many objects the rollout deletes on the wave's other targets.
    """

    create_namespace: bool = False
    prune: PruneBudget = field(default_factory=PruneBudget)
    prune_permitted: bool = False
    restoring: bool = False
    pruned_elsewhere: int = 0


@dataclass(frozen=True, slots=True)
class ObjectPlan:
    """What happens to one object, and because of what (a clause for people).

    `digest` is the manifest's. `uid` is the live object's where there is one: the precondition of a
    deletion. `changes` is None until a dry-run told them.
    """

    key: ObjectKey
    action: Action
    because: str
    manifest: Manifest | None = field(default=None, repr=False)
    digest: str = ""
    uid: str = ""
    taken_over: bool = False
    changes: tuple[Change, ...] | None = None

    def confirmed(self, metadata: JsonObject) -> Entry:
        """Turn the metadata of the API server's answer to our apply into the inventory's entry."""
        return Entry(
            self.key,
            self._version,
            digest=self.digest,
            fields=fields_hash(metadata),
            uid=str(metadata.get("uid", "")),
            generation=int(metadata.get("generation", 0)),
            taken_over=self.taken_over,
        )

    def tracked(self) -> Entry:
        """Return the inventory's entry before the apply: known, not confirmed."""
        return Entry(self.key, self._version, taken_over=self.taken_over)

    @property
    def _version(self) -> str:
        return self.manifest.api_version.rpartition("/")[2] if self.manifest else ""


@dataclass(frozen=True, slots=True)
class PlannedLayer:
    """Objects that are applied side by side once those in `waits_for` are Current."""

    stage: Stage
    objects: tuple[ObjectPlan, ...]
    waits_for: frozenset[ObjectKey] = frozenset()


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that will be done on one target. With `refusals`, nothing may be.

    The order: `namespace` where not None (apply it: the inventory needs it) · store `tracked` · `layers` ·
    health · `prune` · store `settled(...)`. Without `acts`, only the last of these is left, and with `empty`
    not even that. `leaving` holds every object of the inventory that is no longer
    rendered, in the order of deletion (the reverse of applying). `dry_run`: the objects whose apply the API
    server can judge now; the rest need a namespace or a CRD of this plan first. `warnings` stop nothing.
    """

    wanted: Wanted
    before: Inventory | None
    tracked: Inventory
    namespace: Manifest | None
    layers: tuple[PlannedLayer, ...]
    leaving: tuple[ObjectPlan, ...]
    refusals: tuple[Problem, ...] = ()
    dry_run: tuple[ObjectPlan, ...] = ()
    warnings: tuple[Problem, ...] = ()

    @property
    def objects(self) -> tuple[ObjectPlan, ...]:
        """Every wanted object, in the order of applying."""
        return tuple(planned for layer in self.layers for planned in layer.objects)

    @property
    def writes(self) -> tuple[ObjectPlan, ...]:
        """The wanted objects that are sent to the API server."""
        return tuple(planned for planned in self.objects if planned.action in WRITES)

    @property
    def prune(self) -> tuple[ObjectPlan, ...]:
        """What is deleted, in that order."""
        return tuple(planned for planned in self.leaving if planned.action is Action.DELETE)

    @property
    def untracked(self) -> frozenset[ObjectKey]:
        """What leaves the inventory without being deleted."""
        return frozenset(planned.key for planned in self.leaving if planned.action in UNTRACKS)

    @property
    def unchanged(self) -> int:
        """How many wanted objects need nothing."""
        return len(self.objects) - len(self.writes)

    @property
    def acts(self) -> bool:
        """Whether any object is written or deleted, so that `tracked` must be stored first."""
        return bool(self.writes or self.prune or self.namespace)

    @property
    def empty(self) -> bool:
        """Nothing to write at all, not even the inventory."""
        if self.refusals or self.acts or self.untracked:
            return False
        if not self.objects and not self.leaving:
            return True
        return self.before is not None and self.before.digest == self.wanted.digest

    def refined(
        self,
        changes: Mapping[ObjectKey, tuple[Change, ...]],
        replacements: Mapping[ObjectKey, str] | None = None,
        refusals: Iterable[Problem] = (),
        *,
        warnings: Iterable[Problem] = (),
    ) -> Plan:
        """Add what dry-runs told: differences, objects that must be replaced (and why), what was refused."""
        replaced = replacements or {}

        def told(planned: ObjectPlan) -> ObjectPlan:
            if planned.key not in changes and planned.key not in replaced:
                return planned
            known = replace(planned, changes=changes.get(planned.key, planned.changes))
            if planned.key not in replaced:
                return known
            return replace(known, action=Action.REPLACE, because=replaced[planned.key])

        return replace(
            self,
            layers=tuple(replace(layer, objects=tuple(map(told, layer.objects))) for layer in self.layers),
            dry_run=tuple(map(told, self.dry_run)),
            refusals=tuple(sorted({*self.refusals, *refusals})),
            warnings=tuple(sorted({*self.warnings, *warnings})),
        )

    def settled(self, confirmed: Iterable[Entry], deleted: Iterable[ObjectKey]) -> Inventory:
        """Return the inventory to store at the end.

        It carries the target digest only when every write and every deletion of the plan was confirmed;
        an object whose deletion was not stays tracked.
        """
        entries = {entry.key: entry for entry in confirmed}
        gone = frozenset(deleted)
        after = self.tracked.applied(entries.values()).without(gone | self.untracked)
        complete = all(planned.key in entries for planned in self.writes) and all(
            planned.key in gone for planned in self.prune
        )
        return after.settled(self.wanted.digest if complete and not self.refusals else "")
