"""A simulated control plane with the face of the rig's: what tests of a real one do, they can do with this.

    planes = start(count=3)
    planes[0].api.get("/api/v1/namespaces")
    ...
    for plane in planes: plane.stop()

Each is a process of its own, so that it can be paused. It ends with this process, however that ends.
"""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path
from typing import Any

from tests.cluster.rig.api import Api
from tests.cluster.rig.plane import Plane
from tests.cluster.rig.processes import free_port, wait_for

_SERVER = "simcluster"
_START_WITHIN = 60.0


class SimPlane(Plane):
    """See `Plane`. Made by `start`. `control` sets faults and the like (`simcluster.server.control`)."""

    def __init__(self, name: str, *, nodes: int = 3) -> None:
        super().__init__(name)
        self._port = free_port()
        self.ca_file = self.folder / "apiserver.crt"
        self.url = ""
        self._common = f"https://127.0.0.1:{self._port}/clusters/{name}"
        try:
            tokens = self._write_tokens(self.folder / "tokens.csv")
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

    def control(self, method: str, action: str, body: Any = None) -> Any:
        """Do something to the cluster from outside, such as `control("PUT", "faults", {"latency": 1})`.

        It goes to a port of its own, and so works while the cluster is cut off.
        """
        api = Api(self._common, self.ca_file, self.token)
        answer = api.request(method, f"/clusters/{self.name}/_simcluster/{action}", body)
        if not answer.ok:
            raise AssertionError(f"{answer.status}: {answer.body}")
        return answer.body

    def pause(self) -> None:
        """See `Plane`."""
        self._group.signal(_SERVER, signal.SIGSTOP)

    def resume(self) -> None:
        """See `Plane`."""
        self._group.signal(_SERVER, signal.SIGCONT)

    def pause_controllers(self) -> None:
        """See `Plane`."""
        self.control("POST", "pause-controllers")

    def resume_controllers(self) -> None:
        """See `Plane`."""
        self.control("POST", "resume-controllers")

    def kill_apiserver(self) -> None:
        """See `Plane`."""
        self.control("PUT", "faults", {"partition": "refuse"})

    def start_apiserver(self) -> None:
        """Listen again, on the same port, and wait until it is ready.

        A new server's watch cache begins with its start, so what was before is compacted.
        """
        self.control("POST", "compact")
        self.control("PUT", "faults", {})
        wait_for(self._ready, "the simulated API server")

    def _has_banner(self) -> bool:
        return "Ctrl-C ends it" in self._group.tail(_SERVER)

    def _ready(self) -> bool:
        try:
            return self.api.request("GET", "/readyz", timeout=2.0).ok
        except OSError:
            return False


def start(count: int = 1, first: int = 1, *, nodes: int = 3) -> list[SimPlane]:
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
