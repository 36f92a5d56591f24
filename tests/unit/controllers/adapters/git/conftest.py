"""Repositories to follow, and servers for them."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from controllers.adapters.git import Mirror, Remote
from tests.commits import write
from tests.unit.controllers.adapters.git.git_servers import HttpGit, find_sshd, http_git

_ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "HOME": "/nonexistent",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.com",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.com",
}


@dataclass
class Work:
    """A repository that people work in, driven by Git itself."""

    path: Path

    def git(self, *arguments: str) -> str:
        """Run Git here; what it printed, or a failure with what it complained about."""
        done = subprocess.run(
            ["git", "-C", str(self.path), *arguments],
            env=_ENVIRONMENT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def commit(self, files: dict[str, str | bytes | None], message: str = "change") -> str:
        """Write (or with None remove) files, commit, return the commit."""
        write(self.path, files)
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD")

    def head(self, ref: str = "main") -> str:
        """Name the commit of a branch."""
        return self.git("rev-parse", ref)

    def show(self, revision: str, path: str) -> str:
        """Read a file of a revision."""
        return self.git("show", f"{revision}:{path}")


def make_work(path: Path, *, bare: bool = False) -> Work:
    path.mkdir(parents=True)
    work = Work(path)
    work.git("init", "-q", "-b", "main", *(["--bare"] if bare else []))
    return work


@pytest.fixture
def work(tmp_path: Path) -> Work:
    """A repository with one commit on main."""
    made = make_work(tmp_path / "work")
    made.commit(
        {"apps/shop/web.yaml": "kind: Web\n", "apps/shop/db.yaml": "kind: Db\n", "README": "hello\n"}, "first"
    )
    return made


@pytest.fixture
def hub(tmp_path: Path, work: Work) -> Work:
    """A bare repository as a forge has it; `work` pushes to it as `origin`."""
    made = make_work(tmp_path / "served" / "hub.git", bare=True)
    work.git("remote", "add", "origin", str(made.path))
    work.git("push", "-q", "origin", "main")
    return made


@pytest.fixture
def server(hub: Work) -> Iterator[HttpGit]:
    """The hub over HTTP, without a password."""
    with http_git(hub.path.parent) as running:
        yield running


@pytest.fixture
def open_mirror(tmp_path: Path) -> Callable[..., Mirror]:
    """Open a mirror of an address: `open_mirror(url, name="mirror", **remote)`."""

    def make(url: str | Path, name: str = "mirror", audit: Remote | None = None, **remote: object) -> Mirror:
        return Mirror.open(tmp_path / name, Remote(str(url), **remote), audit)  # type: ignore[arg-type]

    return make


@pytest.fixture
def sshd() -> None:
    """Skip where OpenSSH's server is missing; in CI that is a failure."""
    if find_sshd() is None:
        reason = "sshd is not installed (package openssh-server)"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
