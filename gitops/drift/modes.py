"""What may be done about drift: the environment's mode, an object's own, and differences to look past."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from gitops.diff import Operation
from gitops.drift.authors import Author
from gitops.errors import Problem
from gitops.model.kinds import DriftMode, IgnoredDifference
from gitops.model.reading import nearest
from gitops.objects import Manifest, ObjectKey

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

    def mode_of(self, annotations: Mapping[str, str]) -> DriftMode:
        """Give an object's mode: what the annotation of its manifest says, else the environment's.

        The live object's annotations are not asked: who changes an object shall not also switch off that
        this is seen. A word that is no mode changes nothing.
        """
        written = annotations.get(DRIFT, "")
        return next((mode for mode in DriftMode if mode.value == written), self.mode)

    def split(
        self, key: ObjectKey, differences: Iterable[tuple[Operation, Author]]
    ) -> tuple[tuple[tuple[Operation, Author], ...], tuple[tuple[Operation, Author], ...]]:
        """Part the differences of an object into those that count and those to look past."""
        about = [rule for rule in self.ignored if _is_about(rule, key)]
        counting: list[tuple[Operation, Author]] = []
        ignored: list[tuple[Operation, Author]] = []
        for operation, author in differences:
            past = any(_covers(rule, operation, author) for rule in about)
            (ignored if past else counting).append((operation, author))
        return tuple(counting), tuple(ignored)


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
