"""`gitops adopt`: what somebody changed in a cluster becomes the manifest, as a commit on the branch."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from controllers.adapters.git import Kind
from controllers.cli import output, records
from controllers.cli.naming import AppliedObject, named
from controllers.cli.repository import Opened
from controllers.cli.requests import Asking, Draft, ask, line_diff
from controllers.clusters import Clusters
from controllers.drift.examiner import look_closely, resource_of
from controllers.logs import KnownSecrets
from controllers.rollout.errands import Errands
from controllers.rollout.observer import TargetObserver
from gitops import edit
from gitops.drift import DriftRules, carried_over, compare
from gitops.edit import Edited, Seen, Source
from gitops.errors import GitopsError, InvalidInput, Refused
from gitops.inventory import Entry
from gitops.model.folders import RendererName
from gitops.model.kinds import Cluster, DriftMode
from gitops.model.targets import Target
from gitops.objects import Manifest, short_digest
from gitops.ownership import PART_OF
from gitops.render import identity
from gitops.rollout.desired import wish

_PLACES_AT_ONCE = 16
_NAMED = 5


@dataclass(frozen=True, slots=True)
class Choice:
    """What is to be adopted: an object, the target whose values count ("": any), the paths (none: all)."""

    environment: str
    name: str
    target: str = ""
    paths: tuple[str, ...] = ()


def adopt(choice: Choice, asking: Asking, clusters: Callable[[], Clusters]) -> None:
    """Commit the live values of one object's drifted fields; say so where nothing has drifted."""

    def draft(repository: Opened, head: str) -> Draft | None:
        return asyncio.run(_Adoption(repository, head, choice, clusters()).draft(asking.reason))

    ask(draft, asking)


