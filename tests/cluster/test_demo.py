"""`make demo`, in a process of its own: every scene comes out as told, and nothing is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cluster.rig import binaries

ROOT = Path(__file__).parents[2]
_LONGEST = 300.0


@pytest.fixture
def temporary(tmp_path: Path, control_planes: object) -> Path:
    """A folder for everything temporary; skips where control planes cannot be had."""
    del control_planes
    return tmp_path


def _demo(temporary: Path, *arguments: str) -> subprocess.Popen[str]:
    environment = os.environ | {
        "TMPDIR": str(temporary),
        "KUBEBUILDER_ASSETS": str(binaries.ensure()),
        "TERM": "dumb",
        "COLUMNS": "100",
    }
    return subprocess.Popen(
        [sys.executable, "-m", "demo", *arguments],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def test_every_scene_comes_out_as_told(temporary: Path) -> None:
    """Exit code 0 says that each claim was looked up in the branch and at the API servers."""
    process = _demo(temporary, "--once")
    said, _ = process.communicate(timeout=_LONGEST)
    assert process.returncode == 0, said
    for claim in (
        "no target of a wave was started before the wave before it had passed",
        "nothing was written on eu-west, us-east, ap-south",
        "the canary runs web 1.4.2 again",
        "all clusters of production run web 1.5.1",
    ):
        assert f"checked: {claim}" in said
    assert "chain intact" in said
    assert list(temporary.iterdir()) == []


def test_an_interruption_leaves_nothing_behind(temporary: Path) -> None:
    """Ctrl-C in the middle of a rollout ends every server and removes every file."""
    process = _demo(temporary)
    assert process.stdout is not None
    seen = ""
    for line in process.stdout:
        seen += line
        if "passed wave canary" in line:
            break
    servers = _children(process.pid)
    process.send_signal(signal.SIGINT)
    rest, _ = process.communicate(timeout=60.0)
    assert process.returncode == 0, seen + rest
    assert "Everything is ended and removed." in rest
    assert list(temporary.iterdir()) == []
    assert [pid for pid in servers if Path(f"/proc/{pid}").exists()] == []


def _children(pid: int) -> list[str]:
    """Give the process IDs of the children that Linux lists; elsewhere none."""
    lists = Path(f"/proc/{pid}/task").glob("*/children")
    return [child for each in lists for child in each.read_text().split()]
