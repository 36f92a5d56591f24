"""The rig's servers are found or built once; where neither can be, tests say so and CI fails."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.cluster.rig import binaries

_REPOSITORY = Path(__file__).parents[2]
# Plays `go build -o OUTPUT ... PACKAGES`: slow enough that two builds would overlap, and counted.
_GO = """#!/bin/sh
while [ "$1" != -o ]; do shift; done
output=$2; shift 2
echo built >> "$GO_LOG"
sleep 0.2
case $output in
    */) for package; do : > "$output${package##*/}"; chmod +x "$output${package##*/}"; done ;;
    *) : > "$output"; chmod +x "$output" ;;
esac
"""
_BROKEN_GO = """#!/bin/sh
echo 'downloading k8s.io/kubernetes'
echo 'dial tcp: no route to host'
exit 1
"""


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Give the user an empty cache, and a PATH with the usual tools but no Go."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("sh", "sleep", "chmod"):
        found = next(Path(place, name) for place in os.get_exec_path() if Path(place, name).exists())
        (tools / name).symlink_to(found)
    monkeypatch.setenv("PATH", str(tools))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GO_LOG", str(tmp_path / "go.log"))
    monkeypatch.delenv("KUBEBUILDER_ASSETS", raising=False)
    monkeypatch.delenv("CI", raising=False)
    return tmp_path


def _install_go(home: Path, script: str) -> None:
    (home / "tools/go").write_text(script)
    (home / "tools/go").chmod(0o755)


def test_assets_folder_wins(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    """`KUBEBUILDER_ASSETS` is taken as it is when it is complete."""
    for name in binaries.BINARIES:
        (home / name).touch(mode=0o755)
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(home))
    assert binaries.ensure() == home


def test_assets_folder_that_lacks_a_server_is_named(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    """What `KUBEBUILDER_ASSETS` lacks is said, and not built behind its back."""
    for name in binaries.BINARIES[1:-1]:
        (home / name).touch(mode=0o755)
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(home))
    with pytest.raises(binaries.RigUnavailable, match=f"KUBEBUILDER_ASSETS={home} lacks etcd, kwok"):
        binaries.ensure()


def test_without_go_the_reason_says_so(home: Path) -> None:
    """Neither built servers nor Go to build them with."""
    assert not (home / "tools/go").exists()
    with pytest.raises(binaries.RigUnavailable, match="Go is not installed"):
        binaries.ensure()


def test_failed_build_shows_its_last_lines_and_leaves_nothing(home: Path) -> None:
    """A build that fails is not taken for one that succeeded the next time."""
    _install_go(home, _BROKEN_GO)
    for _ in range(2):
        with pytest.raises(binaries.RigUnavailable, match=r"etcd failed:\n.*\n.*no route to host"):
            binaries.ensure()


def test_asked_at_once_builds_once(home: Path) -> None:
    """Whoever comes second waits for the first one's build and takes it."""
    _install_go(home, _GO)
    heard: list[str] = []
    assert binaries.built() is None
    with ThreadPoolExecutor(2) as pool:
        folders = {each.result() for each in [pool.submit(binaries.ensure, heard.append) for _ in range(2)]}
    (folder,) = folders
    assert binaries.built() == folder
    assert sorted(path.name for path in folder.iterdir()) == sorted(binaries.BINARIES)
    assert (home / "go.log").read_text().count("built") == len(binaries.BUILDS)
    assert len(heard) == 1 + len(binaries.BUILDS)
    assert not list(folder.parent.glob("building-*"))


@pytest.mark.parametrize("ci", [False, True], ids=["here", "CI"])
def test_run_without_servers_skips_or_fails(home: Path, ci: bool) -> None:  # noqa: FBT001 - a parameter
    """Here: skipped, and one line of the summary says how many and why. In CI: a failure."""
    environment = os.environ | {"PATH": f"{home / 'tools'}", "CI": "true" if ci else ""}
    chosen = ["tests/cluster/test_rig.py", "-k", "limited_user or nodes_are_ready"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *chosen],
        cwd=_REPOSITORY,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    line = "2 cluster tests skipped: no Kubernetes control plane: Go is not installed"
    assert (done.returncode, line in done.stdout) == ((1, False) if ci else (0, True)), done.stdout
    assert "Go is not installed" in done.stdout
