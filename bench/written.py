"""What a benchmark writes: documents of the repository, and the controller's own configuration."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from bench.simulated import Simulated
from tests.cluster.world import People

_API_VERSION = "gitops-waves.io/v1alpha1"


def document(kind: str, name: str, **more: object) -> str:
    """One document of ours as YAML."""
    return yaml.safe_dump({"apiVersion": _API_VERSION, "kind": kind, "metadata": {"name": name}, **more})


def clusters(count: int) -> dict[str, str | None]:
    """Files for so many clusters, named as simulated ones are."""
    names = [f"cluster-{index}" for index in range(1, count + 1)]
    return {f"clusters/{name}.yaml": document("Cluster", name) for name in names}


def controller(folder: Path, people: People, simulated: Simulated, **more: object) -> dict[str, Any]:
    """A controller of that repository and those clusters, which keeps what it keeps in `folder`."""
    return {
        "apiVersion": _API_VERSION,
        "kind": "Controller",
        "repositories": [{"name": "bench", "url": str(people.remote), "pollInterval": "1s"}],
        "connections": [
            {"name": name, "kubeconfig": str(path)} for name, path in simulated.kubeconfigs.items()
        ],
        "stateDirectory": str(folder / "state"),
        "listen": "127.0.0.1:0",
        **more,
    }
