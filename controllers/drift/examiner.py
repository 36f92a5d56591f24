"""Looks closely at one object: what is live, and what a dry-run apply of our manifest would make of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field, replace
from typing import cast

from controllers.adapters.kube.client import KubeClient
from controllers.adapters.kube.resources import Discovery, Resource
from gitops.diff import Operation, live_digests
from gitops.drift import (
    Author,
    DriftKind,
    DriftRules,
    Finding,
    Judgement,
    Sight,
    Verdict,
    carried_over,
    compare,
    holds,
    judge,
    newest_author,
)
from gitops.errors import Unreachable
from gitops.fields import FIELD_MANAGER
from gitops.inventory import Entry
from gitops.model.kinds import DriftMode
from gitops.objects import JsonObject, Manifest
from gitops.ownership import claimed_by

_TRIES = 3
_NOT_CARRIED = (
    "it is not put back, which would overwrite what ignoreDifferences looks past in a list that is not ours "
    "alone or changed as a whole ({})"
)
_READ_FIRST = frozenset({Verdict.GONE, Verdict.RECREATED, Verdict.REAPPLIED})


@dataclass(frozen=True, slots=True)
class Question:
    """An object to look at: what was applied, from which manifest, what counts, and what was seen.

    `thorough`: a dry-run shall tell, also where nothing looks changed.
    """

    entry: Entry
    manifest: Manifest
    applyset: str
    rules: DriftRules
    sight: Sight | None
    applied_at: str = ""
    thorough: bool = False

    @property
    def mode(self) -> DriftMode:
        """What may be done about this object."""
        return self.rules.mode_of(self.manifest.annotations)

    def judge(self, sight: Sight | None) -> Judgement:
        """Judge what is seen of the object."""
        return judge(self.entry, sight, self.applyset, self.applied_at)


@dataclass(frozen=True, slots=True)
class Answer:
    """What was found. `sight` is None where the object is not there; no `finding`: nothing to talk about.

    `applied` is the object as our manifest makes it, `body` what to apply (None: it cannot be corrected
    without overwriting what shall be ignored), `ignored` whether differences were looked past. `held` has a
    digest of what is live for each path of the finding.
    """

    sight: Sight | None
    verdict: Verdict
    finding: Finding | None = None
    applied: JsonObject = field(default_factory=dict, repr=False)
    body: JsonObject | None = field(default=None, repr=False)
    ignored: bool = False
    held: Mapping[str, str] = field(default_factory=dict, repr=False)


def resource_of(manifest: Manifest, discovery: Discovery) -> Resource:
    """Where a manifest's object is. Raises Unreachable where its kind is not served."""
    resource = discovery.find(manifest.api_version, manifest.kind)
    if resource is None:
        raise Unreachable(f"the cluster does not serve {manifest.api_version} {manifest.kind}")
    return resource


async def examine(client: KubeClient, resource: Resource, question: Question) -> Answer:
    """Two reads at once, one of them a dry-run; again where the object changed between them.

    Where a mere read may tell all, because the news of what was applied came before the news of the object,
    it is made first.
    """
    key = question.entry.key
    if question.judge(question.sight).verdict in _READ_FIRST:
        live = await client.get(resource, key.name, key.namespace)
        answer = _gone(question) if live is None else _as_applied(question, live)
        if answer is not None:
            return answer
    live, applied = await look_closely(client, resource, question.manifest)
    return _gone(question) if live is None else _compared(question, live, applied)


async def look_closely(
    client: KubeClient, resource: Resource, manifest: Manifest
) -> tuple[JsonObject | None, JsonObject]:
    """Give the live object, and the same version of it as a dry-run apply of `manifest` makes it.

    None where it is not there. Raises Unreachable where it changes faster than it can be read.
    """
    key = manifest.key
    for _ in range(_TRIES):
        reading = client.get(resource, key.name, key.namespace)
        trying = client.apply(resource, manifest.body, dry_run=True, metadata_only=False)
        live, applied = await _both(reading, trying)
        if live is None or live["metadata"].get("resourceVersion") == applied["metadata"].get(
            "resourceVersion"
        ):
            return live, applied
    raise Unreachable(f"{key} changes faster than it can be looked at")


