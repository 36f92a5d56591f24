"""Configuration files → models: which kind a file holds, and how many documents."""

from __future__ import annotations

from gitops.dialect import Document, parse
from gitops.errors import InvalidInput, Location, Problem
from gitops.model.reading import Model, read


def read_one(model: type[Model], path: str, data: bytes) -> tuple[Model, Document]:
    """Read a file that holds exactly one document. Raises InvalidInput."""
    documents = parse(data, path)
    if not documents:
        raise InvalidInput(Problem(Location(path), f"the file is empty: it holds one {model.__name__}"))
    if len(documents) > 1:
        place = documents[1].locate()
        raise InvalidInput(Problem(place, f"this file holds one {model.__name__}, not several documents"))
    return read(model, documents[0]), documents[0]


def read_all(model: type[Model], path: str, data: bytes) -> tuple[tuple[Model, Document], ...]:
    """Read a file that holds any number of documents of one kind. Raises InvalidInput with all problems."""
    found: list[tuple[Model, Document]] = []
    problems: list[Problem] = []
    for document in parse(data, path):
        try:
            found.append((read(model, document), document))
        except InvalidInput as error:
            problems += error.problems
    if problems:
        raise InvalidInput(*problems)
    return tuple(found)
