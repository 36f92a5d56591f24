"""Decides with `gitops.drift` about one object that does not look as it was applied, and acts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from controllers.adapters.kube.client import KubeClient
from controllers.adapters.kube.errors import Forbidden, NotFound, Rejected
from controllers.adapters.kube.resources import Resource
from controllers.drift.examiner import Answer, Question, examine, resource_of
from controllers.drift.place import Place, signature
from controllers.drift.standing import CONCURRENT_LOOKS, Manifests, Standing, unrendered
from controllers.rollout.finishing import to_the_end
from gitops.diff import live_digests
from gitops.drift import (
    Contest,
    Contests,
    Deed,
    DriftFact,
    DriftKind,
    Finding,
    Sight,
    Verdict,
    names,
)
from gitops.errors import InvalidInput
from gitops.inventory import Entry
from gitops.model.kinds import DriftMode
from gitops.objects import JsonObject, ObjectKey, short_digest
from gitops.plan import Scope
from gitops.plan.decide import removes_itself

# How often an object is looked at that the watch cannot see: it is gone, or lost its label.
_UNSEEN_SECONDS = 60.0
_UNRECORDED_PAUSE_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class _Case:
    place: Place
    question: Question
    resource: Resource
    client: KubeClient

    @property
    def entry(self) -> Entry:
        return self.question.entry

    @property
    def key(self) -> ObjectKey:
        return self.question.entry.key


class Corrector:
    """One for all clusters of an environment. `tell` takes what was done, to be recorded."""

    def __init__(
        self,
        manifests: Manifests,
        allowed: Callable[[Scope], bool],
        tell: Callable[[DriftFact], None],
        clock: Callable[[], datetime],
        redact: Callable[[str], str],
    ) -> None:
        """`allowed` is asked once more, right before a write. `redact` is for everything that is told."""

        def told(fact: DriftFact) -> None:
            tell(replace(fact, finding=fact.finding.redacted(redact)))

        self._manifests = manifests
        self._allowed = allowed
        self._tell = told
        self._clock = clock
        self._redact = redact
        self._slots = asyncio.Semaphore(CONCURRENT_LOOKS)
        self._unrecorded = asyncio.Semaphore(1)

    async def attend(
        self,
        place: Place,
        key: ObjectKey,
        sight: Sight | None,
        standing: Standing,
        client: KubeClient,
        *,
        thorough: bool = False,
    ) -> float | None:
        """Look at one object and act by its mode; when to look again, in seconds, None: at the next news.

        `thorough`: by a dry-run, whatever it looks like. Raises what the client raises where nobody answers,
        or somebody else was faster.
        """
        async with self._slots:
            try:
                found = await self._manifests(place.scope, standing.revision, client)
            except InvalidInput as error:  # a lost key, or a renderer that took too long: it may come back
                if thorough:
                    raise  # it looks as it was applied
                return self._unrendered(place, key, sight, standing.rules.mode, error)
            entry, manifest = place.entries.get(key), found.get(key)
            if entry is None or manifest is None:
                place.findings.pop(key, None)
                return None  # about to be pruned, or kept although it is not rendered
            if entry.digest and entry.digest != short_digest(manifest.body):
                place.suspects.add(key)  # what the record tells of is not what is wanted here
                return None
            question = Question(
                entry,
                manifest,
                place.applyset,
                standing.rules,
                sight,
                applied_at=place.times.get(key, ""),
                thorough=thorough,
            )
            if _passed_over(question):
                place.findings.pop(key, None)
                place.known[key] = signature(sight)
                return None
            resource = resource_of(manifest, await client.discovery())
            return await self._look(_Case(place, question, resource, client))

    async def _look(self, case: _Case) -> float | None:
        place, key, question = case.place, case.key, case.question
        try:
            again_in = await self._act(case, await self._asked(case))
        except (Rejected, NotFound, Forbidden) as error:
            why = f"it cannot be looked at or put back: {error}"
            return self._cannot(place, key, question.sight, question.mode, why)
        except RecursionError:
            why = "it is nested too deeply to be compared"
            return self._cannot(place, key, question.sight, question.mode, why)
        place.retries.forget(key)
        return again_in

    def _unrendered(
        self, place: Place, key: ObjectKey, sight: Sight | None, mode: DriftMode, error: InvalidInput
    ) -> float | None:
        """Say it of an object that does not look as it was applied; its annotations cannot be asked."""
        if mode is DriftMode.IGNORE or key not in place.entries:
            place.findings.pop(key, None)
            return None
        return self._cannot(place, key, sight, mode, unrendered(error))

    async def _asked(self, case: _Case) -> Answer:
        if case.entry.digest:
            return await examine(case.client, case.resource, case.question)
        async with self._unrecorded:  # as many as a whole inventory may have no record: no hurry
            await asyncio.sleep(_UNRECORDED_PAUSE_SECONDS)
            return await examine(case.client, case.resource, case.question)

    async def _act(self, case: _Case, answer: Answer) -> float | None:
        place, key = case.place, case.key
        finding = answer.finding
        if finding is None:
            self._nothing(case, answer)
            return None
        if not case.entry.digest:
            place.known[key] = signature(answer.sight)
            return None  # never confirmed to be ours: the rollout's business
        mutated = place.mutations.get(key, {})
        left = tuple(
            one
            for one in finding.operations
            if one.path not in mutated or mutated[one.path] != answer.held.get(one.path)
        )
        if len(left) < len(finding.operations):
            if not left:
                self._accept(case, answer)
                return None
            finding = replace(finding, operations=left)
        correct = case.question.mode is DriftMode.CORRECT
        if not correct or finding.kind is DriftKind.NOT_OURS or answer.body is None:
            self._open(place, key, answer.sight, finding)
            # What is not in the watch's selection, nothing tells of.
            return _UNSEEN_SECONDS if case.question.sight is None else None
        now = self._clock()
        contest = place.contests.get(key, Contests()).over(_contested_paths(finding), now)
        if contest is not None and contest.until > now:
            self._open(place, key, answer.sight, _fought(finding, contest))
            return (contest.until - now).total_seconds()
        if not self._allowed(place.scope):
            place.suspects.add(key)
            return None
        return await self._correct(case, answer, finding)

    async def _correct(self, case: _Case, answer: Answer, finding: Finding) -> float | None:
        place, key = case.place, case.key
        body = dict(answer.body or {})
        if answer.sight is not None:
            # Overwrites nothing that we have not looked at: a newer revision's apply, say.
            body["metadata"] = {**body["metadata"], "resourceVersion": answer.sight.resource_version}
        with place.writing():
            applied = await to_the_end(case.client.apply(case.resource, body, metadata_only=False))
            sight = Sight.of(applied["metadata"])
            place.put(_confirmed(case.entry, sight), sight)
            if answer.ignored:
                place.known[key] = signature(sight)
        self._record(case, answer, finding, applied)
        return None

    def _record(self, case: _Case, answer: Answer, finding: Finding, applied: JsonObject) -> None:
        place, key, now = case.place, case.key, self._clock()
        about: dict[str, Any] = {"application": place.scope.application, "target": str(place.scope.target)}
        paths = _contested_paths(finding)
        known = place.mutations.get(key, {})
        if answer.applied:
            back = live_digests(applied, answer.applied)
            place.mutations[key] = {path: back[path] for path in {*finding.paths, *known} if path in back}
        mutated = place.mutations.get(key, {})
        new = tuple(one for one in finding.operations if one.path in mutated.keys() - known.keys())
        if new:
            self._tell(DriftFact(Deed.MUTATED, **about, finding=replace(finding, operations=new)))
        contests = place.contests.get(key, Contests()).corrected(names(finding.authors), paths, now)
        place.contests[key] = contests
        if finding.paths and mutated.keys() >= {*finding.paths}:
            return  # nothing came back as it was applied
        self._tell(DriftFact(Deed.CORRECTED, **about, finding=finding))
        contest = contests.over(paths, now)
        if contest is not None and contest.fought:
            fought = DriftFact(
                Deed.CONTESTED, **about, finding=finding, rounds=contest.rounds, until=contest.until
            )
            self._tell(fought)

    def _nothing(self, case: _Case, answer: Answer) -> None:
        """Nothing of ours differs: others added to the object, or it is as it was applied after all."""
        place, key, sight = case.place, case.key, answer.sight
        place.findings.pop(key, None)
        if sight is None or answer.verdict in (Verdict.TERMINATING, Verdict.INTACT):
            if sight is not None and answer.verdict is Verdict.INTACT:
                place.seen_applied(key, sight)
            return
        if answer.ignored:
            self._accept(case, answer)
        elif not case.entry.digest:
            digest = short_digest(case.question.manifest.body)
            if sight.fields:
                place.put(replace(_confirmed(case.entry, sight), digest=digest), sight)
            else:
                place.known[key] = signature(sight)
        else:
            place.put(_confirmed(case.entry, sight), sight)

    def _accept(self, case: _Case, answer: Answer) -> None:
        """Leave it so, and do not look at the same again."""
        case.place.findings.pop(case.key, None)
        case.place.known[case.key] = signature(answer.sight)

    def _open(self, place: Place, key: ObjectKey, sight: Sight | None, finding: Finding) -> None:
        place.known[key] = signature(sight)
        known = place.findings.get(key)
        since = (known.since if known else None) or finding.since or self._clock()
        place.findings[key] = replace(finding, since=since).redacted(self._redact)

    def _cannot(self, place: Place, key: ObjectKey, sight: Sight | None, mode: DriftMode, why: str) -> float:
        """Keep saying that it cannot be looked at or corrected, and try again."""
        kind = DriftKind.GONE if sight is None else DriftKind.CHANGED
        self._open(place, key, sight, Finding(str(key), str(key.group_kind), kind, mode, why))
        return place.retries.refused(key)


def _passed_over(question: Question) -> bool:
    """Whether nobody asks for the object, or nothing says that it should still be there."""
    if question.mode is DriftMode.IGNORE:
        return True
    return question.sight is None and (not question.entry.digest or removes_itself(question.manifest))


def _contested_paths(finding: Finding) -> frozenset[str]:
    """The fields that a correction concerns; the whole object where it was gone."""
    return frozenset(finding.paths) or frozenset({f"({finding.kind})"})


def _fought(finding: Finding, contest: Contest) -> Finding:
    who = ", ".join(sorted({*contest.managers, *names(finding.authors)})) or "somebody"
    because = (
        f"{who} and gitops-waves take it by turns, {contest.rounds} times so far; "
        f"the next correction is at {contest.until:%H:%M:%S}Z"
    )
    return replace(finding, because=because)


def _confirmed(entry: Entry, sight: Sight) -> Entry:
    return replace(entry, fields=sight.fields, uid=sight.uid, generation=sight.generation)
