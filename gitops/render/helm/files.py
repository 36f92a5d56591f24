"""The files of one chart and of those vendored in it: Helm's names for them, and what is kept from Helm."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import chain

from gitops.dialect import Document, parse
from gitops.errors import InvalidInput, Location, Problem
from gitops.model.folders import CHART_FILE
from gitops.render.encrypted import VALUES_ONLY, unread
from gitops.render.helm.archives import unpack_dependencies
from gitops.render.helm.names import ChartNames
from gitops.render.helm.schemas import schema_problems
from gitops.render.helm.templates import (
    CHANGING_FUNCTIONS,
    CLUSTER_FUNCTIONS,
    at_another_time,
    barred,
    called,
    quoted_words,
    words,
)
from gitops.render.references import joined

VALUES_FILE = "values.yaml"


class ChartFiles:
    """A chart whose files are known by their paths in its folder, archives in it unpacked."""

    def __init__(self, folder: str, files: Mapping[str, bytes], *, packed: bool = False) -> None:
        """`folder` is where it is in the repository; `packed`: the whole is from one archive.

        Raises InvalidInput for what Helm must not get.
        """
        self._folder = folder
        self._packed = files.keys()
        unpacked = unpack_dependencies(files, Location(folder))
        self._templates = {path for path in unpacked if _is_template(path)}
        problems = [
            *_asking(unpacked),
            *schema_problems(unpacked),
            *unread(_read_by_helm(unpacked), VALUES_ONLY),
        ]
        if problems:
            raise InvalidInput(*map(self._in_repository, problems))
        self.files = {
            path: _bytes(barred(_text(data))) if path in self._templates else data
            for path, data in unpacked.items()
        }
        self.archives = None if packed else tuple(sorted(self._packed - unpacked.keys()))
        self._names = ChartNames(unpacked)

    def changing(self) -> frozenset[str]:
        """Name the functions that may answer otherwise the next time, wherever they might be called."""
        texts = map(_text, self.files.values())
        found = (word.text for text in texts for word in (*words(text), *quoted_words(text)))
        return frozenset(found) & CHANGING_FUNCTIONS

    def at_another_time(self) -> Mapping[str, bytes]:
        """Give the files as if they were rendered years ago."""
        return {
            path: _bytes(at_another_time(_text(data))) if path in self._templates else data
            for path, data in self.files.items()
        }

    def file_of(self, name: str) -> str:
        """Give the path in the repository of what Helm calls `web/charts/db/templates/x.yaml`, say.

        Of a file in an archive it is that of the archive, of what is not known that of `Chart.yaml`.
        """
        path = self._names.path(name)
        return self._written(CHART_FILE if path is None else path)

    def _written(self, path: str) -> str:
        """Where in the repository a file is that was unpacked or not."""
        inside = path
        while inside and inside not in self._packed:
            inside = inside.rpartition("/")[0]
            if f"{inside}.tgz" in self._packed:
                return joined(self._folder, f"{inside}.tgz")
        return joined(self._folder, path)

    def _in_repository(self, problem: Problem) -> Problem:
        """Give its place where it is written; what is in an archive is named beside it."""
        place = problem.location
        path = self._written(place.path)
        inside = path != joined(self._folder, place.path)
        return replace(
            problem, location=Location(path, inside=place.path) if inside else replace(place, path=path)
        )

    def known(self, name: str) -> bool:
        """Whether Helm calls a file of this chart so."""
        return self._names.path(name) is not None

    def line(self, name: str, number: int) -> str:
        """A line, counted from 1, of the file as Helm sees it; empty where there is none."""
        path = self._names.path(name)
        lines = _text(self.files[path]).split("\n") if path else []
        return lines[number - 1] if 0 < number <= len(lines) else ""


def _asking(unpacked: Mapping[str, bytes]) -> Iterator[Problem]:
    """Refuse texts that `tpl` could execute: files that are no templates, and texts in templates."""
    for path, data in unpacked.items():
        if path.endswith(".md") or b"{{" not in data:
            continue
        if found := next(_calls(path, data), None):
            name, place = found
            message = (
                f"text that calls {name} is refused: a template might execute it, and a render must not "
                "depend on the cluster"
            )
            yield Problem(place, message)


def _calls(path: str, data: bytes) -> Iterator[tuple[str, Location]]:
    """Name the functions of the cluster that a file might call, with their places."""
    if path.rpartition("/")[2] == VALUES_FILE and (documents := _parsed(data, path)):
        for document in documents:  # what stands in comments nobody executes
            for pointer, name in called(document.value, (), CLUSTER_FUNCTIONS):
                yield name, document.locate(*pointer)
        return
    text = _text(data)
    inner = () if _is_template(path) else words(text)
    for word in chain(inner, quoted_words(text)):
        if word.text in CLUSTER_FUNCTIONS:
            line = text.count("\n", 0, word.start) + 1
            yield word.text, Location(path, line, word.start - text.rfind("\n", 0, word.start))


def _parsed(data: bytes, path: str) -> tuple[Document, ...]:
    """The documents of a file; none where it is not sound, which Helm will tell."""
    try:
        return parse(data, path)
    except InvalidInput:
        return ()


def _read_by_helm(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """The files that it reads by itself."""
    return {
        path: data
        for path, data in files.items()
        if _is_template(path) or path.rpartition("/")[2] == VALUES_FILE
    }


def _is_template(path: str) -> bool:
    parts = path.split("/")
    while parts[0] == "charts" and len(parts) > 2:  # noqa: PLR2004 - charts/x/y
        parts = parts[2:]
    return parts[0] == "templates"


def _text(data: bytes) -> str:
    """Read a file as Go does, whom bytes that are no UTF-8 do not stop; `_bytes` reverses it."""
    return data.decode(errors="surrogateescape")


def _bytes(text: str) -> bytes:
    return text.encode(errors="surrogateescape")
