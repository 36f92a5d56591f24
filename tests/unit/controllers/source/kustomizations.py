"""Kustomizations in a Git repository, and kustomize itself run in a folder, to compare with."""

from __future__ import annotations

import shutil
import subprocess
import sysconfig
from pathlib import Path

from controllers.adapters.git import Mirror, Remote, TreeView
from gitops.model.catalog import ApplicationSource
from gitops.model.folders import RendererName
from tests.unit.controllers.adapters.git.conftest import Work, make_work

CASES = Path(__file__).parents[3] / "cases" / "kustomize"
NAMES = sorted(case.name for case in CASES.iterdir())
KUBECTL = Path(sysconfig.get_path("scripts")) / "kubectl"


def real_tool(folder: Path) -> bytes:
    """What `kubectl kustomize` makes of a folder on disk."""
    done = subprocess.run([KUBECTL, "kustomize", folder], capture_output=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def kustomized(path: str) -> ApplicationSource:
    """The application in a folder."""
    return ApplicationSource("shop", "web", path, (), renderer=RendererName.KUSTOMIZE)


class Kustomizations:
    """A repository that people push kustomizations to, and a mirror of it."""

    def __init__(self, folder: Path) -> None:
        self.people: Work = make_work(folder / "people")
        self.people.commit({"README": "kustomizations\n"}, "Begin")
        self.mirror = Mirror.open(folder / "mirror", Remote(str(self.people.path)))
        self.mirror.fetch()

    def take_cases(self) -> TreeView:
        """Commit the whole corpus below `cases/`, symlinks as symlinks."""
        shutil.copytree(CASES, self.people.path / "cases", symlinks=True)
        return self.commit({})

    def commit(self, files: dict[str, str | bytes | None]) -> TreeView:
        """Commit; the tree of the commit."""
        revision = self.people.commit(files, "Change")
        self.mirror.fetch()
        return self.mirror.tree(revision)
