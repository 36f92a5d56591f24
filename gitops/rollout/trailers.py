"""Commands in commit messages: trailers such as `Gitops-Retry: production/web`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from gitops.rollout.events import CommandKind
from gitops.rollout.observation import Command

_KEYS = {f"gitops-{kind.value.lower()}": kind for kind in CommandKind}


class Authored(NamedTuple):
    """A commit, as far as it can command something."""

    commit: str
    author: str
    trailers: tuple[tuple[str, str], ...]


def commands_of(commits: Iterable[Authored], environment: str) -> tuple[Command, ...]:
    """Read the commands that concern `environment`, in the order of `commits`; keys in any case, as in Git.

    The value is `<environment>` for all its applications, or `<environment>/<application>`.
    """
    found: list[Command] = []
    for commit in commits:
        for key, value in commit.trailers:
            kind = _KEYS.get(key.lower())
            named, _, application = value.strip().partition("/")
            if kind is not None and named == environment:
                found.append(Command(kind, application, commit.commit, commit.author))
    return tuple(found)
