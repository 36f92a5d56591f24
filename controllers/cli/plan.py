"""`gitops plan`: the way of a rollout up to its dry-runs, and no further."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from controllers.adapters.git import Mirror
from controllers.adapters.kube.client import KubeClient
from controllers.adapters.kube.patience import Patience
from controllers.cli import output, records
from controllers.cli.repository import Opened
from controllers.clusters import Clusters
from controllers.logs import KnownSecrets
from controllers.rollout.account import Account
from controllers.rollout.applier import Applier
from controllers.rollout.errands import Errands, Purpose
from controllers.rollout.observer import Access, Observed
from controllers.rollout.validator import Validator
from controllers.rollout.worker import Errand, TargetWorker
from gitops.diff import Change, diff
from gitops.errors import Denied, InvalidInput, Problem, TerminalError, TransientError
from gitops.objects import JsonObject, ObjectKey
from gitops.plan import Plan
from gitops.redact import Redactor, secrets_of
from gitops.rollout.arrival import arrived
from gitops.rollout.desired import EVERYTHING, Wish, wish
from gitops.rollout.events import CommandKind
from gitops.rollout.observation import Command, Desired
from gitops.rollout.state import ApplicationState, EnvironmentState
from gitops.rollout.trailers import Authored, commands_of
from gitops.views import preview as view
from gitops.views.preview import (
    ApplicationPreview,
    Preview,
    TargetPreview,
    Unchanged,
    Unseen,
    Unusable,
    Would,
)

TARGETS_AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class Selection:
    """What a person asked to see; empty: everything."""

    environment: str = ""
    application: str = ""
    target: str = ""


def plan(repository: Opened, clusters: Clusters, rev: str, selection: Selection, form: output.Form) -> bool:
    """Show what a rollout of `rev` would do; whether nothing stands in its way."""
    revision = repository.commit(rev)
    planner = Planner(repository, clusters, selection)
    found = asyncio.run(planner.preview(revision))
    output.show(form, view.form(found), view.text(found))
    return found.clear


class Planner:
    """Looks at targets and asks API servers by dry-run; writes nothing anywhere."""

    def __init__(self, repository: Opened, clusters: Clusters, selection: Selection) -> None:
        self._mirror = repository.mirror
        self._clusters = clusters
        self._selection = selection
        self._revisions = repository.revisions()
        self._slots = asyncio.Semaphore(TARGETS_AT_ONCE)

    async def preview(self, revision: str) -> Preview:
        """Preview every selected application. Closes the clusters' connections."""
        catalog = self._revisions.catalog(revision)
        chosen = self._selection
        names = sorted(catalog.environments)
        if chosen.environment:
            names = [records.known("environment", chosen.environment, names)]
        states = {name: records.state(self._mirror, name) for name in names}
        wishes = {name: wish(catalog, name, revision, state) for name, state in states.items()}
        try:
            selected = _selected(wishes, chosen)
            found = [
                one
                for name, applications in selected.items()
                for one in await self._environment(wishes[name], name, states[name], applications)
            ]
        finally:
            await self._clusters.close()
        return Preview(revision, tuple(found))

    async def _environment(
        self, wanted: Wish, name: str, state: EnvironmentState, applications: Iterable[str]
    ) -> list[ApplicationPreview]:
        commands = _commands(self._mirror, name, state, wanted.revision)
        each = [_Application(self, name, one, wanted, state, commands) for one in sorted(applications)]
        return list(await asyncio.gather(*(one.preview() for one in each)))

    def targets(self, desired: Desired) -> Iterator[tuple[str, str]]:
        """Give waves and their selected targets in the order of a rollout."""
        for wave in desired.waves:
            for target in wave.targets:
                if self._selection.target in ("", target):
                    yield wave.name, target

    def errands(self, environment: str) -> Errands:
        """Prepare for one environment."""
        return Errands(environment, self._revisions, self._clusters, KnownSecrets())

    async def target(self, errands: Errands, errand: Errand) -> Plan | Unseen:
        """Plan one target as a rollout does, and ask its API server what would come of it."""
        redactor = Redactor(secrets_of(manifest.body for manifest in errand.wanted.manifests))
        wanted = errand.wanted
        try:
            async with self._slots:
                place = await errands.place(wanted.revision, str(wanted.scope.target))
                return await _tried(errand, await errands.access(place), redactor)
        except (TransientError, Denied) as error:
            return Unseen(redactor.text(str(error)))


def _selected(wishes: Mapping[str, Wish], chosen: Selection) -> dict[str, frozenset[str]]:
    """Give the chosen applications of every environment that has them, on the chosen target.

    An environment that cannot be used as a whole has no targets, and says so whichever was chosen. Raises
    TerminalError where no environment has what was asked for.
    """
    found: dict[str, frozenset[str]] = {}
    applications: set[str] = set()
    targets: set[str] = set()
    for name, wanted in wishes.items():
        here = {*wanted.desired, *wanted.problems}
        applications |= here
        if chosen.application and EVERYTHING not in here:
            here &= {chosen.application}
        there = {target for each in wanted.desired.values() for target in each.targets}
        targets |= there if here else set()
        if here and (chosen.target in ("", *there) or not wanted.desired):
            found[name] = frozenset(here)
    if not found and chosen.application:
        records.known("application", chosen.application, applications)
    if not found and chosen.target:
        records.known("target", chosen.target, targets)
    return found


