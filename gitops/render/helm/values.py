"""What a chart is rendered with on one target: values in their order, release, versions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

from gitops.dialect import Document
from gitops.errors import InvalidInput, Location, Problem, ToolMissing
from gitops.model.catalog import ApplicationSource, ChartSource, EnvironmentSource, SourceFile
from gitops.model.helm import LONGEST_RELEASE, HelmHooks
from gitops.model.kinds import Cluster
from gitops.model.reading import Locate
from gitops.model.targets import Target
from gitops.objects import Json, JsonObject
from gitops.pointers import Pointer
from gitops.render.encrypted import sealed_values
from gitops.render.growth import Growth, TooLarge, size_of
from gitops.render.helm.inputs import settings_of
from gitops.render.helm.sealed import Sealed, leaves
from gitops.render.helm.templates import CHANGING_FUNCTIONS, CLUSTER_FUNCTIONS, called
from gitops.render.plain import parse_file
from gitops.render.variables import substitute, target_variables

_MOST_VALUES = 8 << 20  # as `size_of` counts

ValuesOf = Callable[[SourceFile], tuple[Document, ...]]
"""Reads a file of values: its document, or none; after one that is decrypted, as it is written."""


@dataclass(frozen=True, slots=True)
class Destination:
    """Where an application is rendered for. `at` is where the cluster is written."""

    environment: EnvironmentSource
    target: Target
    cluster: Cluster
    at: Location


@dataclass(frozen=True, slots=True)
class Release:
    """What Helm is told beside the chart. Equal ones make the same of one chart, on whatever cluster.

    `sealed` are those of the values that stand encrypted in the repository.
    """

    name: str
    namespace: str
    kubernetes_version: str
    api_versions: tuple[str, ...]
    hooks: HelmHooks
    values: tuple[JsonObject, ...] = field(repr=False)
    sealed: Sealed = field(default=Sealed(), compare=False)

    def changing(self) -> frozenset[str]:
        """Name the functions in values that may answer otherwise the next time, when `tpl` executes them."""
        return frozenset(name for value in self.values for _, name in called(value, (), CHANGING_FUNCTIONS))


def parse_values(path: str, data: bytes) -> tuple[Document, ...]:
    """Read a file of values: one document, or none; one that is encrypted as it is written.

    Raises InvalidInput.
    """
    documents = parse_file(path, data)
    if len(documents) > 1:
        raise InvalidInput(Problem(documents[1].locate(), "a file of values is one document"))
    if documents and not isinstance(documents[0].value, dict):
        raise InvalidInput(Problem(documents[0].locate(), "values are a mapping of names to values"))
    return documents


def merged(values: Iterable[JsonObject]) -> JsonObject:
    """Give what Helm makes of files of values in this order: mappings are merged, all else is replaced."""
    whole: JsonObject = {}
    for value in values:
        whole = _merged(whole, value)
    return whole


def _merged(first: JsonObject, second: JsonObject) -> JsonObject:
    both = {
        key: _merged(first[key], value)
        for key, value in second.items()
        if isinstance(value, dict) and isinstance(first.get(key), dict)
    }
    return {**first, **second, **both}


def release(
    application: ApplicationSource, chart: ChartSource, destination: Destination, values_of: ValuesOf
) -> Release:
    """Put together what Helm is told for one target. Raises InvalidInput with every problem of the values."""
    version = destination.cluster.spec.kubernetes_version
    if version is None:
        message = (
            f"{application.path} is a chart, which may ask for the cluster's version: "
            "write spec.kubernetesVersion, such as 1.37.2"
        )
        raise InvalidInput(Problem(destination.at, message))
    name = settings_of(application).release_name or application.name
    if len(name) > LONGEST_RELEASE:
        message = f"Helm takes {LONGEST_RELEASE} characters as a release's name: write spec.helm.releaseName"
        raise InvalidInput(Problem(application.at("spec", "helm"), message))
    variables = target_variables(
        destination.environment, application, destination.target, destination.cluster
    )
    values = _Values(application, chart, destination.cluster, variables, values_of).all()
    return Release(
        name,
        destination.target.namespace,
        _full(version),
        tuple(sorted(set(destination.cluster.spec.api_versions))),
        settings_of(application).hooks,
        tuple(one.value for one in values),
        _sealed(values, (*variables.values(), name)),
    )


def _full(version: str) -> str:
    """Helm's own form: three numbers."""
    numbers = version.removeprefix("v").split(".")
    return ".".join([*numbers, "0"][:3])


