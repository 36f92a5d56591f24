"""What the audit refs say, by environment."""

from __future__ import annotations

from collections.abc import Iterable

from controllers.adapters.git import Mirror
from gitops import audit
from gitops.errors import TerminalError
from gitops.model.reading import nearest
from gitops.rollout.state import EnvironmentState


def state(mirror: Mirror, environment: str) -> EnvironmentState:
    """Read the newest record's state; a new one where nothing is recorded. Raises TerminalError."""
    tip = mirror.audit_tip(environment)
    return EnvironmentState() if tip is None else audit.read_state(mirror.read_commit_files(tip))


def known(what: str, name: str, names: Iterable[str]) -> str:
    """Give `name` back. Raises TerminalError, with the nearest that there is, where it is not in `names`."""
    there = set(names)
    if name not in there:
        raise TerminalError(f'there is no {what} "{name}"{nearest(name, there)}')
    return name
