"""What people ask for becomes a commit on the branch, pushed only on top of what was read."""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parseaddr
from pathlib import Path

import pygit2

from controllers.adapters.git import Mirror, Signature
from controllers.cli import output, records
from controllers.cli.repository import Choice, Opened, opened
from controllers.source.revisions import Revisions
from gitops import edit
from gitops.errors import Conflict, InvalidInput, Location, Problem
from gitops.objects import JsonObject
from gitops.rollout.events import CommandKind

_TRIES = 5


@dataclass(frozen=True, slots=True)
class Draft:
    """A commit to be: its message, and the tree, or the files that differ from the branch's head."""

    message: str
    changes: Mapping[str, bytes] = field(default_factory=dict)
    tree: str | None = None
    shown: str = ""


@dataclass(frozen=True, slots=True)
class Asking:
    """Who asks, why, and where; with `dry_run` nothing is pushed."""

    choice: Choice
    author: str | None = None
    reason: str = ""
    dry_run: bool = False
    form: output.Form = output.Form.TEXT


def command(kind: CommandKind, place: str, asking: Asking) -> None:
    """Ask for something by the trailer of an empty commit."""
    environment, _, application = place.partition("/")

    def draft(repository: Opened, head: str) -> Draft:
        _check(repository.mirror, head, environment, application)
        return Draft(edit.command_message(kind, environment, application, asking.reason))

    ask(draft, asking)


def suspend(environment: str, asking: Asking, *, suspended: bool) -> None:
    """Set `spec.suspended` of an environment."""

    def draft(repository: Opened, head: str) -> Draft | None:
        mirror = repository.mirror
        catalog = Revisions(mirror).catalog(head)
        path = f"{catalog.environments[records.known('environment', environment, catalog.environments)].path}"
        path += "/environment.yaml"
        before = mirror.tree(head).read(path)
        after = edit.set_suspended(path, before, suspended=suspended)
        if after == before:
            output.note(f"{environment} is {'suspended' if suspended else 'not suspended'} already")
            return None
        message = edit.suspended_message(environment, suspended=suspended, reason=asking.reason)
        return Draft(message, {path: after}, shown=line_diff(path, before, after))

    ask(draft, asking)


def ask(draft: Callable[[Opened, str], Draft | None], asking: Asking) -> None:
    """Commit what `draft` says on top of the branch and push it; again when the branch moved meanwhile.

    `draft` gets the head to build on, and gives None where there is nothing to ask for.
    """
    with opened(asking.choice) as repository:
        author = None if asking.dry_run else _signature(asking.author, repository.local)
        for tries_left in reversed(range(_TRIES)):
            head = repository.mirror.fetch().head
            wanted = draft(repository, head)
            if wanted is None:
                return
            if author is None:
                _show_draft(wanted, repository, asking.form)
                return
            try:
                commit = _push(repository.mirror, head, wanted, author)
            except Conflict:
                if not tries_left:
                    raise
            else:
                _show_pushed(commit, repository, asking.form)
                return


def _push(mirror: Mirror, head: str, wanted: Draft, author: Signature) -> str:
    commit = mirror.write_commit(
        parent=head, message=wanted.message, author=author, changes=dict(wanted.changes), tree=wanted.tree
    )
    mirror.push_branch(commit, expected_head=head)
    return commit


def _show_pushed(commit: str, repository: Opened, form: output.Form) -> None:
    remote = repository.mirror.remote
    value: JsonObject = {"commit": commit, "branch": remote.branch, "repository": str(remote)}
    output.show(form, value, commit)
    output.note(f"pushed to {remote.branch} of {remote}")


def _show_draft(wanted: Draft, repository: Opened, form: output.Form) -> None:
    value: JsonObject = {"message": wanted.message, "branch": repository.mirror.remote.branch}
    output.show(form, {**value, "diff": wanted.shown}, f"{wanted.message}\n{wanted.shown}".rstrip())


def _check(mirror: Mirror, head: str, environment: str, application: str) -> None:
    """A misspelt name would be a command that nobody hears."""
    catalog = Revisions(mirror).catalog(head)
    recorded = mirror.audit_environments()
    records.known("environment", environment, {*catalog.environments, *recorded})
    if application:
        source = catalog.environments.get(environment)
        applications = {
            *records.state(mirror, environment).applications,
            *(source.applications if source else ()),
        }
        records.known("application", application, applications)


def _signature(given: str | None, local: Path | None) -> Signature:
    """Who asks: as given, else as `git commit` has it. Raises InvalidInput where nobody is named."""
    if given is not None:
        name, email = parseaddr(given)
    else:
        name = os.environ.get("GIT_AUTHOR_NAME") or _configured(local, "user.name")
        email = os.environ.get("GIT_AUTHOR_EMAIL") or _configured(local, "user.email")
    if not name or "@" not in email or not (name + email).isprintable():
        message = "say who asks: --author 'Name <name@example.com>', or git config user.name and user.email"
        raise InvalidInput(Problem(Location("--author"), message))
    return Signature(name, email, datetime.now(UTC).astimezone())


def _configured(local: Path | None, key: str) -> str:
    try:
        config = pygit2.Repository(str(local)).config if local else pygit2.Config.get_global_config()
    except (OSError, pygit2.GitError):
        return ""
    return str(config[key]) if key in config else ""


def line_diff(path: str, before: bytes, after: bytes) -> str:
    """Changed lines only: what stands around them may be nobody's business."""
    old, new = before.decode().splitlines(), after.decode().splitlines()
    return "\n".join(difflib.unified_diff(old, new, f"a/{path}", f"b/{path}", n=0, lineterm=""))
