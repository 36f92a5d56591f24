"""The documents of an application at a revision: its files', or what its renderer makes of them."""

from __future__ import annotations

from functools import partial
from itertools import chain

from controllers.adapters.renderers import Decryptor, Files, Helm, Kustomize, Sandbox, Sops
from controllers.cache import DiskCache
from controllers.recent import Recent
from controllers.source.attempts import Attempts
from controllers.source.charts import Charts
from controllers.source.helm import ChartRenders
from controllers.source.inputs import RevisionTree, names_of, read_inputs
from controllers.source.outputs import Outputs
from controllers.source.parsed import ParsedFiles
from controllers.source.seals import Seals, decrypted, laid_out
from gitops.dialect import Document
from gitops.errors import InvalidInput, Location, Problem, TerminalError, ToolMissing
from gitops.model.catalog import ApplicationSource, SourceFile
from gitops.model.folders import KUSTOMIZATION_FILES, RendererName
from gitops.objects import digest
from gitops.redact import Redactor
from gitops.render import parse_file, parse_files
from gitops.render.encrypted import first_encrypted, unread
from gitops.render.helm.inputs import follow_chart
from gitops.render.helm.values import Destination
from gitops.render.kustomization import read as read_references
from gitops.render.references import Reading, Use
from gitops.render.secrecy import MOST_LOOKED_AT, secret_texts
from gitops.render.sources import Closure, follow

_READINGS_KEPT = 10_000


class Renders:
    """Renders applications; what was rendered, parsed or followed is remembered by its blobs. For any thread.

    What a tool printed is remembered by what it read and the tool's version, whatever revision asked, until
    newer output takes its room; on disk too, unless it holds a Secret; that it failed, for ten minutes.
    Variables and patches come later: one output serves all targets; but a chart gets values with variables,
    so one output serves the targets whose values are the same.
    """

    def __init__(
        self,
        kustomize: Kustomize | None = None,
        cache: DiskCache | None = None,
        decryptor: Decryptor | None = None,
        helm: Helm | None = None,
        charts: Charts | None = None,
    ) -> None:
        """Without a `decryptor`, encrypted files are read with the key that the environment names.

        `charts` are those of registries; without it there are none.
        """
        self._decryptor = decryptor or Sops.of_environment()
        sandbox = Sandbox()
        self._kustomize = kustomize or Kustomize(sandbox)
        self._parsed = ParsedFiles(parse=self._parse)
        self._seals = Seals()
        self._printed = ParsedFiles(parse=self._seals.parse)
        self._attempts = Attempts()
        self._outputs = Outputs(cache, self._attempts)
        self._charts = ChartRenders(helm or Helm(sandbox), self._outputs, charts or Charts(), self._decryptor)
        self._readings = Recent[tuple[Use, SourceFile], Reading](_READINGS_KEPT)

    def stop(self) -> None:
        """End the tools that run: whoever waits for one, now or later, gets a TransientError."""
        self._kustomize.stop()
        self._charts.stop()
        self._decryptor.stop()

    def closure(self, tree: RevisionTree, application: ApplicationSource) -> Closure:
        """Find everything that the application's renderer reads. Raises nothing for what people wrote."""
        if application.renderer is RendererName.HELM:
            return follow_chart(application, tree)
        return follow(application.path, tree, partial(self._reading, tree))

    def documents(
        self, tree: RevisionTree, application: ApplicationSource, destination: Destination | None = None
    ) -> tuple[Document, ...]:
        """Give the application's documents. Raises InvalidInput with every problem of its files.

        Only a chart's depend on the `destination`, and cannot be had without.
        """
        if application.renderer is RendererName.HELM:
            if destination is None:
                raise ValueError(f"{application.path} is a chart: its documents differ from target to target")
            return self._charts.documents(tree, application, destination)
        if application.renderer is RendererName.KUSTOMIZE:
            return self._kustomized(tree, application)
        return self._parsed_files(tree, application.files)

    def _parse(self, path: str, data: bytes) -> tuple[Document, ...]:
        written = parse_file(path, data)
        if first_encrypted(written) is None:
            return written
        identity = digest({"sops": path, "text": data.decode()})
        return self._attempts.run(identity, partial(self._decryptor.documents, path, data, written))

    def _parsed_files(self, tree: RevisionTree, files: tuple[SourceFile, ...]) -> tuple[Document, ...]:
        return parse_files(files, lambda file: self._parsed.get(file, partial(tree.read, file.path)))

    def _kustomized(self, tree: RevisionTree, application: ApplicationSource) -> tuple[Document, ...]:
        closure = self.closure(tree, application)
        if closure.problems:
            raise InvalidInput(*closure.problems)
        marks = {f"{application.path}/{name}" for name in KUSTOMIZATION_FILES}
        asked = next((file.path for file in closure.files if file.path in marks), application.path)
        try:
            version = self._kustomize.version()
        except TerminalError as error:
            raise ToolMissing(Problem(Location(asked), str(error))) from None
        identity = digest(
            {
                "tool": ["kustomize", version],
                "folder": application.path,
                "files": names_of(closure.files),
                "links": [[link.path, link.target] for link in closure.links],
            }
        )
        run = partial(self._run_kustomize, tree, closure, application.path, Location(asked))
        return self._outputs.documents(SourceFile(asked, identity), self._printed, run)

    def _run_kustomize(self, tree: RevisionTree, closure: Closure, folder: str, asked: Location) -> bytes:
        documents = self._manifests(tree, closure)  # refuses what a parser should not be trusted with
        contents = read_inputs(tree, closure.files, asked)
        others = {path: data for path, data in contents.items() if path not in documents}
        if problems := unread(others):
            raise InvalidInput(*problems)
        links = {link.path: link.target for link in closure.links}
        files = Files(laid_out(contents, documents), links, secret=decrypted(documents))

        def redactor() -> Redactor | None:
            if sum(map(len, contents.values())) > MOST_LOOKED_AT:
                return None
            return Redactor(secret_texts(chain.from_iterable(documents.values()), others))

        output = self._kustomize.build(folder, asked, files, redactor)
        return self._seals.noted(output, asked.path, documents)

    def _manifests(self, tree: RevisionTree, closure: Closure) -> dict[str, tuple[Document, ...]]:
        found: dict[str, tuple[Document, ...]] = {}

        def parsed(file: SourceFile) -> tuple[Document, ...]:
            found[file.path] = self._parsed.get(file, partial(tree.read, file.path))
            return found[file.path]

        parse_files((file for file in closure.files if file.path in closure.manifests), parsed)
        return found

    def _reading(self, tree: RevisionTree, use: Use, file: SourceFile) -> Reading:
        if use not in (Use.KUSTOMIZATION, Use.PLUGIN, Use.VARIABLES):
            return Reading()
        known = self._readings.get((use, file))
        if known is None:
            known = read_references(use, file.path, tree.read(file.path))
            self._readings.keep((use, file), known)
        return known
