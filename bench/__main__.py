"""`python -m bench`: run everything, on a real control plane and simulated ones; print one JSON document."""

from __future__ import annotations

import asyncio
import json
import platform
import sys

from bench import apply, commit, drift, fleet, repository, scale, simulated, unchanged
from tests.cluster.rig import binaries, control_plane


def main() -> None:
    """Run and print. Progress goes to stderr."""
    folder = binaries.ensure(lambda line: print(line, file=sys.stderr))
    plane = control_plane.start(folder)[0]
    try:
        figures = asyncio.run(_all(plane))
    finally:
        plane.stop()
    figures |= asyncio.run(_simulated())
    figures["repository"] = repository.run()
    machine = {"python": platform.python_version(), "kubernetes": binaries.KUBERNETES_VERSION}
    print(json.dumps({"machine": machine, **figures}, indent=2))


async def _all(plane: control_plane.ControlPlane) -> dict[str, object]:
    return {
        "apply": await apply.run(plane),
        "commit": await commit.run(plane),
        "drift": await drift.run(plane),
    }


async def _simulated() -> dict[str, object]:
    return {
        "simulated": await simulated.run(),
        "fleet": await fleet.run(),
        "unchanged": await unchanged.run(),
        "scale": await scale.run(),
    }


if __name__ == "__main__":
    main()
