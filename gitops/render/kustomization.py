"""What a kustomization file, and what configures its plugins, refers to; what in them is refused.

Keys are compared without case, because kustomize reads them so (kubernetes-sigs/kustomize#5061).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from gitops.dialect import Document, parse
from gitops.errors import InvalidInput, Location, Problem
from gitops.model.reading import nearest
from gitops.objects import Json
from gitops.pointers import Pointer
from gitops.render.references import Reading, Reference, Use

_FIELDS = (
    *("apiVersion", "kind", "metadata", "resources", "bases", "components", "crds", "configurations"),
    *(
        "generators",
        "transformers",
        "validators",
        "configMapGenerator",
        "secretGenerator",
        "generatorOptions",
    ),
    *("patches", "patchesStrategicMerge", "patchesJson6902", "replacements", "vars", "images", "imageTags"),
    *("namePrefix", "nameSuffix", "namespace", "commonLabels", "commonAnnotations", "labels", "replicas"),
    *("openapi", "buildMetadata", "sortOptions", "helmCharts", "helmGlobals", "helmChartInflationGenerator"),
)
_KNOWN = {field.casefold() for field in _FIELDS}
_HELM = "Helm charts inside a kustomization are refused: commit the rendered manifests as resources"
_FUNCTIONS = ("config.kubernetes.io/function", "config.k8s.io/function")
_PROGRAM = (
    "exec, container and starlark plugins run programs and are refused: use what kustomize has built in"
)
_GO_SPACES = "".join(
    map(
        chr,
        (
            *range(9, 14),
            32,
            0x85,
            0xA0,
            0x1680,
            *range(0x2000, 0x200B),
            0x2028,
            0x2029,
            0x202F,
            0x205F,
            0x3000,
        ),
    )
)
"""What kustomize, a Go program, takes for blank; Python's own idea has some more."""
_HELM_FIELDS = ("helmCharts", "helmGlobals", "helmChartInflationGenerator")


def read(use: Use, path: str, data: bytes) -> Reading:
    """Give the references in a file that is used so; those of any other use have none. Raises nothing."""
    readers = {
        Use.KUSTOMIZATION: _kustomization,
        Use.PLUGIN: _plugins,
        Use.VARIABLES: _variables,
    }
    if use not in readers:
        return Reading()
    try:
        return readers[use](path, data)
    except InvalidInput as error:
        return Reading(problems=error.problems)


def _kustomization(path: str, data: bytes) -> Reading:
    documents = parse(data, path)
    if len(documents) != 1:
        count = "is empty" if not documents else "holds several documents"
        return Reading(problems=(Problem(Location(path), f"the file {count}: it is one Kustomization"),))
    reader = _Reader(documents[0])
    reader.kustomization(documents[0].value)
    return Reading(tuple(reader.references), tuple(reader.problems))


def _plugins(path: str, data: bytes) -> Reading:
    references: list[Reference] = []
    problems: list[Problem] = []
    for document in parse(data, path):
        reader = _Reader(document)
        reader.plugin(document.value, ())
        references += reader.references
        problems += reader.problems
    return Reading(tuple(references), tuple(problems))


def _variables(path: str, data: bytes) -> Reading:
    """Refuse lines without `=`: kustomize has taken their values from the environment of its process."""
    text = data.decode(errors="replace").removeprefix("\ufeff")
    lines = (line.lstrip(_GO_SPACES) for line in text.split("\n"))
    message = "this line has no =: write NAME=value, nothing is taken from the environment"
    problems = [
        Problem(Location(path, number), message)
        for number, line in enumerate(lines, start=1)
        if line and not line.startswith("#") and "=" not in line
    ]
    return Reading(problems=tuple(problems))


