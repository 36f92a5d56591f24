"""A blocking HTTP client that sends exactly what a case says and keeps all that a case compares.

Independent of the project's own client and of simcluster: it has to see both servers as they are.
"""

from __future__ import annotations

import functools
import http.client
import json
import re
import ssl
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, Self

import yaml

_ANSWER_WITHIN = 20.0
_WARNING = re.compile(r'299 - "((?:[^"\\]|\\.)*)"')


class Server(Protocol):
    """What a case needs to know of a server; the rig's `ControlPlane` and simcluster's `SimPlane` have it."""

    url: str
    ca_file: Path
    token: str
    limited_token: str

    def write_kubeconfig(self, path: Path, token: str | None = None) -> Path:
        """Write a kubeconfig for the administrator, or for `token`."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: its status, its body (decoded where it is JSON or YAML), and the warnings beside it."""

    code: int
    body: Any
    warnings: tuple[str, ...] = ()


class Client:
    """One kept-alive connection to a server, which is opened again when the server closed it."""

    def __init__(self, url: str, ca_file: Path) -> None:
        self._address = urllib.parse.urlsplit(url)
        self._tls = _trusting(ca_file) if self._address.scheme == "https" else None
        self._connection = self._connect()

    def send(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> Reply:
        """Send one request; `path` goes out as it is, dots and doubled slashes included."""
        try:
            response = self._request(method, path, body, headers)
        except (http.client.HTTPException, ConnectionError):  # an idle connection that the server closed
            self._connection.close()
            response = self._request(method, path, body, headers)
        text = response.read().decode(errors="replace")
        warnings = tuple(
            found[1].replace('\\"', '"')
            for value in response.headers.get_all("Warning", [])
            for found in _WARNING.finditer(value)
        )
        return Reply(response.status, _decoded(response, text), warnings)

    def watch(self, path: str, headers: Mapping[str, str]) -> Watch:
        """Open a watch on a connection of its own."""
        connection = self._connect()
        connection.request("GET", self._address.path + path, headers=dict(headers))
        return Watch(connection, connection.getresponse())

    def close(self) -> None:
        """End the connection."""
        self._connection.close()

    def _request(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
    ) -> http.client.HTTPResponse:
        self._connection.request(method, self._address.path + path, body, dict(headers))
        return self._connection.getresponse()

    def _connect(self) -> http.client.HTTPConnection:
        if self._tls is None:
            return http.client.HTTPConnection(self._address.netloc, timeout=_ANSWER_WITHIN)
        return http.client.HTTPSConnection(self._address.netloc, timeout=_ANSWER_WITHIN, context=self._tls)


class Watch:
    """An open watch: events are read from it one by one."""

    def __init__(self, connection: http.client.HTTPConnection, response: http.client.HTTPResponse) -> None:
        self._connection = connection
        self._response = response
        self.code = response.status

    def read(self, count: int) -> Reply:
        """Return the next `count` events, fewer when the server ends the watch; a refusal's body as it is."""
        if self.code != http.client.OK:
            return Reply(self.code, _decoded(self._response, self._response.read().decode()))
        events: list[Any] = []
        while len(events) < count and (line := self._response.readline()):
            events.append(json.loads(line))
        return Reply(self.code, events)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the watch."""
        self._response.close()
        self._connection.close()


@functools.cache
def _trusting(ca_file: Path) -> ssl.SSLContext:
    """Reading a certificate takes longer than most cases."""
    return ssl.create_default_context(cafile=str(ca_file))


def _decoded(response: http.client.HTTPResponse, text: str) -> Any:
    content_type = response.headers.get_content_type()
    if content_type == "application/yaml":
        return yaml.safe_load(text)
    return json.loads(text) if content_type == "application/json" and text else text
