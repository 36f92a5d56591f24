"""A real Kubernetes control plane on this machine: etcd, API server, controllers, scheduler, played Nodes.

    planes = start(binaries.ensure(), count=3)
    planes[0].api.get("/api/v1/namespaces")
    planes[0].write_kubeconfig(path)
    ...
    for plane in planes: plane.stop()

Starting several at once takes little longer than one. They end with this process, however it ends.
"""

from __future__ import annotations

import base64
import secrets
import signal
from pathlib import Path

from tests.cluster.rig import nodes, stages
from tests.cluster.rig.commands import (
    KUBECONFIG,
    KWOK_CONFIGURATION,
    SERVICE_ACCOUNT_KEY,
    TOKENS,
    Layout,
    Ports,
)
from tests.cluster.rig.plane import Plane, kubeconfig, write_private
from tests.cluster.rig.processes import free_port

# An ECPrivateKey (RFC 5915) on P-256 without its optional public key: what is before and after the number.
_EC_KEY = (bytes.fromhex("30310201010420"), bytes.fromhex("a00a06082a8648ce3d030107"))


class ControlPlane(Plane):
    """See `Plane`. Made by `start`."""

    def __init__(self, name: str, binaries: Path) -> None:
        super().__init__(name)
        ports = Ports(*(free_port() for _ in Ports.__slots__))
        self._layout = Layout(binaries, self._group.folder, ports)
        self.url = f"https://127.0.0.1:{ports.apiserver}"
        self.ca_file = self._layout.certificates / "apiserver.crt"
        try:
            self._write_files()
        except BaseException:
            self.stop()
            raise

    def pause(self) -> None:
        """See `Plane`."""
        self._group.signal("kube-apiserver", signal.SIGSTOP)

    def resume(self) -> None:
        """See `Plane`."""
        self._group.signal("kube-apiserver", signal.SIGCONT)

    def pause_controllers(self) -> None:
        """See `Plane`."""
        self._group.signal("kube-controller-manager", signal.SIGSTOP)

    def resume_controllers(self) -> None:
        """See `Plane`."""
        self._group.signal("kube-controller-manager", signal.SIGCONT)

    def kill_apiserver(self) -> None:
        """See `Plane`."""
        self._group.kill("kube-apiserver")

    def start_apiserver(self) -> None:
        """See `Plane`."""
        self._group.start("kube-apiserver", self._layout.apiserver())
        self.wait_apiserver()

    def start_store(self) -> None:
        """Start etcd, and the API server, which waits for it by itself."""
        self._group.start("etcd", self._layout.etcd())
        self._group.start("kube-apiserver", self._layout.apiserver())

    def wait_apiserver(self) -> None:
        """Return when the API server is ready to serve."""
        self._group.wait_ready("kube-apiserver", self._apiserver_ready)

    def start_controllers(self) -> None:
        """Start what works through the API server, and create the Nodes."""
        self._group.start("kube-controller-manager", self._layout.controller_manager())
        self._group.start("kube-scheduler", self._layout.scheduler())
        self._group.start("kwok", self._layout.kwok())
        for node in nodes.manifests():
            self.api.create("/api/v1/nodes", node)

    def wait_controllers(self) -> None:
        """Return when Nodes are Ready and the controllers have begun to work."""
        self._group.wait_ready("kwok", self._nodes_ready)
        self._group.wait_ready("kube-controller-manager", self._service_account_made)

    def _apiserver_ready(self) -> bool:
        try:
            return self.ca_file.exists() and self.api.request("GET", "/readyz", timeout=2.0).ok
        except OSError:  # not listening yet, or its certificate is half written
            return False

    def _nodes_ready(self) -> bool:
        conditions = [node["status"].get("conditions", []) for node in self.api.get("/api/v1/nodes")["items"]]
        return all(any(c["type"] == "Ready" and c["status"] == "True" for c in each) for each in conditions)

    def _service_account_made(self) -> bool:
        return self.api.request("GET", "/api/v1/namespaces/default/serviceaccounts/default").ok

    def _write_files(self) -> None:
        folder = self._group.folder
        log = folder / "container.log"
        log.write_text(stages.log_file_text())
        (folder / KWOK_CONFIGURATION).write_text(stages.configuration(log))
        write_private(folder / SERVICE_ACCOUNT_KEY, _new_private_key())
        self._write_tokens(folder / TOKENS)
        cluster = {"server": self.url, "certificate-authority": str(self.ca_file)}
        write_private(folder / KUBECONFIG, kubeconfig(self.name, cluster, self.token))


def start(binaries: Path, count: int = 1, *, first: int = 1) -> list[ControlPlane]:
    """Start `count` control planes side by side, named `cluster-<first>` and on; return when all are usable.

    `binaries` is what `tests.cluster.rig.binaries.ensure` returned. Raises `StartFailed`; then none runs.
    """
    planes: list[ControlPlane] = []
    try:
        planes.extend(ControlPlane(f"cluster-{first + number}", binaries) for number in range(count))
        # Each step for all before the next one for any: the waits overlap without a thread.
        for step in (
            ControlPlane.start_store,
            ControlPlane.wait_apiserver,
            ControlPlane.start_controllers,
            ControlPlane.wait_controllers,
        ):
            for plane in planes:
                step(plane)
    except BaseException:
        for plane in planes:
            plane.stop()
        raise
    return planes


def _new_private_key() -> str:
    """Return a new P-256 key as PEM: it needs nothing but random bytes, so no tool and no library."""
    before, after = _EC_KEY
    # Below the curve's order, whose first four bytes are ff, for certain.
    number = secrets.randbelow((0xFFFFFFFF << 224) - 1) + 1
    body = base64.b64encode(before + number.to_bytes(32, "big") + after).decode()
    return f"-----BEGIN EC PRIVATE KEY-----\n{body}\n-----END EC PRIVATE KEY-----\n"
