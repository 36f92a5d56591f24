"""`gitops demo`, in a process of its own: every scene comes out as told, and nothing is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
_LONGEST = 300.0


def _demo(tmp_path: Path, *arguments: str) -> subprocess.Popen[str]:
    environment = os.environ | {
        "TMPDIR": str(tmp_path),
        "TERM": "dumb",
        "COLUMNS": "100",
    }
    return subprocess.Popen(
        [Path(sys.executable).parent / "gitops", "demo", *arguments],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def test_every_scene_comes_out_as_told(tmp_path: Path) -> None:
    """Exit code 0 says that each claim was looked up in the branch and at the clusters' APIs."""
    process = _demo(tmp_path, "--once")
    said, _ = process.communicate(timeout=_LONGEST)
    assert process.returncode == 0, said
    for claim in (
        "no target of a wave was started before the wave before it had passed",
        "nothing was written on eu-west, us-east, ap-south",
        "the canary runs web 1.4.2 again",
        "all clusters of production run web 1.5.1",
        "eu-west runs web 1.5.1 again, and the record names kubectl-edit",
    ):
        assert f"checked: {claim}" in said
    assert "chain intact" in said
    assert list(tmp_path.iterdir()) == []


def test_an_interruption_leaves_nothing_behind(tmp_path: Path) -> None:
    """Ctrl-C in the middle of a rollout ends everything and removes every file."""
    process = _demo(tmp_path)
    assert process.stdout is not None
    seen = ""
    for line in process.stdout:
        seen += line
        if "passed wave canary" in line:
            break
    process.send_signal(signal.SIGINT)
    rest, _ = process.communicate(timeout=60.0)
    assert process.returncode == 0, seen + rest
    assert "Everything is ended and removed." in rest
    assert list(tmp_path.iterdir()) == []