class _Application:
    """One application of an environment at a revision."""

    def __init__(
        self,
        planner: Planner,
        environment: str,
        name: str,
        wanted: Wish,
        state: EnvironmentState,
        commands: tuple[Command, ...],
    ) -> None:
        self._planner = planner
        self._environment = environment
        self._name = name
        self._wanted = wanted
        self._state = state.application(name)
        self._prune_permitted = bool(self._state.prune_permitted_by) or any(
            command.kind is CommandKind.ALLOW_PRUNE and command.application in ("", name)
            for command in commands
        )

    async def preview(self) -> ApplicationPreview:
        """Say what a rollout would do, or why there would be none."""
        return ApplicationPreview(self._environment, self._name, await self._outcome())

    async def _outcome(self) -> view.Outcome:
        problems = self._wanted.problems.get(self._name, ())
        desired = self._wanted.desired.get(self._name)
        if problems or desired is None:
            return Unusable(problems)
        good = self._state.good
        if good is not None and self._state.rollout is None and arrived(self._state, desired):
            kept = {target: one.objects for target, one in self._state.held.items()}
            return Unchanged(good.revision, kept)
        errands = self._planner.errands(self._environment)
        names = tuple(sorted(desired.targets))
        if not desired.removed:
            try:
                found = await asyncio.to_thread(errands.check, self._name, self._wanted.revision, names)
            except (TransientError, Denied) as error:
                found = (str(error),)
            if found:
                return Unusable(found)
        reserved: dict[str, dict[str, int]] = {wave.name: {} for wave in desired.waves}
        targets = [
            self._target(errands, desired, wave, Account(target, reserved[wave]))
            for wave, target in self._planner.targets(desired)
        ]
        held = _held(self._environment, self._name, self._state, desired, self._wanted)
        return Would(tuple(await asyncio.gather(*targets)), desired.removed, held)

    async def _target(self, errands: Errands, desired: Desired, wave: str, account: Account) -> TargetPreview:
        target = account.target
        try:
            errand = await errands.prepare(
                self._name,
                target,
                self._wanted.revision,
                Purpose(removed=desired.removed, prune_permitted=self._prune_permitted),
            )
        except (InvalidInput, TransientError, Denied) as error:
            return TargetPreview(wave, target, Unseen(str(error)))
        errand = errand._replace(account=account)
        return TargetPreview(wave, target, await self._planner.target(errands, errand))


async def _tried(errand: Errand, access: Access, redactor: Redactor) -> Plan:
    worker = TargetWorker(
        errand,
        access,
        report=lambda _report: None,
        redact=redactor.text,
        clock=lambda: datetime.now(UTC),
        patience=Patience(),
    )
    observed, plan = await worker.plan()
    tried = await Applier(access).dry_run(plan, observed.discovery, whole=True)
    before = await _live(plan, observed, access.objects)
    changes: dict[ObjectKey, tuple[Change, ...]] = {
        key: diff(before[key], after) for key, after in tried.after.items() if key in before
    }
    validator = Validator(access.objects)
    found = (*tried.problems, *await validator.problems(plan, tried))
    problems = [Problem(one.location, redactor.text(one.message)) for one in found]
    warnings = (*await validator.deprecations(plan), *await validator.pins(plan, observed.discovery))
    return plan.refined(changes, tried.replacements, problems, warnings=warnings)


async def _live(plan: Plan, observed: Observed, objects: KubeClient) -> Mapping[ObjectKey, JsonObject]:
    """The objects that an apply would change, as they are now; new ones are in Git to be read."""
    there = [planned for planned in plan.dry_run if planned.uid and planned.manifest is not None]
    resources = [
        (planned.key, observed.discovery.find(planned.manifest.api_version, planned.manifest.kind))
        for planned in there
        if planned.manifest is not None
    ]
    reads = [
        (key, objects.get(resource, key.name, key.namespace))
        for key, resource in resources
        if resource is not None
    ]
    bodies = await asyncio.gather(*(read for _, read in reads))
    return {key: body for (key, _), body in zip(reads, bodies, strict=True) if body is not None}


def _held(environment: str, name: str, state: ApplicationState, desired: Desired, wanted: Wish) -> str:
    quarantined = state.quarantine.get(desired.digest)
    if quarantined is not None:
        return (
            f"the same inputs failed in {quarantined.rollout} ({quarantined.because}): change them, or "
            f"gitops retry {environment}/{name}"
        )
    if wanted.spec is not None and wanted.spec.suspended:
        return f"the environment is suspended: gitops resume {environment}"
    return ""


def _commands(
    mirror: Mirror, environment: str, state: EnvironmentState, revision: str
) -> tuple[Command, ...]:
    """What commits that no controller has read yet ask for."""
    if not state.observed or state.observed == revision:
        return ()
    try:
        commits = mirror.commits(revision, state.observed)
    except TerminalError:
        return ()  # the branch was rewritten; a controller does not read commands then either
    return commands_of(
        [Authored(commit.oid, commit.author_name, commit.trailers) for commit in commits], environment
    )
