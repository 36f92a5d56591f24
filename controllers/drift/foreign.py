"""Tells of foreign fields in one object, and removes them where the environment is exclusive.

What is there is read from the metadata that the watch brings; only a removal reads the object, and removes
exactly those fields from the version that was read. It leaves our own fields to the corrector.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime

from controllers.adapters.kube.client import KubeClient
from controllers.adapters.kube.errors import Forbidden, NotFound, Rejected
from controllers.adapters.kube.resources import Resource
from controllers.drift.examiner import resource_of
from controllers.drift.place import Place
from controllers.drift.standing import CONCURRENT_LOOKS, Manifests, Standing, unrendered
from controllers.rollout.finishing import to_the_end
from gitops.drift import Contests, DriftRules, ForeignDeed, ForeignFact, ForeignFinding, Sight
from gitops.errors import InvalidInput
from gitops.foreign import ForeignFields, changed, claims, pointers, without
from gitops.model.kinds import DriftMode
from gitops.objects import JsonObject, Manifest, ObjectKey, short_digest
from gitops.plan import Scope

_UNRECORDED_SECONDS = 60.0
_NOT_REMOVABLE = (
    "they are not removed: somebody who is allowed to holds them too, they were written in another version "
    "of the API, or it is the number of replicas, which would fall to one"
)


def is_ours(place: Place, sight: Sight) -> bool:
    """Whether an object is not somebody else's by now, and not about to go."""
    return sight.part_of in ("", place.applyset) and not sight.terminating


@dataclass(frozen=True, slots=True)
class _Case:
    place: Place
    key: ObjectKey
    resource: Resource
    client: KubeClient
    rules: DriftRules
    manifest: Manifest

    def removable(self, live: JsonObject) -> tuple[ForeignFields, ...]:
        """What of the object as it was read is to go."""
        return self.rules.removable(self.key, live["metadata"], self.manifest.body)


