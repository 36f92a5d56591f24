"""`gitops revert`: applications as they were in an earlier revision, as a commit on the branch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from controllers.adapters.git import Kind, Mirror, TreeView
from controllers.cli import output, records
from controllers.cli.repository import Opened
from controllers.cli.requests import Asking, Draft, ask
from controllers.source.revisions import Revisions
from gitops import audit, edit
from gitops.errors import TerminalError
from gitops.model.catalog import ApplicationSource, EnvironmentSource
from gitops.model.folders import APPLICATION_FILE
from gitops.rollout.events import RolloutSucceeded
from gitops.views import changes


@dataclass(frozen=True, slots=True)
class _Restore:
    """What differs: `paths` of the application itself, and `shared` files of other folders that it reads."""

    application: str
    revision: str
    paths: tuple[str, ...]
    shared: tuple[str, ...] = ()


def revert(place: str, to: str | None, asking: Asking) -> None:
    """Restore one application, or all of an environment, as of `to`, else of the last good that differs."""
    environment, _, application = place.partition("/")

    def draft(repository: Opened, head: str) -> Draft:
        restores = tuple(_restores(repository, head, environment, application, to))
        if not restores:
            known = "no record of another revision that was good; name one with --to REV"
            why = f"nothing that {to} has of it is different now" if to else known
            raise TerminalError(f"there is nothing to revert {place} to: {why}")
        return _draft(repository.mirror, head, environment, restores, asking.reason)

    ask(draft, asking)


def _restores(
    repository: Opened, head: str, environment: str, application: str, to: str | None
) -> Iterator[_Restore]:
    revisions = repository.revisions()
    now = _environment(revisions, head, environment)
    state = records.state(repository.mirror, environment)
    known = {*now.applications, *state.applications}
    names = [records.known("application", application, known)] if application else sorted(known)
    revision = repository.commit(to) if to else None
    for name in names:
        candidates = [revision] if revision else _good(repository.mirror, environment, name)
        found = next(
            (
                one
                for each in candidates
                if (one := _restore(repository.mirror, revisions, now, name, each, head))
            ),
            None,
        )
        if found is not None and found.shared:
            output.note(
                f"{name} also reads {', '.join(found.shared)}, which {found.revision[:12]} has otherwise: "
                "others may use them too, so they are left; revert the commit that changed them"
            )
        if found is not None and found.paths:
            yield found
        elif found is not None:
            continue
        elif revision and name not in _environment(revisions, revision, environment).applications:
            output.note(f"{name} is not in {revision[:12]}: it is left as it is")
        elif not application:  # where it is the only one, the error says it
            known_good = revision[:12] if revision else "every revision on record that was good"
            output.note(f"{name} is as it was in {known_good}: it is left as it is")


def _environment(revisions: Revisions, revision: str, name: str) -> EnvironmentSource:
    environments = revisions.catalog(revision).environments
    return environments[records.known("environment", name, environments)]


def _good(mirror: Mirror, environment: str, application: str) -> Iterator[str]:
    """Revisions of which every wave was good, newest first."""
    seen: set[str] = set()
    for commit in mirror.audit_log(environment):
        files = commit.files()
        events = audit.read_events(files)
        if not any(isinstance(one, RolloutSucceeded) and one.application == application for one in events):
            continue
        good = audit.read_state(files).application(application).good
        if good is not None and good.revision not in seen:
            seen.add(good.revision)
            yield good.revision


def _restore(
    mirror: Mirror, revisions: Revisions, now: EnvironmentSource, name: str, revision: str, head: str
) -> _Restore | None:
    """What has to be put back; None where nothing differs, or the revision does not have the application."""
    try:
        then = revisions.catalog(revision).environments.get(now.name)
    except TerminalError:
        return None  # the branch was rewritten since
    source = then.applications.get(name) if then else None
    if source is None or then is None:
        return None
    here = now.applications.get(name)
    if source.path != then.path:
        paths = {source.path, here.path if here else source.path}
    else:  # the environment's own folder: its environment.yaml stays as it is
        paths = {*_files(source), *(_files(here) if here else ())}
    tree, old = mirror.tree(head), mirror.tree(revision)
    differing = tuple(path for path in sorted(paths) if tree.oid(path) != old.oid(path))
    shared = tuple(sorted({path for path, _ in _elsewhere(source) ^ (_elsewhere(here) if here else set())}))
    return _Restore(name, revision, differing, shared) if differing or shared else None


def _files(source: ApplicationSource) -> set[str]:
    own = (file.path for file in source.files if file.path.startswith(f"{source.path}/"))
    return {*own, f"{source.path}/{APPLICATION_FILE}"}


def _elsewhere(source: ApplicationSource) -> set[tuple[str, str]]:
    """Files outside the application's folder that its renderer reads."""
    folder = f"{source.path}/"
    return {(file.path, file.oid) for file in source.files if not file.path.startswith(folder)}


def _draft(mirror: Mirror, head: str, environment: str, restores: tuple[_Restore, ...], reason: str) -> Draft:
    paths = {path: one.revision for one in restores for path in one.paths}
    tree = mirror.restore_paths(head, paths)
    before: dict[str, bytes] = {}
    after: dict[str, bytes] = {}
    for path, revision in paths.items():
        before |= dict(_contents(mirror.tree(head), path))
        after |= dict(_contents(mirror.tree(revision), path))
    message = edit.restored_message(
        environment, ((one.application, one.revision) for one in restores), reason
    )
    return Draft(message, tree=tree, shown=changes.text(before, after))


def _contents(tree: TreeView, path: str) -> Iterator[tuple[str, bytes]]:
    """Read a file, or every file of a folder; what is no plain file counts by its name and object alone."""
    found = tree.resolve(path)
    if found is None:
        return
    entries = tree.walk(path) if found.kind is Kind.TREE else iter((found,))
    for entry in entries:
        yield entry.path, tree.read(entry.path) if entry.kind is Kind.BLOB else entry.oid.encode()
