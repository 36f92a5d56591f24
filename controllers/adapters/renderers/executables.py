"""Where a tool is: beside our own Python first, as an extra of ours installs it, then on the PATH."""

from __future__ import annotations

import os
import shutil
import sysconfig
from collections.abc import Iterable
from pathlib import Path


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