@dataclass(frozen=True, slots=True)
class ForeignKeeper:
    """One for all clusters of an environment.

    `allowed` is asked once more, right before a write. `tell` takes what was done, to be recorded.
    """

    manifests: Manifests
    allowed: Callable[[Scope], bool]
    tell: Callable[[ForeignFact], None]
    clock: Callable[[], datetime]
    redact: Callable[[str], str]
    looks: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(CONCURRENT_LOOKS))

    async def attend(
        self, place: Place, key: ObjectKey, sight: Sight, standing: Standing, client: KubeClient
    ) -> float | None:
        """Look at one object and act by its mode; when to look again, in seconds, None: at the next news.

        Raises what the client raises where nobody answers, or somebody else was faster.
        """
        async with self.looks:
            try:
                manifests = await self.manifests(place.scope, standing.revision, client)
            except InvalidInput as error:  # a lost key, or a renderer that took too long: it may come back
                return self._unrendered(place, key, sight, standing.rules, unrendered(error))
            entry, manifest = place.entries.get(key), manifests.get(key)
            if entry is None or manifest is None:
                place.foreign.clear(key)
                return None  # about to be pruned, or kept although it is not rendered
            if not entry.digest:
                return _UNRECORDED_SECONDS  # never confirmed to be ours: a rollout's business, until it is
            if entry.digest != short_digest(manifest.body):
                place.foreign.pending.add(key)  # what the record tells of is not what is wanted here
                return None
            mode = standing.rules.foreign_mode_of(manifest.annotations)
            found = standing.rules.foreign(key, sight.foreign, manifest.body)
            if mode is DriftMode.IGNORE or not found:
                place.foreign.clear(key)
                place.foreign.known[key] = sight.foreign
                return None
            finding = ForeignFinding.of(key, mode, found, self.redact)
            if mode is not DriftMode.CORRECT:
                self._open(place, key, sight, finding)
                return None
            resource = resource_of(manifest, await client.discovery())
            case = _Case(place, key, resource, client, standing.rules, manifest)
            return await self._exclude(case, sight, finding)

    def _unrendered(
        self, place: Place, key: ObjectKey, sight: Sight, rules: DriftRules, why: str
    ) -> float | None:
        """Tell of everything that others own: what of it our manifest wants, nobody knows."""
        mode, found = rules.foreign_mode_of({}), rules.foreign(key, sight.foreign, {})
        if mode is DriftMode.IGNORE or not found or key not in place.entries:
            place.foreign.clear(key)
            return None
        return self._cannot(place, key, sight, ForeignFinding.of(key, mode, found, self.redact), why)

    async def _exclude(self, case: _Case, sight: Sight, finding: ForeignFinding) -> float | None:
        place, key, now = case.place, case.key, self.clock()
        refused, told = place.foreign.retries.left(key), place.foreign.findings.get(key)
        if refused:
            self._open(place, key, sight, finding.kept_back(told.because if told else ""))
            return refused
        contest = place.foreign.contests.get(key, Contests()).over(finding.paths, now)
        if contest is not None and contest.until > now:
            who = ", ".join(sorted({*contest.managers, *finding.managers}))
            because = (
                f"{who} and gitops-waves put them there and remove them by turns, {contest.rounds} times so "
                f"far; the next removal is at {contest.until:%H:%M:%S}Z"
            )
            self._open(place, key, sight, finding.kept_back(because))
            return (contest.until - now).total_seconds()
        if not self.allowed(place.scope):
            place.foreign.pending.add(key)
            return None
        try:
            with place.writing():
                done = await self._remove(case)
        except (Rejected, NotFound, Forbidden) as error:
            return self._cannot(place, key, sight, finding, f"they cannot be removed: {error}")
        if done:
            place.foreign.clear(key)
        else:
            self._open(place, key, sight, finding.kept_back(_NOT_REMOVABLE))
        return None

    async def _remove(self, case: _Case) -> bool:
        """Remove what somebody owns who may not; False where there is something, and none of it can go.

        Raises Conflict where somebody else wrote meanwhile.
        """
        key = case.key
        live = await case.client.get(case.resource, key.name, key.namespace)
        if live is None or not is_ours(case.place, Sight.of(live["metadata"])):
            return True
        found = case.removable(live)
        if not found:
            claimed = case.rules.foreign(key, claims(live["metadata"]), case.manifest.body)
            return not claimed
        before = live
        places = pointers(live, (path for one in found for path in one.paths))
        if places:
            live = await self._patch(case, live, [{"op": "remove", "path": place} for place in places])
        gone = [one._replace(paths=changed(before, live, one.paths)) for one in found]
        told = [one for one in gone if one.paths]
        if told:
            self._record(case, ForeignFinding.of(key, DriftMode.CORRECT, told, self.redact))
        left = case.removable(live)
        if left:
            # Defaults: their values come back by themselves, and would for ever be somebody's.
            owned = {one.owner: one.paths for one in left}
            fields = without(live["metadata"]["managedFields"], owned)
            operation: JsonObject = {"op": "replace", "path": "/metadata/managedFields", "value": fields}
            await self._patch(case, live, [operation])
        return True

    async def _patch(self, case: _Case, live: JsonObject, operations: list[JsonObject]) -> JsonObject:
        key, version = case.key, str(live["metadata"]["resourceVersion"])
        return await to_the_end(
            case.client.patch(
                case.resource, key.name, key.namespace, operations=operations, resource_version=version
            )
        )

    def _record(self, case: _Case, finding: ForeignFinding) -> None:
        place, key, now = case.place, case.key, self.clock()
        application, target = place.scope.application, str(place.scope.target)
        contests = place.foreign.contests.get(key, Contests())
        contests = contests.corrected(finding.managers, finding.paths, now)
        place.foreign.contests[key] = contests
        fact = ForeignFact(ForeignDeed.REMOVED, application, target, finding)
        self.tell(fact)
        contest = contests.over(finding.paths, now)
        if contest is not None and contest.fought:
            deed = ForeignDeed.CONTESTED
            self.tell(replace(fact, deed=deed, rounds=contest.rounds, until=contest.until))

    def _cannot(self, place: Place, key: ObjectKey, sight: Sight, finding: ForeignFinding, why: str) -> float:
        """Keep saying that they are not removed, and try again."""
        self._open(place, key, sight, finding.kept_back(self.redact(why)))
        return place.foreign.retries.refused(key)

    def _open(self, place: Place, key: ObjectKey, sight: Sight, finding: ForeignFinding) -> None:
        known = place.foreign.findings.get(key)
        since = finding.since or (known.since if known else None) or self.clock()
        place.foreign.known[key] = sight.foreign
        place.foreign.findings[key] = replace(finding, since=since)
