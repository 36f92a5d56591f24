"""Clusters for tests: started once per run, when the first test asks.

Everything below `tests/cluster/` carries the marker `cluster`. Where the rig's servers cannot be had, those
tests are skipped and the summary says how many and why; with `CI=true` they fail instead.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests.cluster.rig import binaries, control_plane
from tests.cluster.rig.plane import Fleet, Plane
from tests.cluster.sim import plane as simulated

# A loaded machine is slow, not wrong: how long one example takes is no property of the code.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")

_CLUSTER_TESTS = Path(__file__).parent / "cluster"
_UNAVAILABLE = pytest.StashKey[str]()
_NAME_LENGTH = 40


def pytest_addoption(parser: pytest.Parser) -> None:
    """Choose what the tests below `tests/cluster/` run on."""
    parser.addoption(
        "--cluster",
        choices=("real", "sim"),
        default="real",
        help="clusters for tests/cluster: real control planes, or simulated ones (simcluster)",
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark every test below `tests/cluster/`. Side by side, the long ones begin: nobody waits for them."""
    for item in items:
        if _CLUSTER_TESTS in item.path.parents:
            item.add_marker(pytest.mark.cluster)
    if config.getoption("--cluster") == "sim":
        items.sort(key=lambda item: item.get_closest_marker("long") is None)


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Say in one line how many cluster tests did not run, and why."""
    reason = config.stash.get(_UNAVAILABLE, None)
    if reason is None:
        return
    skipped = [report for report in terminalreporter.stats.get("skipped", ()) if "cluster" in report.keywords]
    first_line = reason.splitlines()[0]
    terminalreporter.write_line(
        f"{len(skipped)} cluster tests skipped: no Kubernetes control plane: {first_line}",
        yellow=True,
        bold=True,
    )


@pytest.fixture(scope="session")
def control_planes(pytestconfig: pytest.Config) -> Iterator[Fleet[Any]]:
    """Control planes that start when first asked for, up to three of them, and end with the run."""
    sim = pytestconfig.getoption("--cluster") == "sim"
    fleet = Fleet(simulated.start) if sim else _real(pytestconfig)
    yield fleet
    fleet.stop()


def _real(pytestconfig: pytest.Config) -> Fleet[Any]:

    def notify(line: str) -> None:
        capture = pytestconfig.pluginmanager.getplugin("capturemanager")
        with capture.global_and_fixture_disabled():
            pytestconfig.pluginmanager.getplugin("terminalreporter").write_line(line)

    try:
        folder = binaries.ensure(notify)
    except binaries.RigUnavailable as unavailable:
        if os.environ.get("CI") == "true":
            raise
        pytestconfig.stash[_UNAVAILABLE] = str(unavailable)
        pytest.skip(str(unavailable))
    return Fleet(lambda count, first: control_plane.start(folder, count, first=first))


@pytest.fixture(scope="session")
def cluster(control_planes: Fleet[Plane]) -> Plane:
    """The first control plane. What a test stops or pauses, it starts again."""
    return control_planes.first(1)[0]


@pytest.fixture(scope="session")
def clusters(control_planes: Fleet[Plane]) -> tuple[Plane, ...]:
    """Three control planes."""
    return control_planes.first(3)


@pytest.fixture
def namespace(control_planes: Fleet[Plane], request: pytest.FixtureRequest) -> Iterator[str]:
    """Make a new namespace, named after the test, in every control plane that runs.

    Its deletion is asked for when the test ends, and not waited for.
    """
    control_planes.first(1)
    words = re.sub(r"[^a-z0-9]+", "-", request.node.name.lower())[:_NAME_LENGTH].strip("-")
    name = f"{words}-{secrets.token_hex(3)}"
    for plane in control_planes.started:
        plane.api.create("/api/v1/namespaces", {"metadata": {"name": name}})
    yield name
    for plane in control_planes.started:
        plane.api.request("DELETE", f"/api/v1/namespaces/{name}")
