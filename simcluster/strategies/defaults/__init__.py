"""Defaults that the server computes while it decodes, by Go type: constants, and functions of fields."""

from __future__ import annotations

from simcluster.strategies import shapes
from simcluster.strategies.defaults import cluster, core, pods, workloads


def install() -> None:
    """Teach the shapes their defaults. Importing the strategies does it."""
    families = (core, pods, workloads, cluster)
    shapes.define_defaults(
        {name: constants for family in families for name, constants in family.CONSTANTS.items()},
        {name: finish for family in families for name, finish in family.FINISHES.items()},
    )
