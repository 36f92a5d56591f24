"""Where the scenes play: five control planes, the shop's repository, and a controller that knows both."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from demo.shop import Shop
from gitops.model.controller import ClusterConnection, Controller, FollowedRepository
from gitops.model.schema import API_VERSION
from tests.cluster.rig import binaries
from tests.cluster.rig.control_plane import ControlPlane, start

CLUSTERS = ("staging", "canary", "eu-west", "us-east", "ap-south")
NAMESPACE = "shop"
_DEPLOYMENTS = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments"
_CONFIG_MAPS = f"/api/v1/namespaces/{NAMESPACE}/configmaps"


class Stage:
    """Everything that has to be cleared away afterwards, however the play ends."""

    def __init__(self, notify: Callable[[str], None]) -> None:
        """Start it all. Raises RigUnavailable, StartFailed, Unexpected; then nothing is left behind."""
        self.binaries = binaries.ensure(notify)
        self.folder = Path(tempfile.mkdtemp(prefix="gitops-waves-demo-"))
        self._planes: dict[str, ControlPlane] = {}
        try:
            self.shop = Shop(self.folder)
            self._planes = dict(zip(CLUSTERS, start(self.binaries, len(CLUSTERS)), strict=True))
            for name, plane in self._planes.items():
                plane.write_kubeconfig(self.kubeconfig(name))
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the control planes and remove every file."""
        for plane in self._planes.values():
            plane.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def kubeconfig(self, cluster: str) -> Path:
        """Where a cluster's kubeconfig is."""
        return self.folder / f"{cluster}.kubeconfig"

    @property
    def log(self) -> Path:
        """Where the controller logs to."""
        return self.folder / "controller.log"

    @property
    def mirror(self) -> Path:
        """The controller's own copy of the repository."""
        return self.folder / "state" / "shop.git"

    @property
    def controller(self) -> Controller:
        """The configuration that an operator would write as controller.yaml."""
        return Controller(
            api_version=API_VERSION,
            kind="Controller",
            repositories=(FollowedRepository(name="shop", url=str(self.shop.folder)),),
            connections=tuple(
                ClusterConnection(name=name, kubeconfig=str(self.kubeconfig(name))) for name in CLUSTERS
            ),
            state_directory=str(self.mirror.parent),
            listen="127.0.0.1:0",
        )

    def deployment(self, cluster: str, name: str) -> Any:  # noqa: ANN401 - raw JSON
        """Read a Deployment from its API server."""
        return self._planes[cluster].api.get(f"{_DEPLOYMENTS}/{name}")

    def writes(self, cluster: str) -> dict[str, str]:
        """Give marks of everything that only the controller writes there: a write changes them.

        That is the version of each ConfigMap (the inventories are some) and each Deployment's generation.
        """
        api = self._planes[cluster].api
        marks = {
            f"ConfigMap {item['metadata']['name']}": item["metadata"]["resourceVersion"]
            for item in api.get(_CONFIG_MAPS)["items"]
        }
        for item in api.get(_DEPLOYMENTS)["items"]:
            marks[f"Deployment {item['metadata']['name']}"] = str(item["metadata"]["generation"])
        return marks
