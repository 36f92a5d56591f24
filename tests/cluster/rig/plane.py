"""What tests may do with a control plane, whether it is a real one or a simulated one."""

from __future__ import annotations

import base64
import json
import secrets
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

from tests.cluster.rig.api import Api
from tests.cluster.rig.processes import ProcessGroup


class Plane(ABC):
    """One control plane and its processes. Ended by `stop`, or by leaving it as a context.

    `api` speaks as an administrator (group `system:masters`), `limited_api` as a user without any permission.
    """

    url: str
    ca_file: Path

    def __init__(self, name: str) -> None:
        self.name = name
        self._group = ProcessGroup(name)
        self.token = secrets.token_hex(16)
        self.limited_token = secrets.token_hex(16)

    @property
    def api(self) -> Api:
        """Requests as an administrator."""
        return Api(self.url, self.ca_file, self.token)

    @property
    def limited_api(self) -> Api:
        """Requests as somebody who is known and may do nothing."""
        return Api(self.url, self.ca_file, self.limited_token)

    def write_kubeconfig(self, path: Path, token: str | None = None) -> Path:
        """Write a kubeconfig that needs no other file, for the administrator or `token`; return `path`."""
        authority = base64.b64encode(self.ca_file.read_bytes()).decode()
        cluster = {"server": self.url, "certificate-authority-data": authority}
        return write_private(path, kubeconfig(self.name, cluster, token or self.token))

    @abstractmethod
    def pause(self) -> None:
        """Stop the API server from answering; connections open and hang, as to an unreachable cluster."""

    @abstractmethod
    def resume(self) -> None:
        """Undo `pause`."""

    @abstractmethod
    def pause_controllers(self) -> None:
        """Stop the cluster's controllers, which then observe nothing; the API answers, and Pods run on."""

    @abstractmethod
    def resume_controllers(self) -> None:
        """Undo `pause_controllers`."""

    @abstractmethod
    def kill_apiserver(self) -> None:
        """Refuse connections until `start_apiserver`; what is stored stays."""

    @abstractmethod
    def start_apiserver(self) -> None:
        """Listen again, on the same port with the same certificate, and wait until it is ready."""

    @property
    def folder(self) -> Path:
        """Where the servers keep their files and logs, such as `kube-apiserver.log`."""
        return self._group.folder

    @property
    def pids(self) -> dict[str, int]:
        """Process IDs of the servers, by name: to measure them."""
        return dict(self._group.pids)

    def stop(self) -> None:
        """End every server and remove their files. A second call does nothing."""
        self._group.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _write_tokens(self, path: Path) -> Path:
        """Write who may speak to the server, as `--token-auth-file` reads it."""
        users = f'{self.token},admin,admin,"system:masters"\n{self.limited_token},limited,limited\n'
        return write_private(path, users)


def kubeconfig(name: str, cluster: dict[str, str], token: str) -> str:
    """Give a kubeconfig with one context, in JSON."""
    body: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": cluster}],
        "users": [{"name": "user", "user": {"token": token}}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": "user"}}],
        "current-context": name,
    }
    return json.dumps(body)


def write_private(path: Path, text: str) -> Path:
    """Write what only this user may read; return `path`."""
    path.touch(mode=0o600)
    path.write_text(text)
    return path


_Kind = TypeVar("_Kind", bound=Plane)


class Fleet(Generic[_Kind]):
    """Control planes that start when first asked for. `start` gets how many, and the first one's number."""

    def __init__(self, start: Callable[[int, int], list[_Kind]]) -> None:
        self._start = start
        self._started: list[_Kind] = []

    @property
    def started(self) -> tuple[_Kind, ...]:
        """Those that run, in the order of their names."""
        return tuple(self._started)

    def first(self, count: int) -> tuple[_Kind, ...]:
        """Return the first `count`, starting those that do not run yet."""
        missing = count - len(self._started)
        if missing > 0:
            self._started += self._start(missing, len(self._started) + 1)
        return self.started[:count]

    def stop(self) -> None:
        """End them all."""
        for plane in self._started:
            plane.stop()
        self._started.clear()
