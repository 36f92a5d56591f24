"""Carries out a plan on one target: dry-run, track, apply in layers, settle the inventory.

Every write is allowed to finish before a cancellation takes effect, so nothing lands after the next
piece of work on the same target has begun.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from controllers.adapters.kube.errors import Forbidden, NotFound, Rejected
from controllers.adapters.kube.resources import Discovery, Resource
from controllers.rollout.finishing import all_of, side_by_side, to_the_end
from controllers.rollout.observer import CONFIG_MAPS, NAMESPACES, Access, Observed
from gitops.errors import Problem, TerminalError, Unreachable
from gitops.inventory import (
    Entry,
    Inventory,
    leftover_chunks,
    pending_config_map,
    to_config_maps,
)
from gitops.objects import GroupKind, JsonObject, Manifest, ObjectKey
from gitops.plan import Action, ObjectPlan, Plan, Refuse, Replace, on_immutable
from gitops.plan.model import WRITES, PlannedLayer
from gitops.validation import definitions

CONCURRENT_REQUESTS = 32
# A connection more costs both sides about as much as four requests, most of it the TLS handshake: it has to
# have something to do.
_REQUESTS_PER_CONNECTION = 4
_FEWEST_CONNECTIONS = 4
GONE_POLL_SECONDS = 0.2
# How long the API server may take to serve what a CustomResourceDefinition says now.
_NEW_SCHEMA_WITHIN_SECONDS = 5.0
_INVALID = 422


class NotApplied(TerminalError):  # noqa: N818 - what happened
    """Objects that the API server did not take, each with its file, line and the server's own message."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(set(problems)))
        super().__init__("; ".join(str(problem) for problem in self.problems))


@dataclass(frozen=True, slots=True)
class DryRun:
    """What the API server would do: the whole object after the apply, or why not."""

    after: Mapping[ObjectKey, JsonObject] = field(default_factory=dict)
    replacements: Mapping[ObjectKey, str] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    rejected: frozenset[ObjectKey] = frozenset()


