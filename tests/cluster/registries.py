"""Registries for tests: Debian's docker-registry, and a fake that can lie. Both are pushed to over HTTP."""

from __future__ import annotations

import base64
import gzip
import hashlib
import http.client
import io
import json
import os
import re
import shutil
import ssl
import subprocess
import sys
import tarfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Protocol, TypeVar
from urllib.parse import urlsplit

import pytest

from tests.cluster.rig.processes import ProcessGroup, free_port

USER, PASSWORD = "robot", "correct horse"
# bcrypt of PASSWORD, the only hash that docker-registry takes.
_HTPASSWD = f"{USER}:$2b$05$abcdefghijklmnopqrstuuHNbAKRhpaujgo33bRWs.NLUTJO3lOy2\n"
CONFIG_TYPE = "application/vnd.cncf.helm.config.v1+json"
CHART_TYPE = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"


def packed(name: str, files: Mapping[str, str]) -> bytes:
    """Pack a chart as `helm package` does."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for path, text in files.items():
            info = tarfile.TarInfo(f"{name}/{path}")
            info.size = len(text.encode())
            tar.addfile(info, io.BytesIO(text.encode()))
    return gzip.compress(buffer.getvalue(), mtime=0)


def sha256(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def manifest_of(archive: bytes, **changes: Any) -> bytes:
    """The manifest that `helm push` writes for a chart; `changes` replace its parts."""
    blob = {"mediaType": CHART_TYPE, "digest": sha256(archive), "size": len(archive)}
    config = {"mediaType": CONFIG_TYPE, "digest": sha256(b"{}"), "size": 2}
    return json.dumps({"schemaVersion": 2, "config": config, "layers": [blob], **changes}).encode()


class Running(Protocol):
    """A registry that runs."""

    host: str
    tls: ssl.SSLContext | None
    login: bool


def push(registry: Running, path: str, archive: bytes, manifest: bytes | None = None) -> str:
    """Push a chart; give its digest."""
    manifest = manifest or manifest_of(archive)
    for blob in (b"{}", archive):
        place = _ask(registry, "POST", f"/v2/{path}/blobs/uploads/").headers["Location"]
        parts = urlsplit(place)
        query = f"{parts.query}&" if parts.query else ""
        _ask(registry, "PUT", f"{parts.path}?{query}digest={sha256(blob)}", blob)
    _ask(registry, "PUT", f"/v2/{path}/manifests/{sha256(manifest)}", manifest)
    return sha256(manifest)


def _ask(registry: Running, method: str, target: str, body: bytes = b"") -> http.client.HTTPResponse:
    if registry.tls is not None:
        connection: http.client.HTTPConnection = http.client.HTTPSConnection(
            registry.host, context=registry.tls
        )
    else:
        connection = http.client.HTTPConnection(registry.host)
    headers = {"Content-Type": MANIFEST_TYPE if "/manifests/" in target else "application/octet-stream"}
    if registry.login:
        headers["Authorization"] = basic(USER, PASSWORD)
    with closing(connection):
        connection.request(method, target, body, headers)
        answer = connection.getresponse()
        said = answer.read()
        assert answer.status in {201, 202}, said
        return answer


def basic(username: str, password: str) -> str:
    return f"Basic {base64.b64encode(f'{username}:{password}'.encode()).decode()}"


class DockerRegistry:
    """Debian's docker-registry on a free port; what is pushed stays through `stop` and `start`."""

    def __init__(self, folder: Path, certificate: Path | None = None, *, login: bool = False) -> None:
        """`certificate` is a folder with tls.crt and tls.key. Skips the test where it is not installed."""
        found = shutil.which("docker-registry")
        if found is None:
            if os.environ.get("CI") == "true":
                raise FileNotFoundError("docker-registry is not installed")
            pytest.skip("docker-registry is not installed")
        self._executable = found
        self.host = f"127.0.0.1:{free_port()}"
        self.login = login
        self.tls = ssl.create_default_context(cafile=certificate / "tls.crt") if certificate else None
        self._config = folder / "registry.json"
        settings: dict[str, Any] = {
            "version": "0.1",
            "storage": {"filesystem": {"rootdirectory": str(folder / "blobs")}},
            "http": {"addr": self.host},
        }
        if certificate:
            settings["http"]["tls"] = {
                "certificate": str(certificate / "tls.crt"),
                "key": str(certificate / "tls.key"),
            }
        if login:
            (folder / "htpasswd").write_text(_HTPASSWD)
            settings["auth"] = {"htpasswd": {"realm": "charts", "path": str(folder / "htpasswd")}}
        self._config.write_text(json.dumps(settings))
        self._group: ProcessGroup | None = None
        self.start()

    def start(self) -> None:
        """Start, again after `stop`, on the same port."""
        self._group = ProcessGroup("registry")
        self._group.start("registry", [self._executable, "serve", self._config])
        self._group.wait_ready("registry", self._answers)

    def stop(self) -> None:
        """End it at once."""
        if self._group is not None:
            self._group.stop()
            self._group = None

    def _answers(self) -> bool:
        with suppress(OSError):
            if self.tls is None:
                connection = http.client.HTTPConnection(self.host, timeout=5)
            else:
                connection = http.client.HTTPSConnection(self.host, timeout=5, context=self.tls)
            connection.request("GET", "/v2/")
            status = connection.getresponse().status
            connection.close()
            return status in {200, 401}
        return False


