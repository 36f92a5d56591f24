"""`kustomize build` of a folder, by kustomize itself or by the one inside kubectl."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

from controllers.adapters.renderers import executables
from controllers.adapters.renderers.sandbox import Files, Sandbox, ToolFailed
from gitops.errors import InvalidInput, Location, Problem, TerminalError
from gitops.redact import Redactor
from gitops.render.secrecy import shown

MISSING = (
    "neither kustomize nor kubectl is installed where the controller runs: install gitops-waves[kustomize], "
    "or put one of them on the PATH"
)
Redaction = Callable[[], Redactor | None]
"""Makes a redactor once there is something to redact; None where it would cost too much."""

_NAMES = ("kustomize", "kubectl")
_VERSION = re.compile(r"v\d+\.\d+\.\d+[-+.\w]*")


class Kustomize:
    """Builds kustomizations in a sandbox. For any thread."""

    def __init__(self, sandbox: Sandbox | None = None, *, search: str | None = None) -> None:
        """`search` is a PATH to look for the tool in."""
        self._sandbox = sandbox or Sandbox()
        self._tool = executables.Tool(_NAMES, search, MISSING, self._ask)

    def version(self) -> str:
        """The version of kustomize that is used. Raises TerminalError where there is none."""
        return self._tool.found()[1]

    def stop(self) -> None:
        """End builds that run, and refuse further ones."""
        self._sandbox.stop()

    def build(self, folder: str, asked: Location, files: Files, redactor: Redaction) -> bytes:
        """Give the manifests that the kustomization in `folder`, a path in `files`, makes.

        Raises InvalidInput at `asked`, with the tool's own words less what the redactor knows; without them
        where there is none.
        """
        executable, _ = self._tool.found()
        command = "build" if executable.stem == "kustomize" else "kustomize"
        arguments = (command, f"./{folder}", "--load-restrictor", "LoadRestrictionsRootOnly")
        try:
            return self._sandbox.run(executable, arguments, files)
        except ToolFailed as failed:
            raise InvalidInput(Problem(asked, f"kustomize: {_text(failed, redactor)}")) from None

    def _ask(self, executable: Path) -> str:
        kubectl = executable.stem != "kustomize"
        arguments = ("version", "--client", "--output=json") if kubectl else ("version",)
        try:
            answer = self._sandbox.run(executable, arguments, Files({})).decode(errors="replace")
        except ToolFailed as failed:
            raise TerminalError(f"{executable} does not work: {failed}") from None
        version = _VERSION.search(_kustomize_version(answer) if kubectl else answer)
        if version is None:
            raise TerminalError(f"{executable} does not say which version of kustomize it is")
        return version[0]


def _kustomize_version(answer: str) -> str:
    try:
        found = json.loads(answer)
    except ValueError:
        return ""
    return str(found.get("kustomizeVersion", "")) if isinstance(found, dict) else ""


def _text(failed: ToolFailed, redactor: Redaction) -> str:
    """What went wrong, as one line: warnings and Go's traces are left out."""
    if failed.exhausted:
        return str(failed)
    lines = [line.strip() for line in str(failed).splitlines()]
    telling = [line for line in lines if line and not line.startswith(("# Warning", "goroutine "))]
    return shown(" ".join(telling).removeprefix("error: ").removeprefix("Error: "), redactor())
