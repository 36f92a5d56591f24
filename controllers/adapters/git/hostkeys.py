"""Have libgit2 check SSH host keys against a known_hosts file of our choice.

libgit2 reads `~/.ssh/known_hosts` of its home folder when it connects, and only there; that folder is a
setting of the whole process. So each connection borrows the setting until its host key was judged.
"""

from __future__ import annotations

import base64
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pygit2
from pygit2.ffi import ffi

from gitops.errors import Denied

_home = threading.Lock()
# struct git_cert_hostkey: kind of certificate, flags, MD5 (16), SHA-1 (20), SHA-256 (32)
_FLAGS_AT, _SHA256_AT, _SHA256_SIZE, _HAS_SHA256 = 4, 44, 32, 4


@contextmanager
def trusting(known_hosts: Path | None) -> Iterator[Callable[[], None]]:
    """Let connections be checked against this file (default: the user's own), until the yielded call.

    Raises Denied when the file cannot be read or says what libgit2 would not honour.
    """
    content = _read(known_hosts)
    released = threading.Event()
    _home.acquire()  # released in the middle of a connection, which no `with` can do
    before = pygit2.settings.homedir or str(Path.home())

    def release() -> None:
        if not released.is_set():
            released.set()
            pygit2.settings.homedir = before
            _home.release()

    try:
        with tempfile.TemporaryDirectory(prefix="gitops-waves-ssh-") as home:
            folder = Path(home, ".ssh")
            folder.mkdir()
            (folder / "known_hosts").write_bytes(content)
            pygit2.settings.homedir = home
            yield release
    finally:
        release()


def _read(known_hosts: Path | None) -> bytes:
    path = known_hosts or Path("~/.ssh/known_hosts").expanduser()
    try:
        content = path.read_bytes()
    except OSError as error:
        raise Denied(
            f"cannot read the known hosts in {path}: {error.strerror}; no SSH server can be trusted without"
        ) from None
    if any(line.lstrip().startswith(b"@revoked") for line in content.splitlines()):
        raise Denied(f"{path} has an @revoked line, which libssh2 would ignore: list only keys to be trusted")
    return content


def fingerprint(certificate: Any) -> str | None:  # noqa: ANN401 - a C structure without a type
    """Format the SHA-256 of an SSH host key as `ssh-keygen -l` does; None where libgit2 did not give it."""
    if certificate is None:
        return None
    start = ffi.cast("unsigned char *", certificate)
    if not start[_FLAGS_AT] & _HAS_SHA256:
        return None
    sha256 = bytes(ffi.buffer(start + _SHA256_AT, _SHA256_SIZE))
    return "SHA256:" + base64.b64encode(sha256).decode().rstrip("=")
