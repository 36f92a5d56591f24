"""The rig's own kubectl works against both servers and says the same of both."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cluster.rig import binaries
from tests.conformance.case_files import RECORDED, Case
from tests.conformance.client import Server
from tests.conformance.session import Session

CASES = "kubectl"


@pytest.fixture(scope="session")
def kubectl() -> Path:
    """The kubectl that the rig builds."""
    try:
        return binaries.ensure() / "kubectl"
    except binaries.RigUnavailable as unavailable:
        pytest.skip(str(unavailable))


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home folder for kubectl's caches."""
    return tmp_path_factory.mktemp("kubectl")


@pytest.mark.cluster
@pytest.mark.usefixtures("expected_to_differ")
def test_kubectl(case: Case, server: Server, kubectl: Path, home: Path) -> None:
    """Each command ends with the recorded exit code and prints the recorded text."""
    with Session(server, kubectl, home) as session:
        for step in case.given:
            session.prepare(step)
        for number, step in enumerate(case.steps, 1):
            recorded = {name: step[name] for name in RECORDED if name in step}
            assert session.take(step) == recorded, f"step {number}: {step['do']}"
