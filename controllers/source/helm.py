"""Documents of charts: what Helm makes of them for one target, as kept, or as it makes it now."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

from controllers.adapters.renderers import Decryptor, Helm
from controllers.adapters.renderers.sandbox import ToolFailed
from controllers.source.attempts import Attempts
from controllers.source.charts import Charts
from controllers.source.inputs import RevisionTree, names_of, read_inputs
from controllers.source.outputs import Outputs
from controllers.source.parsed import ParsedFiles
from controllers.source.prepared import PreparedChart, PreparedCharts
from controllers.source.seals import Seals
from gitops.dialect import Document
from gitops.errors import InvalidInput, Location, Problem, TerminalError, ToolMissing
from gitops.model.catalog import ApplicationSource, ChartSource, SourceFile
from gitops.model.folders import CHART_FILE
from gitops.objects import digest
from gitops.redact import Redactor
from gitops.render.encrypted import has_encrypted_values
from gitops.render.helm.complaints import Complaint, complaint
from gitops.render.helm.files import ChartFiles
from gitops.render.helm.inputs import follow_chart, settings_of
from gitops.render.helm.releases import applicable, parse_release, relocated
from gitops.render.helm.repeatable import differences
from gitops.render.helm.sealed import Sealed
from gitops.render.helm.templates import CLOCK_FUNCTIONS, unbarred
from gitops.render.helm.values import Destination, Release, parse_values, release
from gitops.render.references import is_within
from gitops.render.secrecy import chart_texts, shown

# What a chart computes from the clock counts whole seconds.
_TICK_SECONDS = 1.1


class _Exhausted(InvalidInput):
    """A render met a limit on time, memory or output."""


class ChartRenders:
    """Renders charts. For any thread.

    Where one target's render met a limit, the application's other targets are refused with it: a thousand
    renders that never end would take all day, and nothing else would be rendered meanwhile.
    """

    def __init__(self, helm: Helm, outputs: Outputs, registries: Charts, decryptor: Decryptor) -> None:
        self._helm = helm
        self._registries = registries
        self._outputs = outputs
        self._decryptor = decryptor
        self._values = ParsedFiles(parse=self._parse_values)
        self._attempts = Attempts()
        self._seals = Seals(parse_release)
        self._printed = ParsedFiles(parse=self._seals.parse)
        self._exhausted = Attempts()
        self._prepared = PreparedCharts()

    def stop(self) -> None:
        """End the templates that run: whoever waits for one, now or later, gets a TransientError."""
        self._helm.stop()

    def documents(
        self, tree: RevisionTree, application: ApplicationSource, destination: Destination
    ) -> tuple[Document, ...]:
        """Give what Helm makes for one target. Raises InvalidInput with every problem that was found."""
        chart = self._chart(tree, application)
        if chart.remote is not None:
            self._registries.registry(chart.remote, application.at("spec", "helm", "chart"))
        told = release(application, chart, destination, partial(self._values_of, tree))
        asked = Location(f"{chart.folder}/{CHART_FILE}")
        try:
            version = self._helm.version()
        except TerminalError as error:
            raise ToolMissing(Problem(asked, str(error))) from None
        identity = digest(
            {
                "tool": ["helm", version],
                "folder": chart.folder,
                "files": names_of(chart.files),
                "release": [told.name, told.namespace, told.kubernetes_version, list(told.api_versions)],
                "hooks": told.hooks.value,
                "values": list(told.values),
            }
        )
        output = SourceFile(asked.path, identity)
        run = partial(self._limited, application, chart, partial(self._run, tree, chart, told))
        try:
            documents = self._documents(output, run, told.sealed)
            return applicable(documents, settings_of(application).hooks)
        except InvalidInput as error:
            problems = told.sealed.redacted(error.problems)
            raise InvalidInput(*(_for(application, chart, problem) for problem in problems)) from None

    def _documents(
        self, output: SourceFile, run: Callable[[], bytes], sealed: Sealed
    ) -> tuple[Document, ...]:
        """Give what Helm makes. Raises InvalidInput, without a problem where it may be for want of a key."""
        try:
            return self._outputs.documents(output, self._printed, run, secret=bool(sealed))
        except InvalidInput:
            if sealed and self._decryptor.conceals:
                raise InvalidInput from None
            raise

    def _chart(self, tree: RevisionTree, application: ApplicationSource) -> ChartSource:
        if application.chart is not None:
            return application.chart
        closure = follow_chart(application, tree)
        if closure.problems or closure.chart is None:
            raise InvalidInput(*closure.problems)
        return closure.chart

    def _parse_values(self, path: str, data: bytes) -> tuple[Document, ...]:
        written = parse_values(path, data)
        if not has_encrypted_values(written):
            return written
        identity = digest({"values": path, "text": data.decode()})
        decrypt = partial(self._decryptor.values, path, data, written)
        plain = self._attempts.run(identity, decrypt)
        if len(plain) != 1:
            raise InvalidInput(Problem(Location(path), "cannot be decrypted: it holds no values then"))
        return (*plain, *written)

    def _values_of(self, tree: RevisionTree, file: SourceFile) -> tuple[Document, ...]:
        return self._values.get(file, partial(tree.read, file.path))

    def _contents(self, tree: RevisionTree, chart: ChartSource) -> Mapping[str, bytes]:
        """Give the chart's files by their paths in it. Raises InvalidInput, TransientError or Denied."""
        if chart.remote is not None:
            return self._registries.files(chart.remote, Location(chart.folder))
        contents = read_inputs(tree, chart.files, Location(f"{chart.folder}/{CHART_FILE}"))
        return {path.removeprefix(f"{chart.folder}/"): data for path, data in contents.items()}

    def _limited(self, application: ApplicationSource, chart: ChartSource, run: Callable[[], bytes]) -> bytes:
        inputs = _shared_inputs(application, chart)
        self._exhausted.raise_again(inputs)
        try:
            return run()
        except _Exhausted as error:
            self._exhausted.remember(inputs, error)
            raise

    def _run(self, tree: RevisionTree, chart: ChartSource, told: Release) -> bytes:
        key = digest({"folder": chart.folder, "files": names_of(chart.files)})
        prepared = self._prepared.get(key, partial(self._files, tree, chart))
        printed = self._printed_by(prepared.files, told, prepared.files.files)
        changing = prepared.changing | told.changing()
        if changing:
            self._repeat(prepared, told, changing, printed)
        return self._judged(printed, prepared.files.file_of(""), told.sealed) if told.sealed else printed

    def _judged(self, printed: bytes, place: str, sealed: Sealed) -> bytes:
        """Note which Secrets stand encrypted. Raises InvalidInput where what does is shown elsewhere."""
        documents = parse_release(place, printed)
        if not self._decryptor.conceals:
            sealed.refuse_shown(documents)
        elif sealed.names_anything(documents):
            raise InvalidInput  # without the key, nobody knows what these objects are
        return self._seals.marked(printed, sealed.secrets(documents))

    def _files(self, tree: RevisionTree, chart: ChartSource) -> ChartFiles:
        return ChartFiles(chart.folder, self._contents(tree, chart), packed=chart.remote is not None)

    def _printed_by(self, files: ChartFiles, told: Release, contents: Mapping[str, bytes]) -> bytes:
        try:
            printed = self._helm.template(told, contents, files.archives)
        except ToolFailed as failed:
            problem = _problem(failed, files, partial(_redactor, files.files, told))
            raise (_Exhausted if failed.exhausted else InvalidInput)(problem) from None
        return relocated(printed, files.file_of)

    def _repeat(
        self, prepared: PreparedChart, told: Release, changing: frozenset[str], printed: bytes
    ) -> None:
        """Render once more, at another time. Raises InvalidInput where something else comes of it."""
        if changing & CLOCK_FUNCTIONS:
            time.sleep(_TICK_SECONDS)
        try:
            again = self._printed_by(prepared.files, told, prepared.at_another_time)
        except InvalidInput as error:
            raise InvalidInput(*map(_years_ago, error.problems)) from None
        if again != printed:
            place = prepared.files.file_of("")
            found = differences(parse_release(place, printed), parse_release(place, again), changing)
            if found:
                raise InvalidInput(*found)


