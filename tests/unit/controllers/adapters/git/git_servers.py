"""Real Git servers on loopback: `git http-backend` behind basic authentication, and OpenSSH's sshd."""

from __future__ import annotations

import base64
import contextlib
import os
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

USERNAME = "robot"
PASSWORD = "canary-password-7319"  # looked for in every error text


class _Server(ThreadingHTTPServer):
    """Holds what its handlers need; `status` other than 0 is answered to everything."""

    daemon_threads = True
    root: Path
    password: str | None = None
    status = 0
    hang: threading.Event | None = None


class _Backend(BaseHTTPRequestHandler):
    """Git's smart HTTP protocol by way of its own CGI program."""

    server: _Server
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is given
        """Tests read answers, not access logs."""

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def _serve(self) -> None:
        body = self._body()
        if self.server.hang is not None:
            self.server.hang.wait(30)
            self.close_connection = True
            return
        if self.server.status:
            self._answer(self.server.status, [], b"")
        elif not self._authorised():
            self._answer(HTTPStatus.UNAUTHORIZED, [("WWW-Authenticate", 'Basic realm="git"')], b"")
        else:
            self._run(body)

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = []
        while size := int(self.rfile.readline().strip() or b"0", 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _authorised(self) -> bool:
        if self.server.password is None:
            return True
        wanted = base64.b64encode(f"{USERNAME}:{self.server.password}".encode()).decode()
        return self.headers.get("Authorization") == f"Basic {wanted}"

    def _run(self, body: bytes) -> None:
        path, _, query = self.path.partition("?")
        environment = {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": str(self.server.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_CONFIG_COUNT": "2",
            "GIT_CONFIG_KEY_0": "http.receivepack",
            "GIT_CONFIG_VALUE_0": "true",
            "GIT_CONFIG_KEY_1": "safe.directory",
            "GIT_CONFIG_VALUE_1": "*",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "REQUEST_METHOD": self.command,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "REMOTE_USER": USERNAME,
            "REMOTE_ADDR": "127.0.0.1",
        }
        done = subprocess.run(
            ["git", "http-backend"], input=body, env=environment, capture_output=True, check=False
        )
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        headers = [tuple(line.split(": ", 1)) for line in head.decode().split("\r\n") if line]
        status = next((int(value[:3]) for name, value in headers if name == "Status"), 200)
        self._answer(status, [(name, value) for name, value in headers if name != "Status"], content)

    def _answer(self, status: int, headers: list[tuple[str, str]], content: bytes) -> None:
        with contextlib.suppress(ConnectionError):
            self.send_response(status)
            for name, value in headers:
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)


@dataclass
class HttpGit:
    """A running HTTP server; its attributes may be changed while it runs."""

    server: _Server
    scheme: str

    @property
    def url(self) -> str:
        """Address of the folder that is served."""
        return f"{self.scheme}://localhost:{self.server.server_address[1]}"


@contextlib.contextmanager
def http_git(
    root: Path, *, password: str | None = None, tls: tuple[Path, Path] | None = None
) -> Iterator[HttpGit]:
    """Serve every repository below `root`; `tls` is a certificate and its key."""
    server = _Server(("127.0.0.1", 0), _Backend)
    server.root, server.password = root, password
    if tls is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*tls)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield HttpGit(server, "https" if tls else "http")
    finally:
        if server.hang is not None:
            server.hang.set()
        server.shutdown()
        thread.join()
        server.server_close()


def keygen(path: Path, *, kind: str = "ed25519", passphrase: str = "") -> Path:
    """Make an OpenSSH key pair at `path` and `path`.pub."""
    command = ["ssh-keygen", "-q", "-t", kind, "-N", passphrase, "-C", "test", "-f", str(path)]
    subprocess.run(command, check=True)
    return path


@dataclass
class SshGit:
    """A running sshd that accepts one client key."""

    port: int
    host_key: Path
    user: str

    def url(self, repository: Path) -> str:
        """Address of a repository on this machine."""
        return f"ssh://{self.user}@127.0.0.1:{self.port}{repository}"

    def known_hosts(self, host: str | None = None) -> str:
        """The line that a person would put into known_hosts for this server."""
        kind, key, *_ = self.host_key.with_suffix(".pub").read_text().split()
        return f"{host or f'[127.0.0.1]:{self.port}'} {kind} {key}\n"

    def fingerprint(self) -> str:
        """Say what `ssh-keygen -l` says of the host key."""
        listing = subprocess.run(
            ["ssh-keygen", "-lf", f"{self.host_key}.pub"], check=True, capture_output=True, text=True
        )
        return listing.stdout.split()[1]


def find_sshd() -> str | None:
    """Absolute path of sshd (it insists on one), or None."""
    return shutil.which("sshd", path=os.environ["PATH"] + ":/usr/sbin:/usr/local/sbin")


@contextlib.contextmanager
def ssh_git(folder: Path, client_keys: list[Path], *, host_key_kind: str = "ed25519") -> Iterator[SshGit]:
    """Run sshd in the foreground, as the present user, for this folder's keys."""
    sshd = find_sshd()
    assert sshd is not None
    host_key = keygen(folder / "host_key", kind=host_key_kind)
    accepted = folder / "authorized_keys"
    accepted.write_text("".join(key.with_suffix(".pub").read_text() for key in client_keys))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    config = folder / "sshd_config"
    config.write_text(
        f"ListenAddress 127.0.0.1:{port}\nHostKey {host_key}\nAuthorizedKeysFile {accepted}\nPidFile none\n"
        "StrictModes no\nUsePAM no\nPasswordAuthentication no\nPermitRootLogin prohibit-password\n"
    )
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)  # sshd's privilege separation folder
    log = (folder / "sshd.log").open("wb")
    process = subprocess.Popen([sshd, "-D", "-e", "-f", str(config)], stderr=log)
    try:
        _wait_for_port(port, process, folder / "sshd.log")
        user = subprocess.run(["id", "-un"], check=True, capture_output=True, text=True).stdout.strip()
        yield SshGit(port, host_key, user)
    finally:
        process.terminate()
        process.wait()
        log.close()


def _wait_for_port(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        with contextlib.suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.01)
    raise AssertionError(f"sshd did not start: {log.read_text()}")
