"""Foreign fields as a value: who owns what inside our objects, since when, and what is done about it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from gitops.fields import Owner, describe
from gitops.foreign import ForeignFields
from gitops.model.kinds import DriftMode
from gitops.objects import JsonObject, ObjectKey, short_digest

MOST_PATHS = 50
"""So many fields of one manager are told one by one."""
_LONGEST_PATH = 300


@dataclass(frozen=True, slots=True)
class Owned:
    """What one manager owns. `paths` are for people, such as `spec.template.spec.containers[name=proxy]`."""

    owner: Owner
    paths: tuple[str, ...]

    @classmethod
    def of(cls, found: ForeignFields, redact: Callable[[str], str]) -> Owned:
        """Put fields into words: no secret, none too long, no more than MOST_PATHS."""
        told = [_shortened(redact(describe(path))) for path in found.paths[:MOST_PATHS]]
        more = len(found.paths) - MOST_PATHS
        return cls(found.owner, (*told, f"… and {more} more") if more > 0 else tuple(told))

    def __str__(self) -> str:
        """Such as `kubectl-patch (Update): spec.paused`."""
        return f"{self.owner.manager or 'somebody'} ({self.owner.operation}): {', '.join(self.paths)}"

    def as_json(self) -> JsonObject:
        """The form of `gitops diff -o json`."""
        owner = self.owner
        return {
            "manager": owner.manager,
            "operation": owner.operation,
            "time": owner.time,
            "fields": list(self.paths),
        }


@dataclass(frozen=True, slots=True)
class ForeignFinding:
    """One object's foreign fields. With mode `Correct` they are removed; `because` says why not yet, or "".

    `since` is when the oldest of them was written.
    """

    object: str
    group_kind: str
    mode: DriftMode
    held: tuple[Owned, ...]
    because: str = ""
    since: datetime | None = None

    @classmethod
    def of(
        cls,
        key: ObjectKey,
        mode: DriftMode,
        found: Iterable[ForeignFields],
        redact: Callable[[str], str] = lambda text: text,
    ) -> ForeignFinding:
        """Say what was found in an object."""
        held = tuple(Owned.of(one, redact) for one in found)
        moments = [moment for one in held if (moment := one.owner.at) is not None]
        return cls(str(key), str(key.group_kind), mode, held, since=min(moments, default=None))

    @property
    def managers(self) -> tuple[str, ...]:
        """Who owns something, each once, in order."""
        return tuple(sorted({one.owner.manager for one in self.held}))

    @property
    def paths(self) -> tuple[str, ...]:
        """What is owned, each once, in order."""
        return tuple(sorted({path for one in self.held for path in one.paths}))

    @property
    def fingerprint(self) -> str:
        """Tell one finding about an object from another; that the same was written again is no news."""
        held = [[one.owner.manager, one.owner.operation, list(one.paths)] for one in self.held]
        return short_digest([str(self.mode), self.because, held])

    def kept_back(self, because: str) -> ForeignFinding:
        """The same, and why it is not removed."""
        return replace(self, because=because)

    def as_json(self) -> JsonObject:
        """The form of `gitops diff -o json`, without the age."""
        return {
            "object": self.object,
            "mode": str(self.mode),
            "because": self.because,
            "by": [one.as_json() for one in self.held],
        }


class ForeignDeed(StrEnum):
    """What was done or learnt about foreign fields."""

    REMOVED = "Removed"
    CONTESTED = "Contested"


@dataclass(frozen=True, slots=True)
class ForeignFact:
    """Something that is recorded once; `rounds` and `until` as in DriftFact."""

    deed: ForeignDeed
    application: str
    target: str
    finding: ForeignFinding
    rounds: int = 0
    until: datetime | None = None


def _shortened(text: str) -> str:
    line = "".join(character if character.isprintable() else " " for character in text)
    return line if len(line) <= _LONGEST_PATH else f"{line[: _LONGEST_PATH - 1]}…"