def _years_ago(problem: Problem) -> Problem:
    message = f"{problem.message}, when it is rendered as if years ago: the time must make no difference"
    return replace(problem, message=message)


def _shared_inputs(application: ApplicationSource, chart: ChartSource) -> str:
    """Name what all targets of the application have in common, but for variables."""
    files = (*chart.files, *chart.values, *(file for one in chart.overrides for file in one))
    return digest(
        {
            "application": application.path,
            "files": names_of(files),
            "settings": settings_of(application).model_dump(mode="json"),
        }
    )


def _for(application: ApplicationSource, chart: ChartSource, problem: Problem) -> Problem:
    """Say for whom, where several applications may use the chart."""
    if chart.remote is not None and problem.location.path == chart.folder:
        return Problem(application.at("spec", "helm", "chart"), problem.message)
    if is_within(problem.location.path, application.path):
        return problem
    return Problem(problem.location, f"{problem.message} (for {application.path})")


def _redactor(files: Mapping[str, bytes], told: Release) -> Redactor | None:
    texts = chart_texts(files, told.values)
    return None if texts is None else Redactor(texts)


def _problem(failed: ToolFailed, files: ChartFiles, redactor: Callable[[], Redactor | None]) -> Problem:
    """What went wrong, where, in one line."""
    found = complaint(str(failed), files.known)
    text = found.text if failed.exhausted else shown(found.text, redactor())
    return Problem(_place(found, files), f"helm: {text}")


def _place(found: Complaint, files: ChartFiles) -> Location:
    """Where Helm found fault, in the repository."""
    path = files.file_of(found.template)
    if not found.line:
        return Location(path)
    if path.endswith(".tgz"):
        return Location(path, inside=found.template)
    if found.column < 0:
        return Location(path, found.line)
    line = files.line(found.template, found.line).encode(errors="surrogateescape")
    before = line[: found.column].decode(errors="replace")
    return Location(path, found.line, len(unbarred(before)) + 1)
