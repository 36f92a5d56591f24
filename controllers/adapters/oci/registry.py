"""A registry as the operator configured it: where it is, whom it may trust, and how it knows us."""

from __future__ import annotations

import base64
import binascii
import ssl
from dataclasses import dataclass, field
from pathlib import Path

import orjson
from yarl import URL

from gitops.errors import Denied


@dataclass(frozen=True, slots=True)
class Login:
    """A user and a password; never shown."""

    username: str = field(repr=False)
    password: str = field(repr=False)

    def basic(self) -> str:
        """Give the header's value (RFC 7617)."""
        pair = f"{self.username}:{self.password}".encode()
        return f"Basic {base64.b64encode(pair).decode()}"


@dataclass(frozen=True, slots=True)
class Registry:
    """`host` may have a port. Files are read when they are used, so that they can be rotated.

    The login is `username` with `password_file`, or the host's entry in `docker_config_file`. `ca_file` is
    trusted beside the system's authorities.
    """

    host: str
    username: str | None = None
    password_file: Path | None = None
    docker_config_file: Path | None = None
    ca_file: Path | None = None
    plain_http: bool = False

    @property
    def origin(self) -> URL:
        """Scheme, host and port."""
        return URL(f"{'http' if self.plain_http else 'https'}://{self.host}").origin()

    def login(self) -> Login | None:
        """Read who we are; None for nobody. Raises Denied where a file does not say it."""
        if self.username is not None and self.password_file is not None:
            return Login(self.username, _text(self.password_file, "password").rstrip("\r\n"))
        if self.docker_config_file is not None:
            return self._docker_login(self.docker_config_file)
        return None

    def tls(self) -> ssl.SSLContext:
        """Whom to trust. Raises Denied for a file without certificates."""
        context = ssl.create_default_context()
        if self.ca_file is not None:
            try:
                context.load_verify_locations(self.ca_file)
            except (OSError, ssl.SSLError):
                message = f"registry {self.host}: {self.ca_file} holds no certificates that can be read (PEM)"
                raise Denied(message) from None
        return context

    def _docker_login(self, file: Path) -> Login:
        refusal = Denied(
            f"registry {self.host}: {file} has no login for it: auths, {self.host}, with auth, or with "
            "username and password (credential helpers are not run)"
        )
        try:
            entry = orjson.loads(_text(file, "logins"))["auths"][self.host]
            if "auth" in entry:
                username, colon, password = (
                    base64.b64decode(entry["auth"], validate=True).decode().partition(":")
                )
            else:
                username, colon, password = entry["username"], ":", entry["password"]
        except (ValueError, LookupError, TypeError, binascii.Error):
            raise refusal from None
        if not (colon and isinstance(username, str) and isinstance(password, str) and password):
            raise refusal
        return Login(username, password)


def _text(file: Path, what: str) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        because = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise Denied(f"cannot read the registry's {what} in {file}: {because}") from None
