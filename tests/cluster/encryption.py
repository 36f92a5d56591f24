"""The real sops and age, a key, and what people do with them."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tests import tools

VALUES_ONLY = ("--encrypted-regex", "^(data|stringData)$")


class Kit:
    """A key in `folder`, and files encrypted for it."""

    def __init__(self, folder: Path) -> None:
        """Skip the test where the tools cannot be had; in CI they can."""
        self.tools = tools.folder()
        self.folder = folder
        self.key = folder / "key.txt"
        self.recipient = self._run("age-keygen", "-o", str(self.key)).stderr.decode().split()[-1]

    def encrypted(self, text: str, *options: str, name: str = "secret.yaml") -> bytes:
        """Encrypt a file as people do."""
        place = self.folder / name
        place.write_text(text)
        done = self._run("sops", "encrypt", "--age", self.recipient, *options, str(place))
        place.unlink()
        return done.stdout

    def _run(self, tool: str, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        environment = {"HOME": str(self.folder), "PATH": os.environ["PATH"]}
        argv = [str(self.tools / tool), *arguments]
        return subprocess.run(argv, check=True, capture_output=True, env=environment, timeout=60)