class _Reader:
    """Collects what one document refers to."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self.references: list[Reference] = []
        self.problems: list[Problem] = []

    def kustomization(self, value: Json) -> None:
        """Read a Kustomization or a Component."""
        if not isinstance(value, dict):
            self._problem((), "not a Kustomization: it is a mapping of fields to values")
            return
        for key in value:
            if key.casefold() not in _KNOWN:
                self._problem((key,), f'unknown field "{key}"{nearest(key, _FIELDS)}')
        for field in _HELM_FIELDS:
            for pointer, found in _values(value, field, ()):
                if found:
                    self._problem(pointer, _HELM)
        for field, entry in self._entries().items():
            for pointer, found in _items(value, field, ()):
                entry(found, pointer)
        for pointer, found in _values(value, "openapi", ()):
            self._path(found, pointer, Use.FILE)

    def _entries(self) -> Mapping[str, Callable[[Json, Pointer], None]]:
        """Say what to do with each entry of the lists of a kustomization."""
        resource, file = partial(self._refer, use=Use.RESOURCE), partial(self._refer, use=Use.FILE)
        return {
            **dict.fromkeys(("resources", "bases", "components"), resource),
            **dict.fromkeys(("crds", "configurations"), file),
            **dict.fromkeys(("generators", "transformers", "validators"), self._plugin_entry),
            **dict.fromkeys(("configMapGenerator", "secretGenerator"), self._generator),
            "patches": self._patch,
            "patchesStrategicMerge": self._patch,
            "patchesJson6902": self._patch,
            "replacements": partial(self._path, use=Use.FILE),
        }

    def plugin(self, value: Json, pointer: Pointer) -> None:
        """Read the configuration of one plugin, or of those in a list, which kustomize takes apart."""
        if not isinstance(value, dict):
            return
        if str(value.get("kind")).endswith("List") and "items" in value:
            for place, item in _items(value, "items", pointer):
                self.plugin(item, place)
            return
        for place in _functions(value, pointer):
            self._problem(place, _PROGRAM)
        if value.get("apiVersion") != "builtin":
            self._problem((*pointer, "apiVersion"), f'not "apiVersion: builtin": {_PROGRAM}')
            return
        if value.get("kind") == "HelmChartInflationGenerator":
            self._problem((*pointer, "kind"), _HELM)
        self._plugin_fields(value, pointer)

    def _plugin_fields(self, value: Json, pointer: Pointer) -> None:
        """Read the fields of all kinds: each has some of them, and none means anything but a file by them."""
        self._generator(value, pointer)
        self._patch(value, pointer)
        for field in ("jsonOp", "patches"):
            for place, found in _values(value, field, pointer):
                self._text(found, place)
        for field in ("paths", "replacements"):
            for place, found in _items(value, field, pointer):
                self._patch(found, place)

    def _plugin_entry(self, entry: Json, pointer: Pointer) -> None:
        if not isinstance(entry, str) or not _inline(entry):
            self._refer(entry, pointer, Use.PLUGIN)
            return
        try:
            documents = parse(entry.encode(), self._document.path)
        except InvalidInput as error:
            for problem in error.problems:
                self._problem(pointer, problem.message)
            return
        for document in documents:
            inner = _Reader(document)
            inner.plugin(document.value, ())
            # What is written inline has no place of its own: its lines count from the block's beginning.
            for reference in inner.references:
                self._refer(reference.path, pointer, reference.use)
            for problem in inner.problems:
                self._problem(pointer, problem.message)

    def _generator(self, value: Json, pointer: Pointer) -> None:
        for place, found in _items(value, "files", pointer):
            self._file(found, place)
        for place, found in _items(value, "literals", pointer):
            if not isinstance(found, str) or found.find("=") < 1:  # without quoting it: it may be a Secret's
                self._problem(place, "write key=value")
        for place, found in (*_items(value, "envs", pointer), *_values(value, "env", pointer)):
            if found != "":
                self._refer(found, place, Use.VARIABLES)

    def _file(self, entry: Json, pointer: Pointer) -> None:
        """Read `path` or `key=path`; kustomize takes no other = in either."""
        key, equals, path = entry.partition("=") if isinstance(entry, str) else ("", "", entry)
        if equals and (not key or not path or "=" in str(path)):
            self._problem(pointer, "write a path, or key=path; neither may be empty, or have a = in it")
        else:
            self._refer(path if equals else entry, pointer, Use.FILE)

    def _patch(self, entry: Json, pointer: Pointer) -> None:
        """Read a patch: a mapping that may name a file or hold one, or text that is one, or names one."""
        if isinstance(entry, dict):
            self._path(entry, pointer, Use.MANIFEST)
            for place, found in _values(entry, "patch", pointer):
                self._text(found, place)
        elif isinstance(entry, str) and _inline(entry):
            self._text(entry, pointer)
        else:
            self._refer(entry, pointer, Use.MANIFEST)

    def _text(self, text: Json, pointer: Pointer) -> None:
        """Refuse YAML inside a text whose aliases make it grow: kustomize writes them out."""
        if isinstance(text, str) and "&" in text and "*" in text:
            try:
                parse(text.encode(), self._document.path)
            except InvalidInput as error:
                for problem in error.problems:
                    self._problem(pointer, problem.message)

    def _path(self, value: Json, pointer: Pointer, use: Use) -> None:
        for place, found in _values(value, "path", pointer):
            if found != "":
                self._refer(found, place, use)

    def _refer(self, path: Json, pointer: Pointer, use: Use) -> None:
        if path is None:
            return
        if isinstance(path, str):
            self.references.append(Reference(path, use, self._document.locate(*pointer)))
        else:
            self._problem(pointer, "this must be a path: put it in quotes")

    def _problem(self, pointer: Pointer, message: str) -> None:
        self.problems.append(Problem(self._document.locate_key(*pointer), message))


def _functions(value: Json, pointer: Pointer) -> Iterator[Pointer]:
    """Find annotations that name a program to run."""
    for above, metadata in _values(value, "metadata", pointer):
        for place, found in _values(metadata, "annotations", above):
            if isinstance(found, dict) and any(name in found for name in _FUNCTIONS):
                yield place


def _inline(text: str) -> bool:
    """Whether an entry is YAML itself, not the path of a file."""
    return "\n" in text.strip() or ": " in text or text.lstrip().startswith(("{", "["))


def _values(value: Json, field: str, pointer: Pointer) -> Iterator[tuple[Pointer, Any]]:
    """Give what stands under every spelling of a key."""
    if isinstance(value, dict):
        for key, found in value.items():
            if key.casefold() == field.casefold() and found is not None:
                yield (*pointer, key), found


def _items(value: Json, field: str, pointer: Pointer) -> Iterator[tuple[Pointer, Any]]:
    """Give the entries of the lists there."""
    for place, found in _values(value, field, pointer):
        if isinstance(found, list):
            yield from (((*place, index), item) for index, item in enumerate(found))
