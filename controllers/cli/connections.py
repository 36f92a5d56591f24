"""The clusters that a command asks: those of a configuration, or the contexts of a kubeconfig."""

from __future__ import annotations

from pathlib import Path

import typer

from controllers.cli import configuration
from controllers.clusters import Clusters
from controllers.main import connection_of


def clusters_of(config: Path | None, kubeconfig: Path | None, timeout: float) -> Clusters:
    """Give the connections that the options name. Raises what `configuration` does."""
    if config is not None and kubeconfig is not None:
        raise typer.BadParameter("--kubeconfig: --config names the connections already")
    found = configuration.load(config).connections if config else configuration.connections(kubeconfig)
    return Clusters({one.name: connection_of(one) for one in found}, request_timeout_seconds=timeout)
