"""Where a tool is: beside our own Python first, as an extra of ours installs it, then on the PATH."""

from __future__ import annotations

import os
import shutil
import sysconfig
import threading
from collections.abc import Callable, Iterable
from pathlib import Path

from gitops.errors import TerminalError


def search_path() -> str:
    """The folders that are searched, in order."""
    return os.pathsep.join((sysconfig.get_path("scripts"), os.environ.get("PATH", os.defpath)))


def find(names: Iterable[str], path: str) -> Path | None:
    """The first of `names` that `path` has; an earlier folder counts more than an earlier name."""
    for folder in path.split(os.pathsep):
        # A relative folder would mean another place for the tool, which starts elsewhere.
        if not os.path.isabs(folder):  # noqa: PTH117 - PATH holds texts
            continue
        for name in names:
            if found := shutil.which(name, path=folder):
                return Path(found)
    return None


class Tool:
    """A tool that is looked for when it is needed, and asked for its version once. For any thread.

    One that is replaced or installed while we run is another tool: what it prints may be something else.
    """

    def __init__(
        self, names: Iterable[str], search: str | None, missing: str, ask: Callable[[Path], str]
    ) -> None:
        """`search` is a PATH, by default ours; `missing` says what to do; `ask` gives the version."""
        self._names = tuple(names)
        self._search = search
        self._missing = missing
        self._ask = ask
        self._lock = threading.Lock()
        self._found: tuple[Path, object, str] | None = None

    def found(self) -> tuple[Path, str]:
        """Give the program and its version. Raises TerminalError where there is none."""
        with self._lock:
            if self._found is None or _identity(self._found[0]) != self._found[1]:
                executable = find(self._names, self._search or search_path())
                if executable is None:
                    raise TerminalError(self._missing)
                self._found = executable, _identity(executable), self._ask(executable)
            executable, _, version = self._found
            return executable, version


def _identity(executable: Path) -> object:
    """Tell a file from the one that was in its place before."""
    try:
        state = executable.stat()
    except OSError:
        return None
    return state.st_dev, state.st_ino, state.st_size, state.st_mtime_ns