class Applier:
    """Acts on one target. `own` writes the inventory and the namespace, `objects` everything else."""

    def __init__(self, access: Access) -> None:
        self._own, self._objects = access
        self._pending = ""
        self._slots = asyncio.Semaphore(CONCURRENT_REQUESTS)

    async def dry_run(self, plan: Plan, discovery: Discovery, *, whole: bool = False) -> DryRun:
        """Ask the API server about every object that it can judge now; all problems together.

        `whole` keeps the objects as they would be, for differences.
        """

        async def attempt(planned: ObjectPlan) -> JsonObject | Replace | Problem:
            return await self._try(planned, discovery, whole)

        outcomes = await side_by_side(plan.dry_run, attempt, hands=_hands(plan.dry_run))
        redefined = _redefined(plan)
        after: dict[ObjectKey, JsonObject] = {}
        replacements: dict[ObjectKey, str] = {}
        problems: dict[ObjectKey, Problem] = {}
        for planned, outcome in zip(plan.dry_run, outcomes, strict=True):
            if isinstance(outcome, Problem):
                # Judged by a schema that this very plan replaces: the apply will tell.
                if planned.key.group_kind not in redefined:
                    problems[planned.key] = outcome
            elif isinstance(outcome, Replace):
                replacements[planned.key] = outcome.because
            else:
                after[planned.key] = outcome
        return DryRun(after, replacements, tuple(problems.values()), frozenset(problems))

    async def track(self, plan: Plan, observed: Observed) -> None:
        """Make the namespace if the plan says so, then store what is about to be applied."""
        if plan.namespace is not None:
            await to_the_end(self._own.apply(NAMESPACES, plan.namespace.body))
        pending = pending_config_map(plan.before, plan.tracked) if plan.before else None
        if pending is None:
            await self.store(plan.tracked, observed)
            return
        self._pending = str(pending["metadata"]["name"])
        await to_the_end(self._own.apply(CONFIG_MAPS, pending))

    async def store(self, inventory: Inventory, observed: Observed) -> None:
        """Write the inventory's ConfigMaps, then remove those it no longer uses."""
        written = to_config_maps(inventory)
        for body in written:
            await to_the_end(self._own.apply(CONFIG_MAPS, body))
        leftovers = {*leftover_chunks(observed.stored, written), self._pending} - {""}
        for name in sorted(leftovers):
            await to_the_end(self._own.delete(CONFIG_MAPS, name, inventory.target.namespace))
        self._pending = ""

    async def apply(self, layer: PlannedLayer, plan: Plan, discovery: Discovery) -> tuple[Entry, ...]:
        """Apply one layer, all objects side by side. Raises NotApplied with every problem of the layer."""
        redefined = _redefined(plan)
        at_once: list[ObjectPlan] = []
        in_steps: list[ObjectPlan] = []
        for planned in layer.objects:
            if planned.action in WRITES:
                stepwise = planned.action is Action.REPLACE or planned.key.group_kind in redefined
                (in_steps if stepwise else at_once).append(planned)

        async def write(planned: ObjectPlan) -> Entry | Problem:
            return await self._write(planned, discovery)

        # Either may fail: neither is left running behind then.
        written = await all_of(
            (
                side_by_side(at_once, write, hands=_hands(at_once)),
                all_of(self._in_steps(planned, discovery, redefined) for planned in in_steps),
            )
        )
        outcomes = [outcome for part in written for outcome in part]
        problems = [outcome for outcome in outcomes if isinstance(outcome, Problem)]
        if problems:
            raise NotApplied(problems)
        return tuple(outcome for outcome in outcomes if isinstance(outcome, Entry))

    async def _try(
        self,
        planned: ObjectPlan,
        discovery: Discovery,
        whole: bool,  # noqa: FBT001 - one private caller
    ) -> JsonObject | Replace | Problem:
        manifest, resource = self._what(planned, discovery)
        async with self._slots:
            try:
                return await self._objects.apply(
                    resource, manifest.body, dry_run=True, metadata_only=not whole
                )
            except Rejected as error:
                if error.code != _INVALID or not planned.uid:
                    return _problem(planned, error)
                decision = on_immutable(manifest, str(error), [cause.message for cause in error.causes])
                if isinstance(decision, Refuse):
                    return Problem(manifest.source, f"{planned.key}: {decision.because}")
                return await self._try_new(planned, resource, manifest, decision)
            except (NotFound, Forbidden) as error:
                return _problem(planned, error)

    async def _try_new(
        self, planned: ObjectPlan, resource: Resource, manifest: Manifest, decision: Replace
    ) -> Replace | Problem:
        """Dry-run the creation under another name: the old object still holds the real one."""
        metadata = {**manifest.metadata, "name": f"{manifest.key.name[:50]}-recreated"}
        try:
            await self._objects.create(resource, {**manifest.body, "metadata": metadata}, dry_run=True)
        except (Rejected, NotFound, Forbidden) as error:
            return _problem(planned, error)
        return decision

    async def _in_steps(
        self, planned: ObjectPlan, discovery: Discovery, redefined: frozenset[GroupKind]
    ) -> Entry | Problem:
        """Write an object that takes more than one request: deleted first, or of a kind just defined."""
        async with self._slots:
            if planned.action is Action.REPLACE:
                try:
                    await self._delete(planned, self._what(planned, discovery)[1])
                except (Rejected, NotFound, Forbidden) as error:
                    return _problem(planned, error)
            outcome = await to_the_end(self._write(planned, discovery))
            # The server takes up a new schema a bit later.
            patience = int(_NEW_SCHEMA_WITHIN_SECONDS / GONE_POLL_SECONDS)
            while isinstance(outcome, Problem) and planned.key.group_kind in redefined and patience:
                patience -= 1
                await asyncio.sleep(GONE_POLL_SECONDS)
                outcome = await to_the_end(self._write(planned, discovery))
            return outcome

    async def _write(self, planned: ObjectPlan, discovery: Discovery) -> Entry | Problem:
        manifest, resource = self._what(planned, discovery)
        try:
            answer = await self._objects.apply(resource, manifest.body)
        except (Rejected, NotFound, Forbidden) as error:
            return _problem(planned, error)
        return planned.confirmed(answer["metadata"])

    async def _delete(self, planned: ObjectPlan, resource: Resource) -> None:
        """Delete exactly the object that was planned, and wait until it is gone, finalizers included."""
        key = planned.key
        await to_the_end(self._objects.delete(resource, key.name, key.namespace, uid=planned.uid))
        while True:
            body = await self._objects.get(resource, key.name, key.namespace, metadata_only=True)
            if body is None or body["metadata"].get("uid") != planned.uid:
                return
            await asyncio.sleep(GONE_POLL_SECONDS)

    @staticmethod
    def _what(planned: ObjectPlan, discovery: Discovery) -> tuple[Manifest, Resource]:
        manifest = planned.manifest
        if manifest is None:
            raise ValueError(f"{planned.key} is planned to be written without a manifest")
        resource = discovery.find(manifest.api_version, manifest.kind)
        if resource is None:
            raise Unreachable(f"the cluster does not serve {manifest.api_version} {manifest.kind} yet")
        return manifest, resource


def _hands(planned: Sequence[ObjectPlan]) -> int:
    return min(max(len(planned) // _REQUESTS_PER_CONNECTION, _FEWEST_CONNECTIONS), CONCURRENT_REQUESTS)


def counts(plan: Plan) -> dict[str, int]:
    """Objects by action, as events and metrics carry them."""
    return dict(sorted(Counter(planned.action.value for planned in (*plan.objects, *plan.leaving)).items()))


def _redefined(plan: Plan) -> frozenset[GroupKind]:
    """Kinds whose CustomResourceDefinition this plan writes."""
    return frozenset(
        one.kind for one in definitions(written.manifest for written in plan.writes if written.manifest)
    )


def _problem(planned: ObjectPlan, error: Exception) -> Problem:
    manifest = planned.manifest
    if manifest is None:
        raise ValueError(f"{planned.key} has no manifest") from error
    return Problem(manifest.source, f"{planned.key}: {error}")
