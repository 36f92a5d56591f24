"""What may be done about drift: the environment's mode, an object's own, and differences to look past."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import takewhile
from typing import Any, Self

from gitops.diff import Operation
from gitops.drift.authors import Author
from gitops.errors import Problem
from gitops.fields import Path
from gitops.foreign import ALLOWED_MANAGERS, Claim, ForeignFields, foreign_fields, removable, union
from gitops.model.kinds import DriftMode, EnvironmentSpec, IgnoredDifference
from gitops.model.reading import nearest
from gitops.objects import JsonObject, Manifest, ObjectKey
from gitops.pointers import steps_of

DRIFT = "gitops-waves.io/drift"


def unknown_mode(manifest: Manifest) -> Problem | None:
    """Say that an object's annotation names no mode: the environment's counts then, which nobody meant."""
    written = manifest.annotations.get(DRIFT)
    modes = [mode.value for mode in DriftMode]
    if written is None or written in modes:
        return None
    return Problem(
        manifest.source, f"annotation {DRIFT}: {written[:40]!r} is no mode{nearest(written, modes)}"
    )


@dataclass(frozen=True, slots=True)
class DriftRules:
    """What an environment says about drift."""

    mode: DriftMode = DriftMode.REPORT
    ignored: tuple[IgnoredDifference, ...] = ()
    allowed_managers: frozenset[str] = ALLOWED_MANAGERS
    exclusive: bool = False

    @classmethod
    def of(cls, spec: EnvironmentSpec | None) -> Self:
        """Read an environment's settings; of one that cannot be read or left Git, the defaults."""
        if spec is None:
            return cls()
        foreign = spec.foreign_fields
        allowed = ALLOWED_MANAGERS.union(foreign.allowed_managers)
        return cls(spec.drift, spec.ignore_differences, allowed, exclusive=foreign.exclusive)

    def mode_of(self, annotations: Mapping[str, str]) -> DriftMode:
        """Give an object's mode: what the annotation of its manifest says, else the environment's.

        The live object's annotations are not asked: who changes an object shall not also switch off that
        this is seen. A word that is no mode changes nothing.
        """
        return _written(annotations) or self.mode

    def foreign_mode_of(self, annotations: Mapping[str, str]) -> DriftMode:
        """What is done about foreign fields of an object: `Correct` removes them.

        They are no drift: an environment that reports drift may be exclusive all the same. The annotation
        `Report` or `Ignore` in an object's manifest holds for both.
        """
        written = _written(annotations)
        if (written or self.mode) is DriftMode.IGNORE:
            return DriftMode.IGNORE
        removed = self.exclusive and written is not DriftMode.REPORT
        return DriftMode.CORRECT if removed else DriftMode.REPORT

    def may_own(self, key: ObjectKey, manager: str) -> bool:
        """Whether a manager may own fields inside this object's spec."""
        if manager in self.allowed_managers:
            return True
        return any(manager in rule.managers for rule in self._about(key))

    def foreign(
        self, key: ObjectKey, found: Iterable[Claim], manifest: JsonObject
    ) -> tuple[ForeignFields, ...]:
        """Keep what counts: fields of managers that are not allowed, but for those to look past."""
        counting = [one for one in found if not self.may_own(key, one.owner.manager)]
        return self._not_past(key, foreign_fields(counting, manifest))

    def removable(
        self, key: ObjectKey, metadata: Mapping[str, Any], manifest: JsonObject
    ) -> tuple[ForeignFields, ...]:
        """What of a live object's fields an exclusive environment removes: nothing that anybody may own."""
        past: JsonObject = {}
        for pointer in self._looked_past(key):
            below: JsonObject = {}
            for step in reversed(pointer):
                below = {f"f:{step}": below}
            past = union(past, below)
        found = removable(metadata, manifest, lambda manager: self.may_own(key, manager), past)
        return self._not_past(key, found)

    def _not_past(self, key: ObjectKey, found: Iterable[ForeignFields]) -> tuple[ForeignFields, ...]:
        past = self._looked_past(key)
        counting = (
            one._replace(paths=tuple(path for path in one.paths if not _is_past(path, past))) for one in found
        )
        return tuple(one for one in counting if one.paths)

    def split(
        self, key: ObjectKey, differences: Iterable[tuple[Operation, Author]]
    ) -> tuple[tuple[tuple[Operation, Author], ...], tuple[tuple[Operation, Author], ...]]:
        """Part the differences of an object into those that count and those to look past."""
        about = self._about(key)
        counting: list[tuple[Operation, Author]] = []
        ignored: list[tuple[Operation, Author]] = []
        for operation, author in differences:
            past = any(_covers(rule, operation, author) for rule in about)
            (ignored if past else counting).append((operation, author))
        return tuple(counting), tuple(ignored)

    def _looked_past(self, key: ObjectKey) -> tuple[tuple[str, ...], ...]:
        return tuple(steps_of(pointer) for rule in self._about(key) for pointer in rule.json_pointers)

    def _about(self, key: ObjectKey) -> list[IgnoredDifference]:
        return [rule for rule in self.ignored if _is_about(rule, key)]


def _written(annotations: Mapping[str, str]) -> DriftMode | None:
    return next((mode for mode in DriftMode if mode.value == annotations.get(DRIFT, "")), None)


def _is_past(path: Path, past: Iterable[tuple[str, ...]]) -> bool:
    """Whether a field is at or below one of these. Nothing in a list is: its elements have no places here."""
    fields = tuple(step[2:] for step in takewhile(lambda step: step.startswith("f:"), path))
    return any(fields[: len(at)] == at for at in past)


def _is_about(rule: IgnoredDifference, key: ObjectKey) -> bool:
    wanted = ((rule.group, key.group), (rule.kind, key.kind), (rule.name, key.name))
    return all(written in (None, actual) for written, actual in wanted)


def _covers(rule: IgnoredDifference, operation: Operation, author: Author) -> bool:
    if author.certain and author.owner.manager in rule.managers:
        return True
    return any(
        operation.path == pointer or operation.path.startswith(f"{pointer}/")
        for pointer in rule.json_pointers
    )