def _as_applied(question: Question, live: JsonObject) -> Answer | None:
    """Answer where the live object alone shows that there is nothing to correct."""
    sight = Sight.of(live["metadata"])
    verdict = question.judge(sight).verdict
    if verdict is Verdict.REAPPLIED and holds(live, question.manifest.body):
        verdict = Verdict.INTACT
    return Answer(sight, verdict) if verdict in (Verdict.INTACT, Verdict.TERMINATING) else None


async def _both(
    reading: Awaitable[JsonObject | None], trying: Awaitable[JsonObject]
) -> tuple[JsonObject | None, JsonObject]:
    live, applied = await asyncio.gather(reading, trying, return_exceptions=True)
    for outcome in (live, applied):
        if isinstance(outcome, BaseException):
            raise outcome
    return cast("tuple[JsonObject | None, JsonObject]", (live, applied))


def _gone(question: Question) -> Answer:
    found = _finding(question, DriftKind.GONE, "it is not there any more")
    return Answer(None, Verdict.GONE, found, body=dict(question.manifest.body))


def _compared(question: Question, live: JsonObject, applied: JsonObject) -> Answer:
    sight = Sight.of(live["metadata"])
    judged = question.judge(sight)
    if judged.verdict is Verdict.TERMINATING or (judged.verdict is Verdict.INTACT and not question.thorough):
        return Answer(sight, judged.verdict)
    claim = judged.because if judged.verdict is Verdict.NOT_OURS else _claim(question, judged.verdict, live)
    if claim:
        return Answer(
            sight, judged.verdict, _finding(question, DriftKind.NOT_OURS, claim, newest_author(live))
        )
    counting, ignored = question.rules.split(question.entry.key, compare(live, applied))
    finding = _drift(question, sight, live, counting, looked_past=bool(ignored))
    body: JsonObject | None = dict(question.manifest.body)
    if ignored and finding is not None:
        pointers = [operation.path for operation, _ in ignored]
        body = carried_over(question.manifest.body, live, applied, pointers)
        if body is None:
            finding = replace(finding, because=f"{finding.because}; {_NOT_CARRIED.format(pointers[0])}")
    held = live_digests(live, applied) if finding is not None else {}
    return Answer(sight, judged.verdict, finding, applied, body, ignored=bool(ignored), held=held)


def _claim(question: Question, verdict: Verdict, live: JsonObject) -> str:
    """Say who claims an object that was created again, and is another one than we applied."""
    metadata = live["metadata"]
    labels, annotations = metadata.get("labels") or {}, metadata.get("annotations") or {}
    owners = metadata.get("ownerReferences") or ()
    if verdict is not Verdict.RECREATED:
        return ""
    owner = claimed_by(labels, annotations, owners, ours=question.applyset)
    return f"it was deleted and created again, and belongs to {owner}" if owner else ""


def _drift(
    question: Question,
    sight: Sight,
    live: JsonObject,
    counting: tuple[tuple[Operation, Author], ...],
    *,
    looked_past: bool,
) -> Finding | None:
    authors = tuple(dict.fromkeys(author for _, author in counting)) or (newest_author(live),)
    operations = tuple(operation for operation, _ in counting)
    entry = question.entry
    if entry.uid and entry.uid != sight.uid:
        because = "somebody deleted it and created it again"
        found = _finding(question, DriftKind.RECREATED, because, *authors)
    elif counting:
        found = _finding(question, DriftKind.CHANGED, _what(authors), *authors)
    elif entry.digest and sight.fields != entry.fields and not looked_past:
        because = "it holds our values, which are no longer recorded as ours"
        found = _finding(question, DriftKind.DISOWNED, because, *authors)
    else:
        return None
    return replace(found, operations=operations)


def _what(authors: tuple[Author, ...]) -> str:
    if any(author.certain and author.owner.manager == FIELD_MANAGER for author in authors):
        return "somebody applied other values under our name"
    return "fields that we applied were changed"


def _finding(question: Question, kind: DriftKind, because: str, *authors: Author) -> Finding:
    known = tuple(author for author in authors if author.owner.manager)
    moments = [moment for author in known if (moment := author.owner.at) is not None]
    return Finding(
        object=str(question.entry.key),
        group_kind=str(question.entry.key.group_kind),
        kind=kind,
        mode=question.mode,
        because=because,
        authors=known,
        since=min(moments, default=None),
    )
