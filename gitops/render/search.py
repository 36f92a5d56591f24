"""Looking for what paths lead to in the tree of one commit, and taking note of everything that decided it."""

from __future__ import annotations

from gitops.errors import InvalidInput, Location, Problem
from gitops.model.catalog import SourceLink
from gitops.render.references import Reference, path_problem, resolved
from gitops.render.trees import Found, Tree


class Search:
    """What was looked at on the way, also where nothing was, the symlinks there, and what is wrong."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self.looked: set[str] = set()
        self.links: set[SourceLink] = set()
        self.problems: set[Problem] = set()

    def follow(self, reference: Reference, folder: str) -> Found | None:
        """Find what a path that is written in `folder` leads to; where that is nothing, it is a problem."""
        if problem := path_problem(reference):
            self.problems.add(problem)
            return None
        path = resolved(folder, reference.path)
        if path is None:
            self.problems.add(Problem(reference.at, "this path leads out of the repository"))
            return None
        try:
            found = self._look(path)
        except InvalidInput as error:
            self._blame(reference.at, error)
            return None
        if found is None:
            self.problems.add(Problem(reference.at, f"there is no {path} in the repository"))
        return found

    def find(self, path: str, asked: Location) -> Found | None:
        """Find what is at a path from the root, if anything is; a symlink that leads nowhere is a problem."""
        try:
            return self._look(path)
        except InvalidInput as error:
            self._blame(asked, error)
            return None

    def _look(self, path: str) -> Found | None:
        self.looked.add(path)
        found = self._tree.find(path)
        if found is not None:
            self.looked.update((found.path, *(link.path for link in found.links)))
            self.links.update(found.links)
        return found

    def _blame(self, asked: Location, error: InvalidInput) -> None:
        self.problems.update(Problem(asked, str(problem)) for problem in error.problems)