@dataclass(frozen=True, slots=True)
class Seen:
    """A request that the fake got."""

    method: str
    target: str
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Answer:
    """What the fake says. A body in parts is sent without its length, for ever if they never end."""

    status: int = 200
    body: bytes | Iterator[bytes] = b""
    headers: Mapping[str, str] = field(default_factory=dict)


Lie = Callable[[Seen], Answer | None]


class _Server(ThreadingHTTPServer):
    """Says nothing of clients that hang up, which those of a fake that lies do."""

    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print anything else."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class FakeRegistry:
    """A registry in a thread. `lie` may answer in its place; `seen` are the requests so far."""

    def __init__(
        self, certificate: Path | None = None, *, login: bool = False, lie: Lie = lambda _: None
    ) -> None:
        """`certificate` is a folder with tls.crt and tls.key."""
        self.login = login
        self.tls = ssl.create_default_context(cafile=certificate / "tls.crt") if certificate else None
        self._certificate = certificate
        self.lie = lie
        self.seen: list[Seen] = []
        self.kept: dict[str, bytes] = {}
        self.host = f"127.0.0.1:{free_port()}"
        self._server: ThreadingHTTPServer | None = None
        self.start()

    def start(self) -> None:
        """Start, again after `stop`, on the same port."""
        name, _, port = self.host.partition(":")
        self._server = _Server((name, int(port)), _handler(self))
        if self._certificate is not None:
            tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            tls.load_cert_chain(self._certificate / "tls.crt", self._certificate / "tls.key")
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        """End it at once."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def answer(self, seen: Seen, body: bytes) -> Answer:
        """Behave as a registry does."""
        lie = self.lie(seen)
        if lie is not None:
            return lie
        if self.login and seen.headers.get("authorization") != basic(USER, PASSWORD):
            return Answer(401, b"{}", {"WWW-Authenticate": 'Basic realm="charts"'})
        if seen.method == "POST":
            return Answer(202, b"", {"Location": f"{seen.target}1?_state=x"})
        if seen.method == "PUT":
            path = re.sub(r"/blobs/uploads/1\?_state=x&digest=", "/blobs/", seen.target)
            self.kept[path] = body
            return Answer(201)
        found = self.kept.get(seen.target)
        return (
            Answer(404, b'{"errors":[{"code":"MANIFEST_UNKNOWN"}]}') if found is None else Answer(200, found)
        )


def _handler(registry: FakeRegistry) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            headers = {name.lower(): value for name, value in self.headers.items()}
            seen = Seen(self.command, self.path, headers)
            registry.seen.append(seen)
            answer = registry.answer(seen, body)
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            if isinstance(answer.body, bytes):
                if "Content-Length" not in answer.headers:
                    self.send_header("Content-Length", str(len(answer.body)))
                self.end_headers()
                self.wfile.write(answer.body)
                self.close_connection = "Content-Length" in answer.headers
                return
            self.close_connection = True
            self.end_headers()
            with suppress(OSError):
                for part in answer.body:
                    self.wfile.write(part)

        do_GET = do_POST = do_PUT = _serve  # noqa: N815 - the library's names

        def log_message(self, *_: object) -> None:
            return

    return Handler


def certified(folder: Path) -> Path:
    """Make a self-signed certificate for 127.0.0.1 in `folder`, and its key beside it."""
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=test"
    names = "-addext subjectAltName=IP:127.0.0.1 -keyout tls.key -out tls.crt"
    subprocess.run(
        [*command.split(), *names.split()], cwd=folder, check=True, capture_output=True, timeout=60
    )
    return folder


Either = TypeVar("Either", DockerRegistry, FakeRegistry)


@contextmanager
def running(registry: Either) -> Iterator[Either]:
    """Stop it in the end."""
    try:
        yield registry
    finally:
        registry.stop()
