"""`helm template` of a chart, by Helm 3.8 or later, or Helm 4."""

from __future__ import annotations

import gzip
import io
import re
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from controllers.adapters.renderers import executables
from controllers.adapters.renderers.sandbox import Files, Sandbox, ToolFailed
from gitops.errors import TerminalError
from gitops.model.helm import HelmHooks
from gitops.objects import canonical_json
from gitops.render.helm.values import Release, merged

MISSING = "helm is not on the PATH where the controller runs: put Helm 4, or Helm 3.8 or later, there"
_OLDEST = (3, 8)
_VERSION = re.compile(r"v(\d+)\.(\d+)(?:\.\d+)?[-+.\w]*")
_CHART = "chart"
# Helm leaves such an object out and goes on.
_UNKNOWN_HOOK = re.compile(rb"skipping unknown hook.*")


class Helm:
    """Renders charts in a sandbox. For any thread."""

    def __init__(self, sandbox: Sandbox | None = None, *, search: str | None = None) -> None:
        """`search` is a PATH to look for the tool in."""
        self._sandbox = sandbox or Sandbox()
        self._tool = executables.Tool(("helm",), search, MISSING, self._ask)

    def version(self) -> str:
        """The version that is used. Raises TerminalError where there is none."""
        return self._tool.found()[1]

    def stop(self) -> None:
        """End templates that run, and refuse further ones."""
        self._sandbox.stop()

    def template(
        self, release: Release, chart: Mapping[str, bytes], archives: Iterable[str] | None = ()
    ) -> bytes:
        """Give what Helm prints for a chart, whose files are by path in it. Raises ToolFailed.

        `archives` names those that some of the files were unpacked from, and is None where all were from one:
        Helm gets these packed, because what it reads in an archive is not what it reads in a folder (a
        `.helmignore` holds for folders only).

        The tool's home is empty and private: no plugins, no repositories, no configuration. Nothing of what
        people wrote is a word of its own on the command line. Values come through a pipe, and to no disk.
        """
        if archives is None:
            place, contents = f"{_CHART}.tgz", {f"{_CHART}.tgz": _archive(chart)}
        else:
            place, contents = _CHART, {f"{_CHART}/{path}": data for path, data in _repacked(chart, archives)}
        arguments = (
            *("template", release.name, f"./{place}", f"--namespace={release.namespace}"),
            *("--include-crds", f"--kube-version={release.kubernetes_version}"),
            *(f"--api-versions={one}" for one in release.api_versions),
            "--values=-",
        )
        return self._sandbox.run(
            self._tool.found()[0],
            arguments,
            Files(contents),
            stdin=canonical_json(merged(release.values)),
            fatal=_UNKNOWN_HOOK if release.hooks is HelmHooks.REFUSE else None,
        )

    def _ask(self, executable: Path) -> str:
        try:
            answer = self._sandbox.run(executable, ("version", "--short"), Files({})).decode(errors="replace")
        except ToolFailed as failed:
            raise TerminalError(f"{executable} does not work: {failed}") from None
        version = _VERSION.search(answer)
        if version is None:
            raise TerminalError(f"{executable} does not say which version it is")
        if (int(version[1]), int(version[2])) < _OLDEST:
            raise TerminalError(f"{executable} is Helm {version[0]}: {MISSING}")
        return version[0]


def _repacked(chart: Mapping[str, bytes], archives: Iterable[str]) -> Iterator[tuple[str, bytes]]:
    """Give the files of a chart, those from archives as archives: equal ones for equal files."""
    packed: set[str] = set()
    for archive in archives:
        folder = f"{archive.removesuffix('.tgz')}/"
        files = {path: data for path, data in chart.items() if path.startswith(folder)}
        packed |= files.keys()
        yield archive, _archive({path.removeprefix(folder): data for path, data in files.items()})
    yield from ((path, data) for path, data in chart.items() if path not in packed)


def _archive(files: Mapping[str, bytes]) -> bytes:
    """Pack one chart."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as tar:
        for path, data in files.items():
            entry = tarfile.TarInfo(f"{_CHART}/{path}")
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return gzip.compress(raw.getvalue(), compresslevel=1, mtime=0)
