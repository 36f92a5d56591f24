"""The shop's repository: a copy of example-repo/ that the scenes commit to, as a person would."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from demo.unexpected import Unexpected

_HERE = Path(__file__).parent
# An installed package has them inside, a work tree beside it.
_SOURCES = _HERE if (_HERE / "example-repo").is_dir() else _HERE.parent
_AUTHOR = {"user.name": "Ada Baker", "user.email": "ada@shop.example", "commit.gpgSign": "false"}
# Nobody's own hooks, templates or signing keys: the demonstration is the same for everybody.
_PLAIN = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "GIT_TERMINAL_PROMPT": "0"}


class Shop:
    """A work tree on branch `main`, made in `folder` with one commit."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "shop"
        shutil.copytree(_SOURCES / "example-repo", self.folder)
        # The files name their schemas by a path beside the repository; editors follow it here too.
        (folder / "schemas").mkdir()
        for schema in (_SOURCES / "schemas").glob("*.schema.json"):
            shutil.copy(schema, folder / "schemas")
        self.git("init", "--quiet", "--initial-branch=main")
        for name, value in _AUTHOR.items():
            self.git("config", name, value)

    def git(self, *arguments: str) -> str:
        """Run Git in the repository and return what it says. Raises Unexpected with its words."""
        argv = ["git", *arguments]
        try:
            done = subprocess.run(  # noqa: S603 - fixed words and our own paths, no shell
                argv, cwd=self.folder, env=os.environ | _PLAIN, capture_output=True, text=True, check=False
            )
        except FileNotFoundError:
            raise Unexpected("the demonstration needs git on the PATH") from None
        if done.returncode:
            raise Unexpected(f"{' '.join(argv)}: {done.stderr.strip()}")
        return done.stdout.strip()

    def commit(self, subject: str) -> str:
        """Commit everything there is to commit; return the commit."""
        self.git("add", "--all")
        self.git("commit", "--quiet", f"--message={subject}")
        return self.head

    def replace(self, path: str, old: str, new: str) -> None:
        """Edit a file. Raises Unexpected when `old` is not in it exactly once."""
        file = self.folder / path
        text = file.read_text(encoding="utf-8")
        if text.count(old) != 1:
            raise Unexpected(f"{path} holds {old!r} {text.count(old)} times, not once")
        file.write_text(text.replace(old, new), encoding="utf-8")

    @property
    def head(self) -> str:
        """The branch's newest commit."""
        return self.git("rev-parse", "main")

    def tree(self, revision: str) -> str:
        """The identity of everything in a commit."""
        return self.git("rev-parse", f"{revision}^{{tree}}")

    def trailers(self, revision: str) -> dict[str, str]:
        """A commit's trailers."""
        lines = self.git("log", "-1", "--format=%(trailers:only,unfold)", revision).splitlines()
        return dict(line.split(": ", 1) for line in lines if ": " in line)
