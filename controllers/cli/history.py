"""`gitops history` and `gitops audit verify`: the chain of records of an environment."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from controllers.adapters.git import AuditCommit, Mirror
from controllers.cli import output, records
from controllers.cli.repository import Choice, Opened, opened
from controllers.source.revisions import Revisions
from gitops import audit
from gitops.errors import TerminalError
from gitops.rollout.events import EVENTS, Event, RolloutStarted
from gitops.views import history as history_view
from gitops.views.history import Authorship, HistoryRecord


def history(
    environment: str, application: str | None, limit: int | None, choice: Choice, form: output.Form
) -> None:
    """Show what was recorded, newest first; with `application`, only what is about it."""
    with opened(choice) as repository:
        mirror = repository.mirror
        _known(repository, environment)
        if application is not None:
            _known_application(repository, environment, application)
        found = _records(mirror, environment, application)
        shown = tuple(islice(found, limit))
    nothing = f"nothing is recorded about {application or environment} yet"
    output.show(form, history_view.form(environment, shown), history_view.text(shown) or nothing)


def _known(repository: Opened, environment: str) -> str:
    """An environment that Git or the records know; one that was never rolled out has no records yet."""
    in_git = Revisions(repository.mirror).catalog(repository.head).environments
    return records.known("environment", environment, {*in_git, *repository.mirror.audit_environments()})


def _known_application(repository: Opened, environment: str, application: str) -> None:
    """An application that Git has, or that was ever recorded: one that was retired keeps its history."""
    source = Revisions(repository.mirror).catalog(repository.head).environments.get(environment)
    names = {
        *(source.applications if source else ()),
        *records.state(repository.mirror, environment).applications,
    }
    if application not in names and not any(_records(repository.mirror, environment, application)):
        records.known("application", application, names)


def _records(mirror: Mirror, environment: str, application: str | None) -> Iterator[HistoryRecord]:
    for commit in mirror.audit_log(environment):
        try:
            events = audit.read_events(commit.files())
        except TerminalError as error:
            yield HistoryRecord(commit.oid, commit.time, (f"this record cannot be read: {error}",))
            continue
        if application is not None:
            events = tuple(event for event in events if getattr(event, "application", "") == application)
        if events or application is None:
            yield _record(mirror, commit, events)


def _record(mirror: Mirror, commit: AuditCommit, events: tuple[Event, ...]) -> HistoryRecord:
    revisions = dict.fromkeys(event.revision for event in events if isinstance(event, RolloutStarted))
    return HistoryRecord(
        commit.oid,
        commit.time,
        tuple(audit.narrate(event) for event in events),
        tuple(EVENTS.dump_python(events, mode="json")),
        tuple(one for revision in revisions if (one := _authorship(mirror, revision)) is not None),
    )


def _authorship(mirror: Mirror, revision: str) -> Authorship | None:
    try:
        commit, *_ = mirror.commits(revision, None, limit=1)
    except TerminalError:
        return None  # a rewritten branch no longer has it; the record stands without
    return Authorship(revision, commit.author_name, commit.subject)


def verify(environment: str | None, choice: Choice, form: output.Form) -> bool:
    """Check every record against the one before; whether all chains are intact."""
    with opened(choice) as repository:
        mirror = repository.mirror
        names = mirror.audit_environments()
        if environment is not None:
            names = (_known(repository, environment),)
        found = {name: _verified(mirror, name) for name in names}
    value = {
        "environments": [
            {"name": name, "records": count, "intact": not problems, "problems": list(problems)}
            for name, (count, problems) in found.items()
        ]
    }
    lines = [line for name, (count, problems) in found.items() for line in _lines(name, count, problems)]
    output.show(form, value, "\n".join(lines) or "nothing is recorded yet")
    return not any(problems for _, problems in found.values())


def _verified(mirror: Mirror, environment: str) -> tuple[int, tuple[str, ...]]:
    newest_first = list(mirror.audit_log(environment))
    entries = (
        audit.AuditEntry(commit.oid, commit.parent, commit.time, commit.files())
        for commit in reversed(newest_first)
    )
    return len(newest_first), audit.verify(entries)


def _lines(environment: str, count: int, problems: tuple[str, ...]) -> Iterator[str]:
    records_ = f"{count} record{'' if count == 1 else 's'}"
    if not problems:
        yield f"{environment}: {records_}, chain intact"
        return
    yield f"{environment}: {records_}, chain broken"
    yield from (f"  {problem}" for problem in problems)
