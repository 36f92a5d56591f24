"""A simulated control plane with the face of the rig's: what tests of a real one do, they can do with this.

    planes = start(count=3)
    planes[0].api.get("/api/v1/namespaces")
    ...
    for plane in planes: plane.stop()

Each is a process of its own, so that it can be paused. It ends with this process, however that ends.
"""

from __future__ import annotations

import base64
import json
import secrets
import signal
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.cluster.rig.api import Api
from tests.cluster.rig.processes import ProcessGroup, free_port, wait_for

_SERVER = "simcluster"
_START_WITHIN = 60.0


class SimPlane:
    """One simulated control plane that runs. Made by `start`; ended by `stop`, or by leaving it as a context.

    `api` speaks as an administrator (group `system:masters`), `limited_api` as a user without any permission,
    `control` sets faults and the like (`simcluster.server.control`).
    """

    def __init__(self, name: str, *, nodes: int = 3) -> None:
        self.name = name
        self._group = ProcessGroup(name)
        self._port = free_port()
        self.ca_file = self.folder / "apiserver.crt"
        self.token = secrets.token_hex(16)
        self.limited_token = secrets.token_hex(16)
        self.url = ""
        self._common = f"https://127.0.0.1:{self._port}/clusters/{name}"
        try:
            tokens = self.folder / "tokens.csv"
            users = f'{self.token},admin,admin,"system:masters"\n{self.limited_token},limited,limited\n'
            self._write_private(tokens, users)
            self._group.start(_SERVER, self._argv(tokens, nodes))
        except BaseException:
            self.stop()
            raise

    def _argv(self, tokens: Path, nodes: int) -> list[str | Path]:
        prefix, number = self.name.rstrip("0123456789"), self.name[len(self.name.rstrip("0123456789")) :]
        return [
            sys.executable,
            "-m",
            "simcluster",
            f"--port={self._port}",
            "--own-ports",
            f"--nodes={nodes}",
            f"--prefix={prefix}",
            f"--first={number}",
            f"--tokens={tokens}",
            f"--certificate={self.ca_file}",
            f"--kubeconfig-dir={self.folder / 'kubeconfigs'}",
        ]

    def wait_ready(self) -> None:
        """Return when the server serves. Raises `StartFailed`."""
        self._group.wait_ready(_SERVER, self._has_banner, _START_WITHIN)
        written = json.loads((self.folder / "kubeconfigs" / f"{self.name}.kubeconfig").read_text())
        self.url = written["clusters"][0]["cluster"]["server"]

    @property
    def api(self) -> Api:
        """Requests as an administrator."""
        return Api(self.url, self.ca_file, self.token)

    @property
    def limited_api(self) -> Api:
        """Requests as somebody who is known and may do nothing."""
        return Api(self.url, self.ca_file, self.limited_token)

    def control(self, method: str, action: str, body: Any = None) -> Any:
        """Do something to the cluster from outside, such as `control("PUT", "faults", {"latency": 1})`.

        It goes to a port of its own, and so works while the cluster is cut off.
        """
        api = Api(self._common, self.ca_file, self.token)
        answer = api.request(method, f"/clusters/{self.name}/_simcluster/{action}", body)
        if not answer.ok:
            raise AssertionError(f"{answer.status}: {answer.body}")
        return answer.body

    def write_kubeconfig(self, path: Path, token: str | None = None) -> Path:
        """Write a kubeconfig that needs no other file, for the administrator or `token`; return `path`."""
        cluster = {
            "server": self.url,
            "certificate-authority-data": base64.b64encode(self.ca_file.read_bytes()).decode(),
        }
        body = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": self.name, "cluster": cluster}],
            "users": [{"name": "user", "user": {"token": token or self.token}}],
            "contexts": [{"name": self.name, "context": {"cluster": self.name, "user": "user"}}],
            "current-context": self.name,
        }
        self._write_private(path, json.dumps(body))
        return path

    def pause(self) -> None:
        """Stop the server from answering; connections open and hang, as to an unreachable cluster."""
        self._group.signal(_SERVER, signal.SIGSTOP)

    def resume(self) -> None:
        """Undo `pause`."""
        self._group.signal(_SERVER, signal.SIGCONT)

    def pause_controllers(self) -> None:
        """Stop the controllers, which then observe nothing; the API answers, and pods run on."""
        self.control("POST", "pause-controllers")

    def resume_controllers(self) -> None:
        """Undo `pause_controllers`."""
        self.control("POST", "resume-controllers")

    def kill_apiserver(self) -> None:
        """Refuse connections until `start_apiserver`; what is stored stays, as etcd keeps it."""
        self.control("PUT", "faults", {"partition": "refuse"})

    def start_apiserver(self) -> None:
        """Listen again, on the same port, and wait until it is ready.

        A new server's watch cache begins with its start, so what was before is compacted.
        """
        self.control("POST", "compact")
        self.control("PUT", "faults", {})
        wait_for(self._ready, "the simulated API server")

    @property
    def folder(self) -> Path:
        """Where the server keeps its files and its log (`simcluster.log`)."""
        return self._group.folder

    @property
    def pids(self) -> dict[str, int]:
        """Process IDs of the servers, by name: to measure them."""
        return dict(self._group.pids)

    def stop(self) -> None:
        """End the server and remove its files. A second call does nothing."""
        self._group.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _has_banner(self) -> bool:
        return "Ctrl-C ends it" in self._group.tail(_SERVER)

    def _ready(self) -> bool:
        try:
            return self.api.request("GET", "/readyz", timeout=2.0).ok
        except OSError:
            return False

    @staticmethod
    def _write_private(path: Path, text: str) -> None:
        path.touch(mode=0o600)
        path.write_text(text)


def start(count: int = 1, *, first: int = 1, nodes: int = 3) -> list[SimPlane]:
    """Start `count` simulated control planes side by side, named `cluster-<first>` and on.

    Returns when all are usable. Raises `StartFailed`; then none runs.
    """
    planes: list[SimPlane] = []
    try:
        planes.extend(SimPlane(f"cluster-{first + number}", nodes=nodes) for number in range(count))
        for plane in planes:
            plane.wait_ready()
    except BaseException:
        for plane in planes:
            plane.stop()
        raise
    return planes


class SimFleet:
    """Simulated control planes that start when first asked for, as the rig's `Fleet`."""

    def __init__(self) -> None:
        self._started: list[SimPlane] = []

    @property
    def started(self) -> tuple[SimPlane, ...]:
        """Those that run, in the order of their names."""
        return tuple(self._started)

    def first(self, count: int) -> tuple[SimPlane, ...]:
        """Return the first `count`, starting those that do not run yet."""
        missing = count - len(self._started)
        if missing > 0:
            self._started += start(missing, first=len(self._started) + 1)
        return tuple(self._started[:count])

    def stop(self) -> None:
        """End them all."""
        for plane in self._started:
            plane.stop()
        self._started.clear()
