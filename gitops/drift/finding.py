"""Drift as a value: what is otherwise than we applied it, since when, by whom, and what is done about it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from gitops.diff import Operation
from gitops.drift.authors import Author
from gitops.model.kinds import DriftMode
from gitops.objects import JsonObject
from gitops.redact import scrubbed


class DriftKind(StrEnum):
    """What happened to the object.

    `DISOWNED`: it holds our values, and no longer by us: a line removed in Git would not remove it there.
    """

    CHANGED = "Changed"
    DISOWNED = "Disowned"
    GONE = "Gone"
    RECREATED = "Recreated"
    NOT_OURS = "NotOurs"


@dataclass(frozen=True, slots=True)
class Finding:
    """One object's drift. `operations` make it what we applied again; `because` is a clause for people."""

    object: str
    group_kind: str
    kind: DriftKind
    mode: DriftMode
    because: str
    operations: tuple[Operation, ...] = ()
    authors: tuple[Author, ...] = ()
    since: datetime | None = None

    @property
    def paths(self) -> tuple[str, ...]:
        """JSON pointers of what differs."""
        return tuple(operation.path for operation in self.operations)

    def redacted(self, redact: Callable[[str], str]) -> Finding:
        """The same without known secrets, whatever field of whatever object repeats them."""
        operations = tuple(_redacted(operation, redact) for operation in self.operations)
        return replace(self, because=redact(self.because), operations=operations)

    def as_json(self) -> JsonObject:
        """The form of `gitops diff -o json`: `patch` is a JSON Patch (RFC 6902), `live` beside values."""
        return {
            "object": self.object,
            "drift": str(self.kind),
            "mode": str(self.mode),
            "because": self.because,
            "by": [author_form(author) for author in self.authors],
            "patch": [operation.as_json() for operation in self.operations],
        }


def _redacted(operation: Operation, redact: Callable[[str], str]) -> Operation:
    return replace(
        operation,
        path=redact(operation.path),
        value=scrubbed(operation.value, redact),
        live=scrubbed(operation.live, redact),
    )


def author_form(author: Author) -> JsonObject:
    """One author as JSON."""
    owner = author.owner
    return {
        "manager": owner.manager,
        "operation": owner.operation,
        "subresource": owner.subresource,
        "time": owner.time,
        "certain": author.certain,
    }


def told(authors: Iterable[Author]) -> str:
    """Name authors for people, each once; "somebody" where nobody is known."""
    return ", ".join(dict.fromkeys(map(str, authors))) or "somebody"