class _Adoption:
    """One try, on top of one head of the branch."""

    def __init__(self, repository: Opened, head: str, choice: Choice, clusters: Clusters) -> None:
        self._mirror, self._head, self._choice = repository.mirror, head, choice
        self._revisions = repository.revisions()
        self._catalog = self._revisions.catalog(head)
        name = records.known("environment", choice.environment, self._catalog.environments)
        self._environment = self._catalog.environments[name]
        self._rules = DriftRules.of(self._environment.spec)
        self._secrets = KnownSecrets()
        self._clusters = clusters
        self._errands = Errands(name, self._revisions, clusters, self._secrets)

    async def draft(self, reason: str) -> Draft | None:
        """Look at the object and make the commit. Closes the clusters' connections."""
        try:
            places = await self._places()
            found = await self._look(places)
        finally:
            await self._clusters.close()
        if not found:
            output.note(self._nothing(places))
            return None
        return await asyncio.to_thread(self._edited, places, found, reason)

    async def _places(self) -> list[AppliedObject]:
        """Every target that has the object. Raises TerminalError for a name that none or several have."""
        there = records.state(self._mirror, self._choice.environment).applied
        if self._choice.target:
            records.known(
                "target with something on it", self._choice.target, (target for _, target, _ in there)
            )
        every: list[AppliedObject] = []
        for name, target, on in there:
            if self._choice.target not in ("", target):
                continue
            try:
                errand = await self._errands.prepare(name, target, on.revision)
            except InvalidInput as error:
                output.note(f"{name} of {on.revision[:12]} cannot be read, and is left out: {error}")
                continue
            namespace = errand.wanted.scope.target.namespace
            every += [
                AppliedObject(name, identity(manifest.body, namespace), target, errand, manifest)
                for manifest in errand.wanted.manifests
            ]
        return named(self._choice.name, every)

    async def _look(self, places: Sequence[AppliedObject]) -> list[Seen]:
        """What differs, by target. Where nothing can be adopted, raises what stands in the way."""
        slots = asyncio.Semaphore(_PLACES_AT_ONCE)

        async def one(place: AppliedObject) -> Seen | GitopsError | None:
            async with slots:
                try:
                    return await self._seen(place)
                except GitopsError as error:
                    return error

        outcomes = await asyncio.gather(*map(one, places))
        found = [seen for seen in outcomes if isinstance(seen, Seen)]
        for place, error in zip(places, outcomes, strict=True):
            if isinstance(error, GitopsError):
                if not found:
                    raise error
                output.note(self._secrets.text(f"{place.target} is left out: {error}"))
        return found

    async def _seen(self, place: AppliedObject) -> Seen | None:
        """What differs on one target; None where nothing does."""
        where = await self._errands.place(place.errand.wanted.revision, place.target)
        access = await self._errands.access(where)
        observed = await TargetObserver(access).look(place.errand.wanted, place.errand.siblings)
        written = place.manifest
        settled = [one for one in observed.settled.manifests if one.source == written.source]
        manifest = next((one for one in settled if one.key[1::2] == place.key[1::2]), None)
        if manifest is None:
            raise InvalidInput(*observed.settled.problems)
        inventory = observed.view.inventory
        _check(place, manifest, inventory.entries.get(manifest.key) if inventory else None)
        live, applied = await look_closely(
            access.objects, resource_of(manifest, observed.discovery), manifest
        )
        if live is None:
            raise Refused(
                f"{manifest.key} is not on {place.target} any more: remove its manifest "
                f"({manifest.source}) where that is meant"
            )
        owner = (live["metadata"].get("labels") or {}).get(PART_OF)
        if owner and owner != place.errand.wanted.scope.applyset:
            raise Refused(f"{manifest.key} on {place.target} belongs to ApplySet {owner} now")
        counting, ignored = self._rules.split(manifest.key, compare(live, applied))
        left = [operation.path for operation, _ in ignored]
        left += [operation.path for operation, _ in counting if not self._chosen(operation.path)]
        chosen = [operation.path for operation, _ in counting if self._chosen(operation.path)]
        if not chosen:
            return None
        kept = carried_over(live, applied, applied, left)
        if kept is None:
            raise Refused(
                f"{', '.join(left)} cannot be told from the rest of {manifest.key}: edit it by hand"
            )
        return Seen(place.key, where.target, self._cluster(where.target), manifest, applied, kept)

    def _cluster(self, target: Target) -> Cluster:
        cluster = self._catalog.clusters.get(target.cluster)
        if cluster is None:
            raise Refused(f"cluster {target.cluster} is not in Git any more")
        return cluster

    def _chosen(self, path: str) -> bool:
        chosen = self._choice.paths
        return not chosen or any(path == one or path.startswith(f"{one}/") for one in chosen)

    def _nothing(self, places: Sequence[AppliedObject]) -> str:
        where = f"{places[0].key} on {_listed(place.target for place in places)}"
        if self._choice.paths:
            return f"nothing below {', '.join(self._choice.paths)} of {where} has drifted"
        mode = self._rules.mode_of(places[0].manifest.annotations)
        undone = "; drift there is undone at once (drift: Correct)" if mode is DriftMode.CORRECT else ""
        return f"{where} is as its manifest says: there is nothing to adopt{undone}"

    def _edited(self, places: Sequence[AppliedObject], found: Sequence[Seen], reason: str) -> Draft:
        place, applied = places[0], {one.target: one.manifest for one in places}
        application = self._environment.applications.get(place.application)
        if application is None:
            raise Refused(f"{place.application} is not in Git any more: there is nothing to write to")
        if application.problems:
            raise InvalidInput(*application.problems)
        if application.renderer is RendererName.HELM:
            raise Refused(
                f"{place.key} is made by a Helm chart ({application.path}): change its values or templates"
            )
        documents = self._revisions.documents(self._head, application)
        source = Source(self._environment, application, documents)
        edits: dict[bytes, tuple[Seen, Edited]] = {}
        for seen in found:
            edited = self._one(source, seen, applied[str(seen.target)])
            edits.setdefault(edited.data, (seen, edited))
        if len(edits) > 1:
            targets = _listed(str(seen.target) for seen, _ in edits.values())
            raise Refused(f"{place.key} differs from target to target ({targets}): choose one with --target")
        [(seen, edited)] = edits.values()
        elsewhere = self._elsewhere(source, seen, edited, {str(one.target) for one in found})
        if elsewhere:
            output.note(f"the values of {seen.target} become those of {_listed(elsewhere)} too")
        message = edit.adopted_message(
            (self._choice.environment, place.application),
            str(seen.manifest.key),
            str(seen.target),
            [self._secrets.text(str(change)) for change in edited.changes],
            reason,
        )
        shown = line_diff(edited.path, self._file(edited.path), edited.data)
        return Draft(message, {edited.path: edited.data}, shown=self._secrets.text(shown))

    def _one(self, source: Source, seen: Seen, applied: Manifest) -> Edited:
        now = source.rendered(seen.target, seen.cluster).get(seen.key)
        if now is None:
            raise Refused(f"{seen.manifest.key} is not in Git any more: it will leave {seen.target}")
        if now.body != applied.body:
            raise Refused(
                f"Git says something else of {seen.manifest.key} by now ({now.source}) than was applied to "
                f"{seen.target}: wait until that is rolled out"
            )
        return edit.adopt_into(
            source,
            self._file(now.source.path),
            replace(seen, manifest=replace(seen.manifest, source=now.source)),
        )

    def _file(self, path: str) -> bytes:
        tree = self._mirror.tree(self._head)
        entry = tree.resolve(path)
        if entry is None or entry.kind is not Kind.BLOB or entry.path != path:
            raise Refused(f"{path} is a symlink, and others may read what it leads to: edit that by hand")
        return tree.read(path)

    def _elsewhere(self, source: Source, seen: Seen, edited: Edited, drifted: Iterable[str]) -> list[str]:
        state = records.state(self._mirror, self._choice.environment)
        targets = wish(self._catalog, self._choice.environment, self._head, state).targets
        clusters = {
            target: self._cluster(target)
            for name, target in targets.items()
            if name not in {*drifted, str(seen.target)}
        }
        return [str(target) for target in edit.changed_elsewhere(source, edited, seen.key, clusters)]


def _check(place: AppliedObject, manifest: Manifest, entry: Entry | None) -> None:
    if entry is None:
        raise Refused(f"{manifest.key} was not applied to {place.target}")
    if entry.digest != short_digest(manifest.body):
        raise Refused(f"a rollout is writing {manifest.key} on {place.target}: wait until it has ended")


def _listed(names: Iterable[str]) -> str:
    every = sorted(names)
    rest = len(every) - _NAMED
    return ", ".join(every[:_NAMED]) + (f" and {rest} more" if rest > 0 else "")
