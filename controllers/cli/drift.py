"""`gitops diff`: one look at what was applied, a dry-run for what does not look like it. Writes nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, replace

from controllers.adapters.kube.errors import Rejected
from controllers.cli import output, records
from controllers.cli.repository import Opened
from controllers.clusters import Clusters
from controllers.drift.examiner import Question, examine, resource_of
from controllers.logs import KnownSecrets
from controllers.rollout.errands import Errands
from controllers.rollout.observer import Observed, TargetObserver
from controllers.rollout.worker import Errand
from controllers.source.revisions import Revisions
from gitops.drift import DriftRules, Finding, ForeignFinding, Sight, Verdict, judge
from gitops.errors import Denied, InvalidInput, TransientError
from gitops.inventory import Entry
from gitops.model.kinds import DriftMode
from gitops.objects import Manifest, short_digest
from gitops.ownership import PART_OF
from gitops.plan import LiveObject
from gitops.plan.decide import removes_itself
from gitops.rollout.state import EnvironmentState, OnTarget
from gitops.views import drift as view
from gitops.views.drift import TargetDrift

TARGETS_AT_ONCE = 16
_LOOKS_AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class _Place:
    application: str
    target: str
    on: OnTarget


def diff(repository: Opened, clusters: Clusters, environment: str, form: output.Form) -> bool:
    """Show what has drifted; whether nothing has, and everything could be looked at."""
    mirror = repository.mirror
    revisions = repository.revisions()
    catalog = revisions.catalog(repository.head)
    records.known("environment", environment, {*catalog.environments, *mirror.audit_environments()})
    source = catalog.environments.get(environment)
    rules = DriftRules.of(source.spec if source is not None else None)
    state = records.state(mirror, environment)
    found = asyncio.run(_look(revisions, clusters, environment, state, rules))
    nothing = f"nothing of {environment} was applied yet"
    output.show(form, view.form(environment, found), view.text(environment, found) or nothing)
    return all(one.clear for one in found)


async def _look(
    revisions: Revisions, clusters: Clusters, environment: str, state: EnvironmentState, rules: DriftRules
) -> tuple[TargetDrift, ...]:
    secrets = KnownSecrets()
    errands = Errands(environment, revisions, clusters, secrets)
    slots = asyncio.Semaphore(TARGETS_AT_ONCE)

    async def one(place: _Place) -> TargetDrift:
        found = TargetDrift(place.application, place.target, place.on.revision)
        try:
            async with slots:
                findings, foreign = await _target(errands, place, rules, secrets)
        except (TransientError, Denied, InvalidInput, Rejected) as error:
            return replace(found, unseen=secrets.text(str(error)))
        clean = (finding.redacted(secrets.text) for finding in findings)
        return replace(found, findings=tuple(clean), foreign=foreign)

    try:
        return tuple(await asyncio.gather(*(one(_Place(*applied)) for applied in state.applied)))
    finally:
        await clusters.close()


async def _target(
    errands: Errands, place: _Place, rules: DriftRules, secrets: KnownSecrets
) -> tuple[list[Finding], tuple[ForeignFinding, ...]]:
    errand = await errands.prepare(place.application, place.target, place.on.revision)
    access = await errands.access(await errands.place(place.on.revision, place.target))
    observed = await TargetObserver(access).look(errand.wanted, errand.siblings)
    slots = asyncio.Semaphore(_LOOKS_AT_ONCE)

    async def closely(question: Question) -> Finding | None:
        async with slots:
            resource = resource_of(question.manifest, observed.discovery)
            return (await examine(access.objects, resource, question)).finding

    questions = _questions(errand, observed, rules)
    findings = await asyncio.gather(*(closely(question) for question in questions))
    foreign = tuple(_foreign(observed, rules, errand.wanted.scope.applyset, secrets))
    return [finding for finding in findings if finding is not None], foreign


def _foreign(
    observed: Observed, rules: DriftRules, applyset: str, secrets: KnownSecrets
) -> Iterator[ForeignFinding]:
    """What others own inside our objects, read from the same metadata."""
    manifests = {manifest.key: manifest for manifest in observed.settled.manifests}
    inventory = observed.view.inventory
    for key in inventory.entries if inventory else ():
        live, manifest = observed.view.live.get(key), manifests.get(key)
        if live is None or manifest is None or live.labels.get(PART_OF, applyset) != applyset:
            continue
        mode = rules.foreign_mode_of(manifest.annotations)
        found = rules.foreign(key, live.foreign, manifest.body)
        if found and mode is not DriftMode.IGNORE and not live.terminating:
            yield ForeignFinding.of(key, mode, found, secrets.text)


def _questions(errand: Errand, observed: Observed, rules: DriftRules) -> list[Question]:
    """What does not look as it was applied, and is wanted to."""
    inventory = observed.view.inventory
    applyset = errand.wanted.scope.applyset
    found: list[Question] = []
    manifests = {manifest.key: manifest for manifest in observed.settled.manifests}
    for key, entry in inventory.entries.items() if inventory else ():
        live = observed.view.live.get(key)
        sight = _sight(live) if live is not None else None
        manifest = manifests.get(key)
        if manifest is None or _unasked(manifest, entry, sight, rules):
            continue
        if judge(entry, sight, applyset).verdict not in (Verdict.INTACT, Verdict.TERMINATING):
            found.append(Question(entry, manifest, applyset, rules, sight))
    return found


def _unasked(manifest: Manifest, entry: Entry, sight: Sight | None, rules: DriftRules) -> bool:
    if not entry.digest or entry.digest != short_digest(manifest.body):
        return True  # a rollout is at it: what is there is not what was recorded
    if rules.mode_of(manifest.annotations) is DriftMode.IGNORE:
        return True
    return sight is None and removes_itself(manifest)


def _sight(live: LiveObject) -> Sight:
    return Sight(
        uid=live.uid,
        resource_version=live.resource_version,
        generation=live.generation,
        fields=live.fields,
        applied_at="",
        part_of=live.labels.get(PART_OF, ""),
        terminating=live.terminating,
    )