class _Part(NamedTuple):
    """Values, where they are written, and for decrypted ones how."""

    value: JsonObject
    locate: Locate
    written: Json = None


class _Filled(NamedTuple):
    """Values with variables filled in, and what they were made of."""

    value: JsonObject
    part: _Part


def _sealed(values: Sequence[_Filled], others: Iterable[Json]) -> Sealed:
    """Give those that stand encrypted; `others` is what a chart is told besides, which everybody may see."""
    if all(part.written is None for _, part in values):
        return Sealed()
    found: list[tuple[Json, Callable[[], Location]]] = []
    shown: list[Json] = [*others]
    for filled, part in values:
        sealed: dict[Pointer, Json] = dict(sealed_values(part.written, filled))
        found += ((value, partial(part.locate, *pointer)) for pointer, value in sealed.items())
        shown += (value for pointer, value in leaves(filled) if pointer not in sealed)
    return Sealed.of(found, shown)


class _Values:
    """Fills variables into the values of one target, and collects what is wrong."""

    def __init__(
        self,
        application: ApplicationSource,
        chart: ChartSource,
        cluster: Cluster,
        variables: Mapping[str, str],
        values_of: ValuesOf,
    ) -> None:
        self._application = application
        self._chart = chart
        self._labels = cluster.metadata.labels
        self._values_of = values_of
        self._variables = variables
        self._growth = Growth()
        self._left = _MOST_VALUES
        self._problems: list[Problem] = []

    def all(self) -> tuple[_Filled, ...]:
        """Give the values in their order; a later one wins. Raises InvalidInput with every problem."""
        found = [one for part in self._parts() for one in self._filled(part)]
        if self._problems:
            raise InvalidInput(*self._problems)
        return tuple(found)

    def _parts(self) -> Iterator[_Part]:
        helm, at = settings_of(self._application), self._application.at
        yield from self._files(self._chart.values)
        yield _Part(helm.values, lambda *pointer: at("spec", "helm", "values", *pointer))
        for index, override in enumerate(helm.overrides):
            if override.cluster_selector.matches(self._labels):
                yield from self._files(self._chart.overrides[index])
                place = ("spec", "helm", "overrides", index, "values")
                yield _Part(override.values, lambda *pointer, place=place: at(*place, *pointer))

    def _files(self, files: tuple[SourceFile, ...]) -> Iterator[_Part]:
        for file in files:
            try:
                documents = self._values_of(file)
            except ToolMissing:
                raise
            except InvalidInput as error:
                self._problems += error.problems
                continue
            if documents and isinstance(documents[0].value, dict):
                written = documents[1].value if len(documents) > 1 else None
                yield _Part(documents[0].value, documents[-1].locate, written)

    def _filled(self, part: _Part) -> Iterator[_Filled]:
        value, locate, written = part
        if not value:
            return
        try:
            filled = substitute(value, self._variables, locate, self._growth, secret=written is not None)
            self._left -= size_of(filled)
        except InvalidInput as error:
            self._problems += error.problems
            return
        except TooLarge as error:
            self._problems.append(Problem(locate(), str(error).replace("the object", "the values")))
            return
        if self._left < 0:  # no more is read: it would take long
            message = f"the values of one target are larger than {_MOST_VALUES >> 20} MiB together"
            raise InvalidInput(*self._problems, Problem(locate(), message))
        for pointer, function in called(filled, (), CLUSTER_FUNCTIONS):
            message = (
                f"text that calls {function} is refused: a chart might execute it, and a render must not "
                "depend on the cluster"
            )
            self._problems.append(Problem(locate(*pointer), message))
        if isinstance(filled, dict):
            yield _Filled(filled, part)
