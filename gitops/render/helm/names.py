"""Helm's names for the files of a chart, `web/charts/db/templates/x.yaml`, also where `db` is an alias."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from gitops.dialect import parse
from gitops.errors import InvalidInput
from gitops.model.folders import CHART_FILE
from gitops.render.references import joined

_DEPENDENCIES = ("requirements.yaml", CHART_FILE)  # Helm 2's file, and today's


class ChartNames:
    """Finds files by Helm's names. A name is followed, none is made up: aliases of aliases are too many."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        """`files` by their paths in the chart's folder, archives in it unpacked."""
        self._files = files
        self._subcharts = _subcharts(files)
        self._known: dict[str, dict[str, str]] = {}

    def path(self, name: str) -> str | None:
        """Give the path in the chart's folder; None where there is no such file. `.` is the chart, too."""
        root, *parts = name.split("/")
        if root not in (".", _name_of(self._files, "") or "chart"):
            return None
        folder = ""
        while len(parts) > 2 and parts[0] == "charts":  # noqa: PLR2004 - charts/x/y
            below = self._below(folder).get(parts[1])
            if below is None:
                break
            folder, parts = below, parts[2:]
        path = joined(folder, "/".join(parts))
        return path if path in self._files else None

    def _below(self, folder: str) -> dict[str, str]:
        """The folders of a chart's own dependencies, by their names and aliases."""
        if folder not in self._known:
            subcharts = {
                _name_of(self._files, below) or below.rpartition("/")[2]: below
                for below in self._subcharts.get(folder, ())
            }
            aliases = _aliases(self._files, folder) if subcharts else ()
            renamed = {alias: subcharts[name] for name, alias in aliases if name in subcharts}
            self._known[folder] = {**renamed, **subcharts}
        return self._known[folder]


def _subcharts(files: Iterable[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for path in files:
        folder, _, name = path.rpartition("/")
        above, _, last = folder.rpartition("/")
        if name == CHART_FILE and last and (above == "charts" or above.endswith("/charts")):
            found.setdefault(above.removesuffix("charts").removesuffix("/"), []).append(folder)
    return found


def _name_of(files: Mapping[str, bytes], folder: str) -> str:
    return str(_read(files, joined(folder, CHART_FILE)).get("name") or "")


def _aliases(files: Mapping[str, bytes], folder: str) -> Iterator[tuple[str, str]]:
    """Give the names of dependencies that have another name here, each with that."""
    for name in _DEPENDENCIES:
        dependencies = _read(files, joined(folder, name)).get("dependencies")
        for one in dependencies if isinstance(dependencies, list) else ():
            if isinstance(one, dict) and one.get("alias"):
                yield str(one.get("name")), str(one["alias"])


def _read(files: Mapping[str, bytes], path: str) -> dict[str, Any]:
    """A file of a chart's description; empty where it is not sound, which Helm will tell."""
    try:
        documents = parse(files.get(path, b""), path)
    except InvalidInput:
        return {}
    return documents[0].value if documents and isinstance(documents[0].value, dict) else {}
