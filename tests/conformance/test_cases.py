"""Both servers answer every case alike, and as was recorded on the real one."""

from __future__ import annotations

import pytest

from tests.conformance.case_files import RECORDED, Case
from tests.conformance.client import Server
from tests.conformance.session import Session


@pytest.mark.usefixtures("expected_to_differ")
def test_case(case: Case, server: Server) -> None:
    """Each step is answered with the recorded status, body and warnings."""
    with Session(server) as session:
        for step in case.given:
            session.prepare(step)
        for number, step in enumerate(case.steps, 1):
            recorded = {name: step[name] for name in RECORDED if name in step}
            assert session.take(step) == recorded, f"step {number}: {step['do']}"
