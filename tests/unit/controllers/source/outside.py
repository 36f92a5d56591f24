"""What a hostile repository would like to reach: things that are there, and that remember who came."""

from __future__ import annotations

import http.server
import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CANARY = "canary-5d41402abc4b"


class Outside:
    """A file, a program, an environment variable and a server, all outside the repository."""

    def __init__(self, folder: Path, port: int) -> None:
        self.secret = folder / "secret.yaml"
        self.secret.write_text(f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {CANARY}}}\n")
        self.schema = folder / "schema.json"
        self.schema.write_text(json.dumps({"const": CANARY}))
        self.ran = folder / "ran"
        self.program = folder / "program.sh"
        self.program.write_text(f"#!/bin/sh\ntouch {self.ran}\n")
        self.program.chmod(0o755)
        self.url = f"http://127.0.0.1:{port}"
        self.asked: list[str] = []
        self._there = self._listed()

    def check(self, said: str) -> None:
        """Nobody came, nothing was written or told."""
        assert self.asked == []
        assert self._listed() == self._there
        assert CANARY not in said
        assert os.environ["CANARY"] == CANARY

    def _listed(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in self.secret.parent.iterdir()}


@contextmanager
def served(folder: Path) -> Iterator[Outside]:
    """Lay it all out in `folder`, and serve."""
    folder.mkdir()
    made: list[Outside] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            made[0].asked.append(self.path)
            self.send_error(404)

        def log_message(self, *_arguments: object) -> None:
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        made.append(Outside(folder, server.server_port))
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield made[0]
        server.shutdown()
        thread.join()
