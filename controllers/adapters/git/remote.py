"""Where a repository is and how we prove who we are. Holds where secrets lie, never a secret."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from urllib.parse import unquote, urlsplit

from gitops.errors import Denied, InvalidInput, Location, Problem

_SCP_LIKE = re.compile(r"(?:(?P<user>[^@:/]+)@)?(?P<host>[^:/@\[\]]+):(?P<path>[^/].*|/[^/].*)")
_USERINFO = re.compile(r"(?<=://)[^/@\s]+@")
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class OnForcePush(StrEnum):
    """What to do when the followed branch no longer contains the commit that we accepted last."""

    REFUSE = "Refuse"
    FOLLOW = "Follow"


class Scheme(StrEnum):
    """How a remote is reached."""

    LOCAL = "local"
    HTTP = "http"
    SSH = "ssh"


@dataclass(frozen=True, slots=True)
class Credentials:
    """Where credentials lie. Files and variables are read when they are used, so that they can be rotated.

    HTTP: a token, or a user name and a password. SSH: a private key, its passphrase, and the known hosts
    (by default `~/.ssh/known_hosts`). A file wins over a variable.
    """

    username: str | None = None
    username_file: Path | None = None
    password_file: Path | None = None
    password_env: str | None = None
    token_file: Path | None = None
    token_env: str | None = None
    ssh_key_file: Path | None = None
    ssh_passphrase_file: Path | None = None
    known_hosts_file: Path | None = None

    def user(self) -> str | None:
        """Name the user. Raises Denied when the file cannot be read."""
        return _read(self.username_file) if self.username_file else self.username

    def secret(self) -> str | None:
        """Read the token or else the password. Raises Denied when its file or variable is missing."""
        for file, variable in ((self.token_file, self.token_env), (self.password_file, self.password_env)):
            if file:
                return _read(file)
            if variable:
                return _variable(variable)
        return None

    def passphrase(self) -> str:
        """Read the passphrase of the SSH key; empty where it has none."""
        return _read(self.ssh_passphrase_file) if self.ssh_passphrase_file else ""


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise Denied(f"cannot read the credentials file {file}: {reason}") from None


def _variable(name: str) -> str:
    value = os.environ.get(name)
    if not value:
        raise Denied(f"the environment variable {name} should hold Git credentials, but is not set")
    return value


@dataclass(frozen=True, slots=True)
class Remote:
    """A repository and the branch of it that is followed.

    `url`: a path, `file://`, `https://`, `ssh://` or `user@host:path`; plain `http://` for loopback only.
    `depth`: how many commits the first fetch brings; the rest comes when it is asked for. Local
    repositories are always fetched whole. `ca_file` is trusted in addition to the system's authorities,
    by the whole process. Raises InvalidInput for anything else, without repeating credentials.
    """

    url: str
    branch: str = "main"
    credentials: Credentials | None = None
    on_force_push: OnForcePush = OnForcePush.REFUSE
    depth: int | None = None
    ca_file: Path | None = None

    def __post_init__(self) -> None:
        problems = [*_url_problems(self.url)]
        if self.depth is not None and self.depth < 1:
            problems.append("depth must be 1 or more, or left out")
        if problems:
            raise InvalidInput(*(Problem(Location(redact(self.url) or "url"), text) for text in problems))

    @property
    def scheme(self) -> Scheme:
        """How this remote is reached."""
        return _scheme(self.url)

    @property
    def local_path(self) -> Path | None:
        """Folder of a local repository; None for all others."""
        if self.scheme is not Scheme.LOCAL:
            return None
        path = unquote(urlsplit(self.url).path) if self.url.startswith("file://") else self.url
        return Path(path).expanduser().absolute()

    @property
    def user(self) -> str | None:
        """User name inside an SSH address."""
        if self.scheme is not Scheme.SSH:
            return None
        match = None if "://" in self.url else _SCP_LIKE.fullmatch(self.url)
        return match["user"] if match else urlsplit(self.url).username

    def __str__(self) -> str:
        return redact(self.url)

    def __repr__(self) -> str:
        return f"Remote(url={redact(self.url)!r}, branch={self.branch!r})"


def redact(text: str) -> str:
    """Drop whatever stands between `://` and `@`."""
    return _USERINFO.sub("", text)


def _scheme(url: str) -> Scheme:
    if "://" in url:
        name = url.split("://", 1)[0]
        return {"ssh": Scheme.SSH, "http": Scheme.HTTP, "https": Scheme.HTTP}.get(name, Scheme.LOCAL)
    return Scheme.SSH if _SCP_LIKE.fullmatch(url) else Scheme.LOCAL


def _url_problems(url: str) -> list[str]:
    if not url or not url.isprintable():
        return ["a repository address is a path, file://, https://, ssh:// or user@host:path"]
    if "://" not in url:
        return []
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return ["this is not a well-formed address"]
    if parts.scheme not in {"file", "http", "https", "ssh"}:
        return [f"{parts.scheme}:// is not supported: use a path, file://, https:// or ssh://"]
    if parts.scheme == "file":
        return [] if host in {None, "localhost"} else ["file:// cannot name another host"]
    problems = [] if host else ["the address names no host"]
    if parts.password is not None or (parts.username is not None and parts.scheme != "ssh"):
        problems.append("credentials do not belong in the address: name a file or variable that holds them")
    if parts.scheme == "http" and host not in _LOOPBACK:
        problems.append("http:// sends credentials and manifests in the clear: use https://")
    return problems
