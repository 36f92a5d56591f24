"""Where the scenes play: five simulated clusters, the shop's repository, and a controller that knows both."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from demo.shop import Shop
from gitops.model.controller import ClusterConnection, Controller, FollowedRepository
from gitops.model.schema import API_VERSION
from simcluster import kubeconfig
from simcluster.api.options import PatchKind, WriteOptions
from simcluster.cluster import Cluster
from simcluster.fleet import Fleet, Settings
from simcluster.kinds.kind import Kind

CLUSTERS = ("staging", "canary", "eu-west", "us-east", "ap-south")
NAMESPACE = "shop"
EDITOR = "kubectl-edit"


class Stage:
    """Everything that has to be cleared away afterwards, however the play ends. Enter it to begin."""

    def __init__(self) -> None:
        """Make the folder and the repository. Raises Unexpected; then nothing is left behind."""
        self.folder = Path(tempfile.mkdtemp(prefix="gitops-waves-demo-"))
        self._fleet = Fleet(Settings(clusters=len(CLUSTERS)))
        self._clusters: dict[str, Cluster] = dict(zip(CLUSTERS, self._fleet.clusters.values(), strict=True))
        try:
            self.shop = Shop(self.folder)
        except BaseException:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise

    async def __aenter__(self) -> Self:
        """Serve the clusters."""
        await self._fleet.start()
        for name, cluster in self._clusters.items():
            kubeconfig.write(self.kubeconfig(name), [self._fleet.entry(cluster.name)])
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the clusters. The files stay until `clear`: whoever tells what went wrong reads the log."""
        await self._fleet.stop()

    def clear(self) -> None:
        """Remove every file. A second call does nothing."""
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
        """Read a Deployment from its API."""
        return self._clusters[cluster].api.get(self._kind(cluster, "apps/v1", "Deployment"), NAMESPACE, name)

    def edit_image(self, cluster: str, name: str, image: str) -> None:
        """Change a Deployment's image as `kubectl edit` does, behind the controller's back."""
        container = {"name": name, "image": image}
        change = {"spec": {"template": {"spec": {"containers": [container]}}}}
        self._clusters[cluster].api.patch(
            self._kind(cluster, "apps/v1", "Deployment"),
            NAMESPACE,
            name,
            PatchKind.STRATEGIC,
            json.dumps(change).encode(),
            WriteOptions(manager=EDITOR),
        )

    def writes(self, cluster: str) -> dict[str, str]:
        """Give marks of everything that only the controller writes there: a write changes them.

        That is the version of each ConfigMap (the inventories are some) and each Deployment's generation.
        """
        api = self._clusters[cluster].api
        config_maps = api.list(self._kind(cluster, "v1", "ConfigMap"), NAMESPACE).items
        marks = {f"ConfigMap {record.name}": str(record.revision) for record in config_maps}
        for record in api.list(self._kind(cluster, "apps/v1", "Deployment"), NAMESPACE).items:
            marks[f"Deployment {record.name}"] = str(record.object()["metadata"]["generation"])
        return marks

    def _kind(self, cluster: str, api_version: str, kind: str) -> Kind:
        found = self._clusters[cluster].registry.of(api_version, kind)
        if found is None:
            raise ValueError(f"{cluster} serves no {kind} of {api_version}")
        return found
