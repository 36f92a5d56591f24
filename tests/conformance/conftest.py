"""The two servers that every case runs on: `real`, the rig's control plane, and `sim`, simcluster."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.cluster.sim.plane import start
from tests.conformance.case_files import FOLDER, Case, load
from tests.conformance.client import Server
from tests.conformance.session import install

_installed: dict[int, Server] = {}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give a test that takes `case` every case of its folder, and `server` both servers."""
    if "case" in metafunc.fixturenames:
        cases = load(getattr(metafunc.module, "CASES", "cases"))
        metafunc.parametrize("case", cases, ids=[f"{case.subject}/{case.name}" for case in cases])
    if "server" in metafunc.fixturenames:
        real = pytest.param("real", marks=pytest.mark.cluster)
        metafunc.parametrize("server", ["sim", real], indirect=True)


@pytest.fixture(scope="session")
def sim() -> Iterator[Server]:
    """One simulated cluster, in a process of its own."""
    with start()[0] as plane:
        install(plane)
        yield plane


@pytest.fixture(scope="session")
def real(cluster: Any) -> Server:
    """The rig's first control plane."""
    found: Server = cluster
    install(found)
    return found


@pytest.fixture
def server(request: pytest.FixtureRequest) -> Server:
    """The server that a test's parameter names."""
    found: Server = request.getfixturevalue(request.param)
    return found


@pytest.fixture(scope="session")
def deviations() -> dict[str, str]:
    """Cases in which simcluster answers otherwise, with the reason."""
    found: dict[str, str] = yaml.safe_load((FOLDER / "deviations.yaml").read_text()) or {}
    return found


@pytest.fixture
def expected_to_differ(request: pytest.FixtureRequest, case: Case, deviations: dict[str, str]) -> None:
    """Expect a listed case to fail on simcluster; one that passes has no business in the list."""
    reason = deviations.get(f"{case.subject}/{case.name}")
    if reason and request.node.callspec.params["server"] == "sim":
        request.node.add_marker(pytest.mark.xfail(reason=reason, strict=True))
