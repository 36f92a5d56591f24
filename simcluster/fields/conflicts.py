"""Fields that an apply may not take: the refusal, in the server's words."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from simcluster.errors import ApiError
from simcluster.fields.entries import Owner
from simcluster.fields.sets import Path, shown


class Conflict(NamedTuple):
    """One path that somebody else owns."""

    owner: Owner
    path: Path

    @property
    def path_text(self) -> str:
        """As messages write it: `.spec.replicas`."""
        return shown(self.path)


class ApplyConflict(ApiError):  # noqa: N818 - as the API calls it
    """An apply without force that would take fields from others: the API's own 409."""

    def __init__(self, conflicts: Iterable[Conflict]) -> None:
        self.conflicts = tuple(conflicts)
        causes = [
            {
                "reason": "FieldManagerConflict",
                "message": f"conflict with {each.owner}",
                "field": each.path_text,
            }
            for each in self.conflicts
        ]
        super().__init__(409, "Conflict", _message(self.conflicts), {"causes": causes})


def _message(conflicts: tuple[Conflict, ...]) -> str:
    if len(conflicts) == 1:
        return f"Apply failed with 1 conflict: conflict with {conflicts[0].owner}: {conflicts[0].path_text}"
    lines = []
    for owner in dict.fromkeys(each.owner for each in conflicts):
        lines.append(f"conflicts with {owner}:")
        lines += [f"- {each.path_text}" for each in conflicts if each.owner == owner]
    return f"Apply failed with {len(conflicts)} conflicts: " + "\n".join(lines)
