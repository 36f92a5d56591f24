"""Tools that are not there: told once for all that they would render, so that nothing else is drowned."""

from __future__ import annotations

from collections.abc import Sequence

from gitops.dialect import Document
from gitops.errors import InvalidInput, Location, Problem, ToolMissing
from gitops.lint import Documents
from gitops.model.catalog import ApplicationSource
from gitops.render.helm.values import Destination


class MissingTools:
    """Collects what each missing tool would have rendered. For any thread."""

    def __init__(self) -> None:
        self._asked: dict[str, set[Location]] = {}

    def noting(self, documents: Documents) -> Documents:
        """Have it raise InvalidInput without a problem where a tool is missing, which is noted here."""

        def noted(application: ApplicationSource, place: Destination | None) -> Sequence[Document]:
            try:
                return documents(application, place)
            except ToolMissing as error:
                for problem in error.problems:
                    self._asked.setdefault(problem.message, set()).add(problem.location)
                raise InvalidInput from None

        return noted

    def problems(self) -> tuple[Problem, ...]:
        """Give one problem for each tool, at the first place that asked for it."""
        return tuple(
            Problem(
                min(places), message if len(places) == 1 else f"{message} ({len(places) - 1} more need it)"
            )
            for message, places in sorted(self._asked.items())
        )
